"""Calibration of phantoms of all phenotypes, images included, against what was planted in them.

envs/run python benchmarks/calibration.py [--phantoms 50] [--first 101] [--cores 2] [--study FILE]
                                          [--stores FOLDER] [--results FOLDER] [--table FILE] [--called 0.25]

The workflow takes each phantom from DICOM to its posterior (five to ten CPU minutes each); the truth comes from another
discretisation. With --stores the study takes over what another one with the same mesh has in its results up to the
targets, and costs calibrations alone. With --results nothing is run: the phantoms in the results of a study, such as
results/demo, are looked at. With --table figures go into a CSV table as well, and those that it has of other phantoms
count: so many phantoms can be run in turns. A patient that was stopped is named and counted. Where the
contraction of each segment was fitted, infarcted segments are counted: those with scar in at least half of their
muscle. A line for each phantom and each phenotype; the last line, of all of them, is one JSON object.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from twinbeat import store
from twinbeat.assessment import CALLED, interval, recognition, recovery, tension_sigma, wilson
from twinbeat.parameters import Phantom
from twinbeat.phantom import making
from twinbeat.verdicts import PatientStopped

FIRST = 101
"""Number of the first phantom, which is not one of the demo."""
STUDY = Path("studies/calibration.yaml")
STORES = ("image", "automatic", "labels", "mesh", "anatomy", "targets")
BEFORE = ("deid", "clinical.json", "anatomy.vtu", *(f"{store}.zarr" for store in STORES))
"""What the workflow makes of a patient before the posterior."""
TEXTS = ("phenotype", "commit", "stopped", "scar", "lost")
Row = dict[str, Any]
"""TEXTS and figures of a phantom; ``scar`` and ``lost``, of each segment, where contraction was fitted, in one text."""


def run(numbers: range, cores: int, study: Path) -> None:
    """Everything up to the posteriors of these phantoms; the workflow goes on where patients are stopped."""
    names = [f"phantom-{number}" for number in numbers]
    columns = ("dicom", "clinical.json", "truth.zarr")
    rows = ["\t".join([name, *(f"data/phantoms/{name}/{part}" for part in columns), "phantom"]) for name in names]
    table = Path("data/calibration.tsv")
    table.parent.mkdir(exist_ok=True)
    table.write_text("\n".join(["patient\tdicom\tclinical\ttruth\tgroup", *rows]) + "\n")
    wanted = [f"{results(study)}/{name}/posterior.zarr" for name in names]
    subprocess.run(["make", "data/demo.key"], check=True)
    subprocess.run(["snakemake", "--configfile", str(study), "--cores", str(cores), *wanted], check=True)


def take_over(stores: Path, study: Path) -> None:
    """Give a study the stores up to the targets of another one, as links: stores do not change."""
    for targets in sorted(stores.glob("phantom-*/targets.zarr")):
        there = results(study) / targets.parent.name
        there.mkdir(parents=True, exist_ok=True)
        for name in BEFORE:
            path = targets.with_name(name)
            if path.is_dir() and not (there / name).exists():
                shutil.copytree(path, there / name, copy_function=os.link)
            elif path.is_file() and not (there / name).exists():
                os.link(path, there / name)


def results(study: Path) -> Path:
    """Where a study puts its results: under its file's name."""
    return Path("results") / study.stem


def recovered(posterior: xr.Dataset, targets: xr.Dataset, truth: xr.Dataset) -> Row:
    """Errors in %, % and points; whether the 90 % intervals hold the truth; forward solves; and of each segment the
    share of scar and the probability that contraction is lost, where that was sought."""
    errors, peak = recovery(targets, posterior, truth), int(posterior.tension.values.argmax())
    sought = "probability_lost" in posterior
    spread = float(np.sqrt(posterior.covariance.values[0, 0]))
    stiffness = interval(float(np.log(posterior.stiffness)), spread)
    tension = interval(float(posterior.tension[peak]), float(tension_sigma(posterior)[peak]))
    return {
        "stiffness_error": errors["stiffness_recovery"],
        "tension_error": errors["tension_recovery"],
        "ef_error_points": errors["ejection_fraction_recovery"],
        "stiffness_covered": float(stiffness[0] <= np.log(float(truth.stiffness)) <= stiffness[1]),
        "tension_covered": float(tension[0] <= float(truth.tension.max()) <= tension[1]),
        "forward_solves": float(posterior.forward_solves),
        **({"scar": _text(truth.scar), "lost": _text(posterior.probability_lost)} if sought else {}),
    }


def _text(segments: xr.DataArray) -> str:
    return " ".join(f"{value:.3f}" for value in segments.values)


