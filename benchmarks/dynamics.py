"""What the mass and the viscosity of muscle change in the beat of a calibrated heart, and what they cost.

envs/run python benchmarks/dynamics.py [--patient results/demo/phantom-01] [--steps 20 5]

Takes the stores of a patient (by default of the demo: run `make demo` first) and lets it beat without either, with so
little of it that only the coupling is another one (marched), with the density of muscle, with the viscosity of Arostica
et al. 2025, with both, and with ten times that viscosity, in time steps of so many ms. A line for each; the last line
is one JSON object with all of them.
"""

import argparse
import json
import time
from itertools import product
from pathlib import Path

import xarray as xr
from electromechanics import NAMES, patient
from mpi4py import MPI

from twinbeat import beat, whatif
from twinbeat.intake.clinical import Clinical
from twinbeat.parameters import Beat, Mechanics
from twinbeat.units import KPA_PER_MMHG
from twinbeat.verdicts import PatientStopped

ROOT = Path(__file__).parents[1]
DENSITY, VISCOSITY = "1.06 g/mL", "100 kPa ms"
STEADY = 2e-3
"""As beat.steady: what a beat may change beside which effects are seen."""
KINDS = {
    "none": {},
    "next to none": {"density": "1e-6 g/mL"},
    "density": {"density": DENSITY},
    "viscosity": {"viscosity": VISCOSITY},
    "both": {"density": DENSITY, "viscosity": VISCOSITY},
    "tenfold viscosity": {"density": DENSITY, "viscosity": "1000 kPa ms"},
}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patient", type=Path, default=ROOT / "results/demo/phantom-01")
    parser.add_argument("--steps", type=float, nargs="+", default=[20.0, 5.0], help="ms")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    options = parser.parse_args()
    stores, clinical = patient(options.patient)
    found = {}
    for step, kind in product(options.steps, options.only):
        name = f"{kind}, {step:g} ms"
        try:
            found[name] = figures(stores, clinical, Beat(time_step=f"{step:g} ms", steady=STEADY), KINDS[kind])
        except PatientStopped as verdict:
            found[name] = {"stopped": str(verdict)}
        print(name, json.dumps(found[name]), flush=True)
    print(json.dumps(found))


def figures(stores: list[xr.Dataset], clinical: Clinical, settings: Beat, kind: dict[str, str]) -> dict[str, float]:
    """Of the beat with these entries of ``mechanics``."""
    start = time.process_time()
    found = beat.simulate(*stores, clinical, settings, Mechanics(**kind), MPI.COMM_SELF)
    shown = whatif.figures(dict(zip(NAMES, stores, strict=True))["activation"], found)
    return {
        "ejection_fraction": round(shown["ejection fraction (%)"], 2),
        "largest_pressure_mmhg": round(shown["largest LV pressure (mmHg)"], 2),
        "least_pressure_mmhg": round(float(found.pressure.min()) / KPA_PER_MMHG, 2),
        "largest_rise_mmhg_per_s": round(shown["largest pressure rise (mmHg/s)"]),
        "steadiness": round(float(found.steadiness), 4),
        "cpu_seconds": round(time.process_time() - start, 1),
    }


if __name__ == "__main__":
    main()
