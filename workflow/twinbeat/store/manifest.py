"""The manifest of a store: SHA-256 sums of its files, in the format of ``sha256sum``, so that anybody can check it."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

NAME = "SHA256SUMS"
_NOT_OURS = {NAME, ".snakemake_timestamp"}


class StoreError(OSError):
    """A store that is missing or damaged: a fault of the machine, so it fails the job and stops no patient."""


def seal(folder: Path) -> None:
    """Write the manifest of ``folder`` and flush its files and folders to the disk."""
    (folder / NAME).write_bytes(_text(_files(folder)))
    for path in [*folder.rglob("*"), folder]:
        flush(path)


def flush(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(folder: Path) -> dict[str, bytes]:
    """The content of every file of a store. Raises StoreError, naming the file, where the manifest does not agree."""
    if not (folder / NAME).is_file():
        raise StoreError(f"{folder}: no store is there (a folder with the manifest {NAME} was expected)")
    try:
        expected, files = (folder / NAME).read_bytes(), _files(folder)
    except FileNotFoundError as error:
        raise StoreError(f"{folder}: {error.filename} went away while it was read") from error
    found = _text(files)
    if found != expected:
        raise StoreError(f"{folder}: {_difference(expected, found)}")
    return files


def checksum(path: Path) -> str:
    """SHA-256 of a file; of a store or another folder, that of its manifest."""
    if not path.is_dir():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    made = path / NAME
    return hashlib.sha256(made.read_bytes() if made.is_file() else _text(_files(path))).hexdigest()


def _files(folder: Path) -> dict[str, bytes]:
    """Content by name relative to ``folder``."""
    names = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in sorted(names.items()) if name not in _NOT_OURS}


def _text(files: Mapping[str, bytes]) -> bytes:
    return "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()).encode()


def _difference(expected: bytes, found: bytes) -> str:
    listed, present = _sums(expected), _sums(found)
    for name in sorted(listed.keys() | present.keys()):
        if name not in present:
            return f"{name} is in the manifest and not in the store"
        if name not in listed:
            return f"{name} is in the store and not in the manifest"
        if listed[name] != present[name]:
            return f"{name} does not have the checksum of the manifest"
    return f"{NAME} is damaged"


def _sums(text: bytes) -> dict[str, bytes]:
    lines = [line.split(b"  ", 1) for line in text.splitlines()]
    return {line[1].decode(errors="replace"): line[0] for line in lines if len(line) == 2}
