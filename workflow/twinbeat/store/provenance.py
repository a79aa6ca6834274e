"""Where a store comes from: code, parameters and the checksums of its inputs. No wall clock, no path of a machine."""

import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from .. import __version__
from .manifest import checksum

PACKAGE = Path(__file__).parents[1]


def of(kind: str, inputs: Sequence[str | Path], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The ``provenance`` attribute of a store of this kind.

    Only inputs below ``results/`` appear by name; of others (raw DICOM, clinical files, whose paths may identify a
    person) only the checksums are kept, under ``external``.
    """
    sums = {str(path): checksum(Path(path)) for path in inputs}
    named = {Path(path).relative_to("results").as_posix(): s for path, s in sums.items() if _is_result(path)}
    external = sorted(s for path, s in sums.items() if not _is_result(path))
    return {
        "kind": kind,
        "code": code(PACKAGE),
        "parameters": _without_paths(dict(parameters)),
        "inputs": named,
        "external": external,
    }


@cache
def code(folder: Path) -> dict[str, Any]:
    """Version of the package and, where ``folder`` is under git, its commit and whether it has been modified since."""
    tracked = _git(folder, "ls-files", "--error-unmatch", "__init__.py") is not None
    commit = _git(folder, "rev-parse", "HEAD") if tracked else None
    modified = None if commit is None else bool(_git(folder, "status", "--porcelain", "--", "."))
    return {"version": __version__, "commit": commit, "modified": modified}


def _git(folder: Path, *words: str) -> str | None:
    command = ["git", "--no-optional-locks", "-C", str(folder), *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # no git, no repository, or one that belongs to somebody else
        return None


def _without_paths(value: Any) -> Any:
    """``value`` with each path from the root of the machine withheld: it may hold the name of a person or a host."""
    if isinstance(value, Mapping):
        return {key: _without_paths(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_paths(entry) for entry in value]
    return "withheld path" if isinstance(value, str | Path) and Path(value).is_absolute() else value


def _is_result(path: str) -> bool:
    return Path(path).parts[:1] == ("results",)
