"""Reads the MR and CT image files of a folder. No message here may hold a file name or a value from a header."""

import logging
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread, uid
from pydicom.pixels import iter_pixels

from ..verdicts import Rejected

IMAGES = {
    uid.MRImageStorage,
    uid.EnhancedMRImageStorage,
    uid.LegacyConvertedEnhancedMRImageStorage,
    uid.CTImageStorage,
    uid.EnhancedCTImageStorage,
    uid.LegacyConvertedEnhancedCTImageStorage,
}
LONGEST_META = 4096
LARGEST_INFLATED = 2**30
"""Bytes of a deflated file: 3 MB can unfold to as many GB."""
DICOM_SUFFIXES = {".dcm", ".ima", ".dic", ".dicom"}

logging.getLogger("pydicom").propagate = False  # its warnings quote values of the header


@dataclass(frozen=True)
class File:
    """One file of a folder, known by its number in the order of names, as in "file 17 of 240"."""

    path: Path
    number: int
    total: int

    @property
    def state(self) -> tuple[int, int]:
        """Size, and time of the last change in ns. Raises OSError without the name."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise OSError(error.errno, f"cannot read {self}: {error.strerror}") from None
        return found.st_size, found.st_mtime_ns

    def __str__(self) -> str:
        return f"file {self.number} of {self.total} (in the order of their names)"


def listed(folder: Path) -> list[File]:
    """All files below a folder except hidden ones. Raises Rejected where there is none."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if not paths:
        raise Rejected("no-files", "the DICOM folder has no files; expected at least one series of a short-axis cine")
    return [File(path, number, len(paths)) for number, path in enumerate(paths, 1)]


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing that pydicom warns about is printed: it quotes values of the header."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read(file: File, pixels: bool = True) -> Dataset | None:
    """The MR or CT image in a file; None where it is something else (a report, a viewer, a screenshot).

    Raises Rejected where the file is a damaged image, OSError (without the name) where the machine cannot read it.
    """
    dataset = parse(file, pixels)
    if dataset is None or sop_class(dataset) not in IMAGES:
        return None
    check(file, dataset, pixels)
    return dataset


def parse(file: File, pixels: bool = True) -> Dataset | None:
    """The DICOM object in a file; None where it is no DICOM. Raises as ``read`` does."""
    try:
        _check_inflated(file)
        with quiet():
            dataset = dcmread(file.path, force=True, stop_before_pixels=not pixels)
            known = sop_class(dataset)
    except Rejected:
        raise
    except OSError as error:
        raise OSError(error.errno, f"cannot read {file}: {error.strerror}") from None
    except Exception as error:  # a parser met by bytes that are no DICOM may raise anything
        return _not_dicom(file, type(error).__name__)
    return dataset if known else _not_dicom(file, "no SOP class")


def _check_inflated(file: File) -> None:
    """Raises Rejected where a file is deflated and far too large for a study; it is inflated piece by piece."""
    with file.path.open("rb") as stream, suppress(zlib.error):  # no stream of deflate: for the parser
        start = stream.read(LONGEST_META)
        if uid.DeflatedExplicitVRLittleEndian.encode() not in start:
            return
        stream.seek(144 + int.from_bytes(start[140:144], "little"))  # behind the file meta header (PS3.10 7.1)
        inflater, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
        for piece in iter(lambda: stream.read(2**14), b""):
            size += len(inflater.decompress(piece))
            if size > LARGEST_INFLATED:
                expected = f"expected at most {LARGEST_INFLATED} bytes"
                raise Rejected("large-file", f"{file} is deflated and unfolds to more; {expected}")


def sop_class(dataset: Dataset) -> str:
    """The UID of what kind of object a dataset is, empty where it does not say."""
    return str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID", ""))


def _not_dicom(file: File, reason: str) -> None:
    with file.path.open("rb") as stream:
        is_dicom = stream.read(132)[128:] == b"DICM"
    if is_dicom or file.path.suffix.lower() in DICOM_SUFFIXES:
        raise Rejected("corrupt-file", f"{file} cannot be read as DICOM ({reason}); expected a whole file")


def check(file: File, dataset: Dataset, pixels: bool = True) -> None:
    """Raises Rejected where an image has no whole header or fewer pixels than it says."""
    try:
        with quiet():
            needed, compressed = _size(dataset), _is_compressed(dataset)
            found = len(dataset.PixelData) if pixels else needed
    except Exception as error:
        raise Rejected("corrupt-file", f"{file} has no whole image header ({type(error).__name__})") from None
    if not compressed and found < needed:
        raise Rejected("corrupt-file", f"{file} is cut short: {found} bytes of pixels; expected {needed}")


def _size(dataset: Dataset) -> int:
    """Bytes of the pixels of a grey image."""
    return dataset.Rows * dataset.Columns * dataset.BitsAllocated // 8 * int(dataset.get("NumberOfFrames") or 1)


def _is_compressed(dataset: Dataset) -> bool:
    return dataset.file_meta.get("TransferSyntaxUID", uid.ImplicitVRLittleEndian).is_compressed


def bare(dataset: Dataset) -> None:
    """Leave the pixels of a grey image, and nothing that a compressed stream or what follows them says besides."""
    pixels = dataset["PixelData"]
    if _is_compressed(dataset):
        frames = range(int(dataset.get("NumberOfFrames") or 1))
        pixels.value = b"".join(frame.tobytes() for frame in iter_pixels(dataset, indices=frames))
        pixels.VR, pixels.is_undefined_length = "OB" if dataset.BitsAllocated <= 8 else "OW", False
        dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    pixels.value = pixels.value[: _size(dataset)]


def decode(file: File, frames: Sequence[int] | None = None) -> Iterator[np.ndarray]:
    """Stored values (row, column), float32, of these frames of an image file, or of all, one after the other."""
    header = read(file, pixels=False)
    count = int(header.get("NumberOfFrames") or 1)
    frames = range(count) if frames is None else frames
    if max(frames) >= count:
        raise Rejected("corrupt-file", f"{file} has {count} frames; its header tells of more")
    if header.get("SamplesPerPixel", 1) != 1:
        raise Rejected("not-grey", f"{file} has {header.SamplesPerPixel} colours per pixel; expected 1")
    if header.get("PhotometricInterpretation") == "MONOCHROME1":
        raise Rejected("inverted-grey", f"{file} shows its lowest values as white (MONOCHROME1); expected MONOCHROME2")
    planes = iter_pixels(file.path, indices=frames)
    for _ in frames:
        try:
            with quiet():
                stored = next(planes).astype(np.float32)
        except Exception as error:  # each decoder has its own way to fail
            syntax = header.file_meta.get("TransferSyntaxUID", uid.ImplicitVRLittleEndian).name
            reason = f"{file}: pixels ({syntax}) cannot be decoded ({type(error).__name__})"
            raise Rejected("corrupt-file", reason) from None
        yield stored
