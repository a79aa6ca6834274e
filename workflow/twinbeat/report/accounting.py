"""What a study took on the cluster: the executor's table of attempts, by patient and by rule, and what went wrong."""

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ..page import render

Row = dict[str, str]
HOUR, GIGA = 3600.0, 1e9


def attempts(table: Path, study: str) -> list[Row]:
    """The rows of one study in the executor's table; none where there is no table."""
    if not table.exists():
        return []
    with table.open(newline="") as file:
        return [
            row for row in csv.DictReader(file, delimiter="\t") if json.loads(row["wildcards"]).get("study") == study
        ]


def write(folder: Path, study: str, table: Path) -> None:
    """``accounting.tsv`` and ``accounting.html`` of a study beside its cohort report."""
    rows = attempts(table, study)
    folder.mkdir(parents=True, exist_ok=True)
    if rows:
        with (folder / "accounting.tsv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], delimiter="\t", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    (folder / "accounting.html").write_text(page(study, rows))


def page(study: str, rows: Sequence[Row]) -> str:
    """The page of a study's attempts."""
    return render(
        "accounting.html",
        study=study,
        total=_sum("all", rows),
        currency=rows[-1]["currency"] if rows else "",
        patients=_by(rows, lambda row: row["subject"] or "the cohort"),
        rules=_by(rows, lambda row: row["rule"]),
        failures=[row | {"wall": float(row["wall"])} for row in rows if row["cause"] != "done"],
    )


def _by(rows: Iterable[Row], key: Callable[[Row], str]) -> list[dict[str, Any]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return [_sum(name, groups[name]) for name in sorted(groups)]


def _sum(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    """Hours, GB and cost of some attempts; ``used`` is the share of the cores that were held that was at work."""
    held = sum(float(row["wall"]) * int(row["cores"]) for row in rows)
    cpu = sum(float(row["cpu"]) for row in rows)
    return {
        "name": name,
        "attempts": len(rows),
        "failed": sum(row["cause"] != "done" for row in rows),
        "waited": sum(float(row["waited"]) for row in rows) / max(len(rows), 1),
        "held": held / HOUR,
        "used": cpu / held if held else 0.0,
        "memory": max((int(row["memory"]) for row in rows), default=0) / GIGA,
        "gpu": sum(float(row["wall"]) * int(row["gpus"]) for row in rows) / HOUR,
        "cost": sum(float(row["cost"]) for row in rows),
    }
