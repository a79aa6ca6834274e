"""Stores: one immutable Zarr (format 3) per patient and stage, published whole or not at all.

A store is written beside its place under a temporary name, its chunks are counted, a manifest of SHA-256 sums is added,
files and folders are flushed to the disk, and then it is renamed into place: whoever finds it finds all of it. Reading
takes every byte through the manifest, so that a flipped bit, a missing or truncated chunk or a surplus file is a
``StoreError`` and never a wrong number. The kind of a store is the stem of its file name, unless the dataset names
another in ``attrs["kind"]``.
"""

import errno
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import xarray as xr
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from ..verdicts import KINDS, PatientStopped
from . import manifest, provenance
from .checks import described
from .manifest import StoreError, checksum

__all__ = ["StoreError", "checksum", "earlier", "finished", "open", "publish", "verdict"]

_CODECS = {"compressors": [ZstdCodec(level=3), Crc32cCodec()], "_FillValue": None}
_ABANDONED = 24 * 3600.0


def publish(
    dataset: xr.Dataset,
    path: str | Path,
    *,
    inputs: Sequence[str | Path] = (),
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Publish ``dataset`` as the store ``path``; a store that is there already is replaced.

    ``inputs`` are the files and stores it was made from, ``parameters`` the sections of the configuration: both go into
    ``attrs["provenance"]``. Raises ValueError, naming the variable, where the dataset is not as ``VARIABLES`` says.
    """
    path = Path(path)
    kind = dataset.attrs.get("kind", path.stem)
    complete = described(dataset, kind)
    complete.attrs["provenance"] = provenance.of(kind, inputs, parameters or {})
    with _beside(path) as temporary:
        _write(complete, temporary)
        manifest.seal(temporary)
        _place(temporary, path)


def open(path: str | Path) -> xr.Dataset:
    """The dataset of a store, in memory. Raises the verdict that it holds, or StoreError where it is damaged."""
    dataset = _decode(manifest.read(Path(path)))
    if "verdict" in dataset.attrs:
        found = dataset.attrs["verdict"]
        raise KINDS[found["kind"]](found["code"], found["message"], found["stage"])
    return dataset


def earlier(path: str | Path) -> xr.Dataset | None:
    """The dataset of a store that is about to be replaced; none where there is no sound one of the same code."""
    try:
        dataset = open(path)
    except (StoreError, PatientStopped):
        return None
    code = provenance.code(provenance.PACKAGE)
    return None if code["modified"] or dataset.attrs["provenance"]["code"] != code else dataset


def finished(paths: Sequence[str | Path]) -> list[xr.Dataset]:
    """The datasets of those stores that hold no verdict."""
    found = []
    for path in paths:
        with suppress(PatientStopped):
            found.append(open(path))
    return found


def verdict(stopped: PatientStopped) -> xr.Dataset:
    """What a stage publishes instead of its result when the patient goes no further."""
    found = {"kind": stopped.kind, "code": stopped.code, "message": stopped.message, "stage": stopped.stage}
    return xr.Dataset(attrs={"kind": "verdict", "verdict": found})


def _write(dataset: xr.Dataset, folder: Path) -> None:
    encoding = {str(name): dict(_CODECS) for name in dataset.variables}
    dataset.drop_encoding().to_zarr(
        folder, mode="w", zarr_format=3, consolidated=False, encoding=encoding, write_empty_chunks=True
    )
    for name, array in zarr.open_group(folder, mode="r", zarr_format=3).arrays():
        if array.nchunks_initialized != array.nchunks:
            raise StoreError(f"{folder}: {name} has {array.nchunks_initialized} of {array.nchunks} chunks on the disk")


def _decode(files: Mapping[str, bytes]) -> xr.Dataset:
    """The dataset of exactly the bytes that were checked; they are not read from the disk again."""
    buffer = default_buffer_prototype().buffer
    memory = MemoryStore({name: buffer.from_bytes(content) for name, content in files.items()})
    with zarr.config.set({"array.read_missing_chunks": False}):
        return xr.load_dataset(
            memory, engine="zarr", consolidated=False, zarr_format=3, mask_and_scale=False, decode_times=False
        )


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A new folder name beside ``path``, so on its file system; what is left of it in the end is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    temporary = _another_name(path)
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _another_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}")


def _sweep(path: Path) -> None:
    """Remove what writers that were killed a day ago or earlier have left."""
    for folder in path.parent.glob(f".{path.name}.*"):
        if time.time() - folder.stat().st_mtime > _ABANDONED:
            shutil.rmtree(folder, ignore_errors=True)


def _place(folder: Path, path: Path) -> None:
    """Rename ``folder`` to ``path``. An empty folder there gives way by itself; a store there is moved aside first.

    Between the two renames, some microseconds, there is no store at ``path``: a writer killed then leaves none.
    """
    replaced = []
    while True:
        try:
            folder.rename(path)
            break
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        replaced.append(_another_name(path))
        with suppress(FileNotFoundError):  # another writer was faster
            path.rename(replaced[-1])
    manifest.flush(path.parent)
    for old in replaced:
        shutil.rmtree(old, ignore_errors=True)
