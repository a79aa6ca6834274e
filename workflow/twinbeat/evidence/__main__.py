"""Hold every check beside its reference: ``python -m twinbeat.evidence [TOPIC ...]``.

Writes ``results/verification.json`` and ``results/verification.html`` and exits with 1 where a check fails.
"""

import argparse
import importlib
import json
import math
import pkgutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from .. import evidence
from ..page import render
from .row import Row

NO_TOPICS = {"row", "__main__"}
LONG = {"dynamics_both": "more than ten minutes"}
"""Topics that only run where they are named, and why."""


def topics() -> list[str]:
    """Names of the modules of evidence."""
    return sorted({module.name for module in pkgutil.iter_modules(evidence.__path__)} - NO_TOPICS)


def chosen() -> list[str]:
    """The topics that run where none is named; those that do not are said."""
    found = topics()
    for name in found:
        if name in LONG:
            print(f"not run: {name} ({LONG[name]}); python -m twinbeat.evidence {name} runs it", flush=True)
    return [name for name in found if name not in LONG]


def collect(names: Sequence[str]) -> Iterator[Row]:
    """The rows of these topics; a topic that raises ends with a failed row that holds the error."""
    for name in names:
        start = time.perf_counter()
        try:
            yield from importlib.import_module(f"{evidence.__name__}.{name}").rows()
        except Exception as error:  # whatever a check raises is a check that failed
            text = " ".join(f"{type(error).__name__}: {error}".split())
            yield Row(
                name=f"{name}: stopped", value=math.nan, reference=math.nan, deviation=math.nan, tolerance=0.0,
                passed=False, source=text, seconds=time.perf_counter() - start,
            )  # fmt: skip


def line(row: Row) -> str:
    """One line for the terminal."""
    figures = f"{row['value']:.6g} (reference {row['reference']:.6g}, off by {row['deviation']:.2g}"
    word = "ok  " if row["passed"] else "FAIL"
    return f"{word} {row['name']}: {figures}, tolerance {row['tolerance']:.2g}; {row['source']})"


def write(rows: Sequence[Row], folder: Path) -> None:
    """``verification.json`` and ``verification.html`` in ``folder``; a number that is not finite is null."""
    folder.mkdir(parents=True, exist_ok=True)
    finite = [
        {key: None if isinstance(x, float) and not math.isfinite(x) else x for key, x in row.items()} for row in rows
    ]
    (folder / "verification.json").write_text(json.dumps(finite, indent=2, allow_nan=False) + "\n")
    (folder / "verification.html").write_text(render("verification.html", rows=finite))


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 where all checks pass."""
    parser = argparse.ArgumentParser(prog="python -m twinbeat.evidence", description=__doc__)
    parser.add_argument("topic", nargs="*", help=f"of {', '.join(topics())}; none means all but {', '.join(LONG)}")
    parser.add_argument("--folder", type=Path, default=Path("results"), help="where the two files go")
    options = parser.parse_args(arguments)
    if unknown := set(options.topic) - set(topics()):
        parser.error(f"no such topic: {', '.join(sorted(unknown))}; expected some of {', '.join(topics())}")
    rows = []
    for row in collect(options.topic or chosen()):
        rows.append(row)
        print(line(row), flush=True)
    write(rows, options.folder)
    return 0 if rows and all(row["passed"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
