"""A case of the elastodynamics benchmark of Arostica et al. 2025 (doi 10.1016/j.cma.2024.117485), beside the team mean.

envs/run python benchmarks/elastodynamics.py CASE [--set NAME=VALUE ...] [--points X Y Z ...] [--mesh FILE]
                                             [--dt S] [--duration S] [--csv FILE]

CASE is mono_step0A, mono_step0B, mono_step1 or biv_coarse; meshes and curves are those of the shared folder
($TWINBEAT_SHARED). Everything is in SI, by the symbols of the paper (``twinbeat.mechanics.elastodynamics``):

- ``--set material.eta=50 activation.sigma_0=1e5 pressure.sigma_pre=8e3`` changes parameters; ``pressure`` is that of
  the left, ``right_pressure`` that of the right ventricle; ``activation=none`` and ``pressure=none`` switch one off,
  ``fibers.angle=-60,60`` sets the angles of the fibres of the ellipsoid (endocardium, epicardium; degree);
- ``--mesh`` takes an ellipsoid as XDMF in m, or both ventricles in a file that meshio reads, with ``f0``, ``s0`` and
  ``n0`` at its points;
- ``--points`` are the points (m) that are looked at, instead of those of the case;
- ``--csv`` writes the displacements (mm) of all time steps.

Deviations from the team mean are relative L2 over the history. Of each team only the peaks were published: they, and
ours, are held beside the mean of the peaks. All this only where nothing but the step, the duration and the file to
write was given. The last line is one JSON object of figures.
"""

import argparse
import csv
import json
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from twinbeat.evidence import dynamics
from twinbeat.fibers.regions import ENDOCARDIUM, RIGHT_ENDOCARDIUM
from twinbeat.mechanics.elastodynamics import Case, History
from twinbeat.mechanics.ellipsoid import Ellipsoid

CAVITIES = {"pressure": ENDOCARDIUM, "right_pressure": RIGHT_ENDOCARDIUM}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the case, print it beside the teams."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=list(dynamics.CASES))
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", dest="changes")
    parser.add_argument("--points", nargs="+", type=float, metavar="M")
    parser.add_argument("--mesh", type=Path)
    parser.add_argument("--dt", type=float, default=1e-3, metavar="S")
    parser.add_argument("--duration", type=float, default=1.0, metavar="S")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args(arguments)
    if options.points is not None and len(options.points) % 3:
        parser.error(f"--points takes three numbers for each point, got {len(options.points)}")
    try:
        case, ellipsoid = changed(dynamics.CASES[options.case].case, Ellipsoid(), options.changes)
    except ValueError as error:
        parser.error(str(error))
    case = replace(case, dt=options.dt, duration=options.duration)
    if options.points:
        case = replace(case, points=tuple(map(tuple, np.reshape(options.points, (-1, 3)).tolist())))
    start = time.process_time()
    history = dynamics.setup(options.case, case, ellipsoid, options.mesh).run()
    as_published = not (options.changes or options.points or options.mesh)
    report(options.case, history, as_published, time.process_time() - start)
    if options.csv:
        write(history, options.csv)


def changed(case: Case, ellipsoid: Ellipsoid, changes: Sequence[str]) -> tuple[Case, Ellipsoid]:
    """The case and the ellipsoid with the changes of ``--set``; ValueError names the one that cannot be made."""
    for change in changes:
        name, _, value = change.partition("=")
        part, _, symbol = name.partition(".")
        if part == "fibers":
            ellipsoid = with_symbol(ellipsoid, name, symbol, tuple(float(x) for x in value.split(",")))
        elif part in CAVITIES:
            pressures = dict(case.pressures)
            law = pressures.pop(CAVITIES[part], None)
            if value != "none":
                pressures[CAVITIES[part]] = with_symbol(law, name, symbol, float(value))
            case = replace(case, pressures=pressures)
        elif part == "activation" and value == "none":
            case = replace(case, activation=None)
        elif part in ("activation", "material"):
            case = replace(case, **{part: with_symbol(getattr(case, part), name, symbol, float(value))})
        else:
            raise ValueError(f"--set: {part} is none of material, activation, fibers, {', '.join(CAVITIES)}")
    return case, ellipsoid


def with_symbol(law: Any, name: str, symbol: str, value: Any) -> Any:
    """The law with another value of a symbol."""
    if law is None:
        raise ValueError(f"--set: {name} is of what this case does not have")
    if symbol not in (known := [one.name for one in fields(law)]):
        raise ValueError(f"--set: {name} is none of {', '.join(known)}")
    return replace(law, **{symbol: value})


def report(name: str, history: History, as_published: bool, seconds: float) -> None:
    """Peaks, and where the case is a published one the deviations from the mean; the last line is JSON."""
    size = np.linalg.norm(history.displacement, axis=2)
    figures: dict[str, Any] = {"case": name, "cpu_seconds": round(seconds, 1), "iterations": history.iterations,
                               "factorisations": history.factorisations}  # fmt: skip
    figures["peaks_mm"] = rounded(size.max(axis=0), 3)
    figures["times_of_peaks_s"] = [float(history.time[i]) for i in size.argmax(axis=0)]
    if as_published:
        teams = dynamics.published_peaks(name)
        figures |= beside_the_mean(name, history, teams) | beside_the_teams(history, teams)
    print(json.dumps(figures))


def beside_the_mean(name: str, history: History, teams: dict[str, np.ndarray]) -> dict[str, Any]:
    """The deviations of the histories."""
    curves = dynamics.published(name)
    off = dynamics.deviations(history, curves)
    sizes = np.linalg.norm(list(teams.values()), axis=2)
    ours, means = (np.linalg.norm(u.displacement, axis=2).max(axis=0) for u in (history, curves))
    found = zip(off, ours, means, sizes.min(axis=0), sizes.max(axis=0), strict=True)
    for point, (one, peak, mean, low, high) in enumerate(found):
        print(f"p{point}: peak {peak:.2f} mm (team mean {mean:.2f}, teams {low:.2f} to {high:.2f}), "
              f"relative L2 to the mean {one:.4f} (gate {dynamics.CASES[name].gate:g})")  # fmt: skip
    return {"relative_l2": rounded(off, 4)}


def beside_the_teams(history: History, teams: dict[str, np.ndarray]) -> dict[str, Any]:
    """How far the peaks of each team, and ours, are from the mean of all teams, and ours from the nearest team."""
    ours = dynamics.peaks(history)
    mean = np.mean(list(teams.values()), axis=0)
    for team, theirs in [*teams.items(), ("ours", ours)]:
        off = ", ".join(f"{one:.3f}" for one in dynamics.apart(theirs, mean))
        print(f"peaks off the mean of the teams: {team}: {off}")
    away = {team: dynamics.apart(ours, theirs) for team, theirs in teams.items()}
    nearest = min(away, key=lambda team: away[team].max())
    found = {"peaks_off_mean": dynamics.apart(ours, mean), "peaks_off_nearest": away[nearest]}
    return {name: rounded(off, 4) for name, off in found.items()} | {"nearest_team": nearest}


def rounded(values: np.ndarray, digits: int) -> list[float]:
    """As JSON takes them."""
    return values.round(digits).tolist()


def write(history: History, path: Path) -> None:
    """The displacements of all time steps, as the published curves name them."""
    points = history.displacement.shape[1]
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["t_s", *(f"p{i}_u{c}_mm" for i in range(points) for c in "xyz")])
        for t, u in zip(history.time, history.displacement, strict=True):
            table.writerow([f"{t:.6g}", *(f"{x:.6g}" for x in u.ravel())])


if __name__ == "__main__":
    main()