def looked_at(folder: Path) -> dict[str, Row]:
    """The rows of the phantoms of a study, each on a line of its own; those that were stopped have their reason."""
    found = {}
    for path in sorted(folder.glob("phantom-*/posterior.zarr")):
        name = path.parent.name
        row: Row = {"phenotype": Phantom().phenotype(making.number(name))}
        try:
            truth = store.open(Path("data/phantoms") / name / "truth.zarr")
            posterior, targets = store.open(path), store.open(path.with_name("targets.zarr"))
            row |= {"commit": (posterior.attrs["provenance"]["code"]["commit"] or "unknown")[:7]}
            row |= recovered(posterior, targets, truth)
        except PatientStopped as verdict:
            row |= {"stopped": verdict.code}
        print(
            name, ", ".join(f"{key} {value:.1f}" if isinstance(value, float) else value for key, value in row.items())
        )
        found[name] = row
    return found


def with_others(found: dict[str, Row], table: Path) -> dict[str, Row]:
    """Rows with those that a table has of other phantoms; the table then has them all."""
    before = {}
    if table.exists():
        with table.open(newline="") as file:
            before = {row.pop("phantom"): _read(row) for row in csv.DictReader(file)}
    rows = dict(sorted((before | found).items()))
    columns = list(dict.fromkeys(chain(TEXTS, *rows.values())))
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["phantom", *columns], lineterminator="\n")
        writer.writeheader()
        writer.writerows({"phantom": name, **_written(row)} for name, row in rows.items())
    return rows


def _read(row: dict[str, str]) -> Row:
    return {key: value if key in TEXTS else float(value) for key, value in row.items() if value}


def _written(row: Row) -> dict[str, str]:
    return {key: value if isinstance(value, str) else f"{value:.6g}" for key, value in row.items()}


def summary(rows: Sequence[Row], called: float = CALLED) -> dict[str, float]:
    """Medians of the sizes of errors, the share of intervals that hold the truth, and the most forward solves; how many
    infarcted segments are told, with a probability above ``called``."""
    found = [row for row in rows if "stopped" not in row]
    figures = {"phantoms": len(found), "stopped": len(rows) - len(found)}
    if not found:
        return figures
    named = [key for key in dict.fromkeys(chain(*found)) if key not in TEXTS]
    columns = {key: np.array([one[key] for one in found if key in one]) for key in named}
    sought = [row for row in found if "lost" in row]
    scar, lost = (np.array([row[name].split() for row in sought], dtype=float) for name in ("scar", "lost"))
    figures |= {
        "forward_solves": columns["forward_solves"].max(),
        "stiffness_error_median": np.median(np.abs(columns["stiffness_error"])),
        "tension_error_median": np.median(np.abs(columns["tension_error"])),
        "coverage_90": np.mean([columns["stiffness_covered"], columns["tension_covered"]]),
        "ef_error_points": np.abs(columns["ef_error_points"]).max(),
        **(_rates(recognition(scar, lost, called)) if sought else {}),
    }
    return {name: round(float(value), 3) for name, value in figures.items()}


def _rates(segments: dict[str, int]) -> dict[str, float]:
    """Sensitivity and specificity over all segments, with the bounds of their 90 % intervals."""
    rates = {}
    for name, hits, count in (("sensitivity", "found", "infarcted"), ("specificity", "spared", "sound")):
        if segments[count]:
            low, high = wilson(segments[hits], segments[count])
            rates |= {name: segments[hits] / segments[count], f"{name}_low": low, f"{name}_high": high}
        rates[f"{name}_segments"] = segments[count]
    return rates


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phantoms", type=int, default=50)
    parser.add_argument("--first", type=int, default=FIRST, help="number of the first of them")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--study", type=Path, default=STUDY)
    parser.add_argument("--stores", type=Path, help="results of a study whose stores up to the targets are taken over")
    parser.add_argument("--results", type=Path, help="only look at the phantoms in the results of a study")
    parser.add_argument("--table", type=Path, help="CSV file of figures, which goes on from run to run")
    parser.add_argument("--called", type=float, default=CALLED, help="probability from which on a segment is infarcted")
    options = parser.parse_args()
    if options.results is None:
        if options.stores:
            take_over(options.stores, options.study)
        run(range(options.first, options.first + options.phantoms), options.cores, options.study)
    rows = looked_at(options.results or results(options.study))
    if options.table:
        rows = with_others(rows, options.table)
    for phenotype in sorted({row["phenotype"] for row in rows.values()}):
        own = [row for row in rows.values() if row["phenotype"] == phenotype]
        print(phenotype, json.dumps(summary(own, options.called)))
    print(json.dumps(summary(list(rows.values()), options.called)))


if __name__ == "__main__":
    main()
