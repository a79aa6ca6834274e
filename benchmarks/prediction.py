"""Volumes of a calibrated patient: within their uncertainty where they were fitted, predicted where they were held out.

envs/run python benchmarks/prediction.py [--patient results/demo/real-01] [--held-out 3]

The targets of a finished patient are fitted twice with the study's mechanics (``--study``): all frames, and without the
volumes and radii of every third one. Deviations of volumes are in standard deviations: those of the targets where they
were fitted, of target and prediction together where not. A line for each fit; the last line is one JSON object:
``fitted_inside_90``, the share of all volumes within 1.645 standard deviations, ``fitted_rms`` and ``fitted_largest``;
the same with ``predicted_`` of the volumes that were held out.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import xarray as xr
import yaml

from twinbeat import calibration, store
from twinbeat.assessment import TWO_SIDED_90
from twinbeat.parameters import Study, read


def fitted(patient: Path, study: Study, held_out: int | None) -> xr.Dataset:
    """The posterior of a patient's targets without the volumes and radii of every ``held_out``-th frame."""
    anatomy, targets = (store.open(patient / f"{name}.zarr") for name in ("anatomy", "targets"))
    tissue = store.open(patient / "posterior.zarr").tissue.values
    options = study.calibration.model_copy(update={"held_out": held_out})
    return calibration.calibrate(anatomy, targets, tissue, options, study.mechanics)


def deviations(targets: xr.Dataset, posterior: xr.Dataset, held: bool) -> np.ndarray:
    """Of the volumes (frame,) that were held out, or of the others but that of the mesh, in standard deviations."""
    sigma = targets.volume_sigma.values
    chosen = posterior.held_out.values.astype(bool) == held
    chosen[int(targets.end_diastole)] = False
    spread = np.hypot(sigma, posterior.volume_fit_sigma.values) if held else sigma
    return ((posterior.volume - targets.volume).values / spread)[chosen]


def figures(name: str, off: np.ndarray) -> dict[str, float]:
    """Share within 90 % intervals, root mean square and largest of deviations."""
    size = np.abs(off)
    return {
        f"{name}_inside_90": float((size <= TWO_SIDED_90).mean()),
        f"{name}_rms": float(np.sqrt(np.mean(off**2))),
        f"{name}_largest": float(size.max()),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patient", type=Path, default=Path("results/demo/real-01"))
    parser.add_argument("--study", type=Path, default=Path("studies/demo.yaml"))
    parser.add_argument("--held-out", type=int, default=3)
    options = parser.parse_args()
    study, targets = read(yaml.safe_load(options.study.read_text())), store.open(options.patient / "targets.zarr")
    every, some = (fitted(options.patient, study, held_out) for held_out in (None, options.held_out))
    found = figures("fitted", deviations(targets, every, held=False))
    print("all frames fitted:", found, flush=True)
    found |= figures("predicted", deviations(targets, some, held=True))
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


if __name__ == "__main__":
    main()
