"""Unpacks a zip of DICOM files. Names in it may identify a person, so that messages know entries by their number."""

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ...parameters import Retrieval
from ...units import BYTES_PER_GB
from ...verdicts import Rejected

LONGEST_PART, LONGEST_PATH = 255, 2000
"""Bytes of a name that file systems take, and of all names of a path together."""
DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError)


def unpack(source: Path, folder: Path, parameters: Retrieval) -> None:
    """The files of a zip, under their own names, in ``folder`` and nowhere else.

    Raises Rejected where the zip is damaged, encrypted, too large or names anything but plain files inside it.
    """
    try:
        with zipfile.ZipFile(source) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            _check_sizes(entries, parameters)
            _check_entries(entries)
            for entry in entries:
                _extract(opened, entry, folder / entry.filename)
    except OSError as error:
        raise OSError(error.errno, f"cannot unpack a zip: {error.strerror}") from None
    except DAMAGES as error:
        raise Rejected("corrupt-zip", f"the zip is damaged ({type(error).__name__}); expected a whole one") from None


def _check_sizes(entries: list[zipfile.ZipInfo], parameters: Retrieval) -> None:
    if len(entries) > parameters.zip_files:
        expected = f"expected at most {parameters.zip_files} (retrieval.zip_files)"
        raise Rejected("large-zip", f"the zip has {len(entries)} files; {expected}")
    size = sum(entry.file_size for entry in entries) / BYTES_PER_GB  # no entry is read beyond what it says here
    if size > parameters.zip_size:
        expected = f"expected at most {parameters.zip_size:g} GB (retrieval.zip_size)"
        raise Rejected("large-zip", f"the zip's files take {size:.3g} GB unpacked; {expected}")


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    taken: dict[PurePosixPath, str] = {}
    for number, entry in enumerate(entries, 1):
        which, path = f"entry {number} of {len(entries)} of the zip", PurePosixPath(entry.filename)
        if entry.flag_bits & 0x1:
            raise Rejected("encrypted-zip", f"{which} is encrypted; expected a zip without a password")
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            raise Rejected("unsafe-zip", f"{which} is a link or a device; expected plain files")
        if not _is_inside(entry.filename):
            raise Rejected("unsafe-zip", f"{which} names a path outside the zip, or none; expected a path inside")
        if taken.get(path) or any(taken.get(parent) == "file" for parent in path.parents):
            raise Rejected("unsafe-zip", f"{which} has the path of another entry; expected each once")
        taken |= dict.fromkeys(path.parents, "folder") | {path: "file"}


def _is_inside(name: str) -> bool:
    parts = name.split("/")
    plain = all(part not in ("", ".", "..") and len(part.encode("utf-8", "replace")) <= LONGEST_PART for part in parts)
    return plain and not set(name) & {"\\", "\0"} and len(name.encode("utf-8", "replace")) <= LONGEST_PATH


def _extract(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(entry) as stream, path.open("xb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
