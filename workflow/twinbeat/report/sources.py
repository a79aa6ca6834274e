"""What there is of a patient: the stores that hold results, and the verdict where a stage stopped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from .. import store
from ..verdicts import PatientStopped


@dataclass(frozen=True)
class Gathered:
    """Datasets and checksums by the name of their store, and the first verdict met, if any."""

    stores: dict[str, xr.Dataset] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)
    verdict: PatientStopped | None = None

    def get(self, name: str) -> xr.Dataset | None:
        """The dataset of a stage, or None where it was not reached."""
        return self.stores.get(name)

    def has(self, *names: str) -> bool:
        """Whether all these stages gave a result."""
        return all(name in self.stores for name in names)


def gather(paths: Mapping[str, str]) -> Gathered:
    """Open the stores ``{name: path}``, in the order of the stages; a verdict among them is kept, not raised."""
    stores, checksums, verdict = {}, {}, None
    for name, path in paths.items():
        checksums[name] = store.checksum(Path(path))
        found = _opened(path)
        if isinstance(found, PatientStopped):
            verdict = verdict or found
        else:
            stores[name] = found
    return Gathered(stores, checksums, verdict)


def assessments(paths: Iterable[str]) -> dict[str, xr.Dataset | PatientStopped]:
    """The assessment or the verdict of each patient, by the name of the folder that holds it."""
    return {Path(path).parent.name: _opened(path) for path in paths}


def _opened(path: str) -> xr.Dataset | PatientStopped:
    try:
        return store.open(path)
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
    present = set(gathered.checksums.values())
    names = {f"{name}.zarr" for name in gathered.checksums}
    lines = []
    for name, dataset in gathered.stores.items():
        made = dataset.attrs["provenance"]
        seen = [checksum for path, checksum in made["inputs"].items() if Path(path).name in names]
        lines.append(Origin(name, gathered.checksums[name], made["code"], made["parameters"], set(seen) <= present))
    return lines
