"""qNet of the CiPA drugs: cost, deviation from the reference, error of the steps; table and figure of the docs.

envs/run python benchmarks/pharmacology.py [training] [halved] [validation] [--figure docs/pharmacology.svg]

training: the cell without drugs and under the 12 training drugs at one to four times the peak, 1000 beats at a cycle
length of 2000 ms, on one core; ``--figure`` draws it. halved: four of the drugs with half the steps. validation: the 16
validation drugs, which have no reference. Adds to benchmarks/results/pharmacology.json; the last line printed is the
headline of what was run.
"""

import argparse
import json
import time
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from twinbeat import pharmacology
from twinbeat.evidence.pharmacology import CONTROL, REFERENCE, deviation
from twinbeat.pharmacology.risk import CYCLE, HIGH, LOW

RESULT = Path(__file__).parent / "results/pharmacology.json"
HALVED = ("quinidine", "bepridil", "dofetilide", "mexiletine")  # as many cells as the kernel takes at once
PARTS = {
    "training": (pharmacology.TRAINING, 1),
    "halved": ({name: pharmacology.TRAINING[name] for name in HALVED}, 2),
    "validation": (pharmacology.VALIDATION, 1),
}
COLOURS = {"high": "#b2182b", "intermediate": "#e08214", "low": "#2166ac"}


def main() -> None:
    """Run, print tables; the last line is JSON."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("parts", nargs="*", choices=list(PARTS), default=["training"])
    arguments.add_argument("--beats", type=int, default=1000)
    arguments.add_argument("--figure", type=Path)
    options = arguments.parse_args()
    found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    headline = {}
    for part in options.parts:
        drugs, refined = PARTS[part]
        charges, figures = run(drugs, options.beats, refined)
        figures |= {} if part == "validation" else compare(charges)
        headline[part] = figures
        found[part] = figures | {"drugs": told(drugs, charges)}
        if part == "training" and options.figure:
            draw(charges, options.figure)
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(headline))


def run(drugs: dict[str, pharmacology.Drug], beats: int, refined: int = 1) -> tuple[pharmacology.Charges, dict]:
    """The charges, and CPU seconds."""
    pharmacology.charges([drugs[next(iter(drugs))]], beats=1, refined=refined)  # kernel and tables are made once
    pharmacology.control.cache_clear()
    start = time.process_time()
    charges = pharmacology.charges(list(drugs.values()), beats, refined)
    return charges, {"cells": 1 + charges.charge.size, "cpu_seconds": round(time.process_time() - start, 1)}


def told(drugs: dict[str, pharmacology.Drug], charges: pharmacology.Charges) -> dict:
    """The table, printed."""
    duration = float(charges.without.duration()[0])
    print(f"without drugs: qNet {charges.without.charge[0]:.3f} nC/uF, APD90 {duration:.1f} ms")
    found = {"without": {"charge": float(charges.without.charge[0]), "duration": duration}}
    for k, (name, predicted) in enumerate(zip(charges.drugs, charges.classes(), strict=True)):
        shown = [
            f"{charge:8.3f}{'' if good else '*'} ({length:4.0f} ms)"
            for charge, good, length in zip(charges.charge[k], charges.repolarised[k], charges.duration[k], strict=True)
        ]
        known = drugs[name].risk
        print(f"{name:15} {'  '.join(shown)}  mean {charges.mean()[k]:7.3f}  {predicted:12} known {known}", flush=True)
        found[name] = {
            "charge": charges.charge[k].tolist(), "duration": charges.duration[k].tolist(),
            "repolarised": charges.repolarised[k].tolist(), "mean": float(charges.mean()[k]),
            "predicted": predicted, "known": known,
        }  # fmt: skip
    right = sum(drugs[name].risk == one for name, one in zip(charges.drugs, charges.classes(), strict=True))
    print(f"{right} of {len(drugs)} classes; * does not repolarise")
    return found


def compare(charges: pharmacology.Charges) -> dict:
    """Deviation from the reference in percent, and classes that are right."""
    off = {name: deviation(charges, name) for name in charges.drugs}
    right = [pharmacology.TRAINING[name].risk for name in charges.drugs]
    return {
        "control_percent": round(100 * (float(charges.without.charge[0]) / CONTROL - 1), 3),
        "largest_deviation_percent": round(max(off.values()), 3),
        "classes_right": sum(map(str.__eq__, right, charges.classes())),
    }


def draw(charges: pharmacology.Charges, path: Path) -> None:
    """Action potentials of each drug at its doses, and the mean charge of all beside the bounds of the classes."""
    matplotlib.use("Agg")
    plt.rcParams |= {"svg.hashsalt": "twinbeat", "font.size": 8, "svg.fonttype": "none"}
    figure, axes = plt.subplot_mosaic(
        [[*charges.drugs[k : k + 4], "mean"] for k in (0, 4, 8)],
        figsize=(11, 6),
        width_ratios=[1, 1, 1, 1, 1.8],
        layout="constrained",
    )
    voltage = charges.beat.voltage.reshape(len(charges.beat.times), len(charges.drugs), -1)
    for k, name in enumerate(charges.drugs):
        trace(axes[name], charges, voltage[:, k], pharmacology.TRAINING[name])
    bars(axes["mean"], charges)
    figure.savefig(path, metadata={"Date": None})


def trace(axes: plt.Axes, charges: pharmacology.Charges, voltage: np.ndarray, drug: pharmacology.Drug) -> None:
    """One drug's action potentials; the darker, the higher the dose."""
    kept = slice(0, 1000 if drug.name != "quinidine" else int(CYCLE), 4)
    times = charges.beat.times[kept]
    axes.plot(times, charges.without.voltage[kept, 0], color="0.6", lw=1)
    for dose in range(voltage.shape[1]):
        axes.plot(times, voltage[kept, dose], color=COLOURS[drug.risk], alpha=0.25 * (dose + 1), lw=1)
    axes.set_title(drug.name, color=COLOURS[drug.risk])
    axes.set_xlabel("ms")
    axes.set_ylabel("mV")


def bars(axes: plt.Axes, charges: pharmacology.Charges) -> None:
    """The mean charges, beside the reference's (a line)."""
    order = np.argsort(charges.mean())
    names = [charges.drugs[k] for k in order]
    axes.barh(names, charges.mean()[order], color=[COLOURS[pharmacology.TRAINING[name].risk] for name in names])
    for k, name in enumerate(names):
        mean = np.nanmean([x for x, good in zip(REFERENCE[name], charges.repolarised[order[k]], strict=True) if good])
        axes.plot([mean, mean], [k - 0.45, k + 0.45], color="black", lw=1)
    for bound in (HIGH, LOW):
        axes.axvline(bound, color="0.3", lw=1, ls="--")
    axes.set_xlabel("mean qNet, nC/µF")


if __name__ == "__main__":
    main()
