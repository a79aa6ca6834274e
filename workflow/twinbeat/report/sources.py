"""What there is of a patient: the stores that hold results, and the verdict where a stage stopped."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from .. import store
from ..intake.clinical import Clinical
from ..verdicts import PatientStopped


@dataclass(frozen=True)
class Gathered:
    """Datasets by the name of their stage, the names of their files, checksums by these, the clinical figures, and the
    first verdict met."""

    stores: dict[str, xr.Dataset] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)
    clinical: Clinical | None = None
    verdict: PatientStopped | None = None

    def get(self, name: str) -> xr.Dataset | None:
        """The dataset of a stage, or None where it was not reached."""
        return self.stores.get(name)

    def has(self, *names: str) -> bool:
        """Whether all these stages gave a result."""
        return all(name in self.stores for name in names)


def gather(paths: Mapping[str, str], clinical: str) -> Gathered:
    """Open the clinical file and the stores ``{name: path}``, in the order of the stages; keep a verdict."""
    figures = _read(clinical, Clinical.read)
    verdict = figures if isinstance(figures, PatientStopped) else None
    stores, files = {}, {name: Path(path).name for name, path in paths.items()}
    checksums = {Path(path).name: store.checksum(Path(path)) for path in (clinical, *paths.values())}
    for name, path in paths.items():
        found = opened(path)
        if isinstance(found, PatientStopped):
            verdict = verdict or found
        else:
            stores[name] = found
    return Gathered(stores, files, checksums, None if isinstance(figures, PatientStopped) else figures, verdict)


def assessments(paths: Iterable[str]) -> dict[str, xr.Dataset | PatientStopped]:
    """The assessment or the verdict of each patient, by the name of the folder that holds it."""
    return {Path(path).parent.name: opened(path) for path in paths}


def opened(path: str) -> xr.Dataset | PatientStopped:
    """The dataset of a store, or the verdict that stands in its place."""
    return _read(path, store.open)


def _read[T](path: str, read: Callable[[str], T]) -> T | PatientStopped:
    try:
        return read(path)
    except PatientStopped as stopped:
        return stopped


@dataclass(frozen=True)
class Origin:
    """Where one store comes from, and whether its inputs are still the ones that it was made from."""

    name: str
    checksum: str
    code: dict[str, Any]
    parameters: dict[str, Any]
    current: bool


def origins(gathered: Gathered) -> list[Origin]:
    """One line of provenance per store that holds a result."""
    return [
        _origin(gathered.files[name], dataset.attrs["provenance"], gathered.checksums)
        for name, dataset in gathered.stores.items()
    ]


def _origin(file: str, made: Mapping[str, Any], checksums: Mapping[str, str]) -> Origin:
    inputs = {Path(path).name: checksum for path, checksum in made["inputs"].items()}
    current = all(checksums.get(name, checksum) == checksum for name, checksum in inputs.items())
    return Origin(Path(file).stem, checksums[file], made["code"], made["parameters"], current)
