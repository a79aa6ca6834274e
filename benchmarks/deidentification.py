"""De-identification beside two peers: planted identifiers that survive, what is lost that must stay, and speed.

    envs/run python benchmarks/deidentification.py

All three see the same torture study (a thousand planted values) and the same cine of 240 files, in this process; files
are named by number, so that no peer is blamed for a name. An image on which a peer stops with an error is lost, and
leaks nothing. The last line is one JSON object of figures. Ends with 1 where ours leaks or loses anything.
"""

import argparse
import json
import logging
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr
from dicognito.anonymizer import Anonymizer
from dicomanonymizer import anonymize_dataset
from pydicom import Dataset, dcmread

from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.parameters import Deidentification
from twinbeat.phantom import dicomwriter, torture
from twinbeat.phantom.identity import draw

RESULT = Path(__file__).parents[1] / "benchmarks/results/deidentification.json"
OURS = "twinbeat"
Tool = Callable[[Path, Path], None]


def ours(raw: Path, output: Path) -> None:
    """All files of a folder, with survey, cleaning and final scan."""
    deidentify(raw, output, b"a key for benchmarks only", Deidentification())


def each(change: Callable[[Dataset], object]) -> Tool:
    """All files of a folder by a peer that takes one dataset after the other."""

    def run(raw: Path, output: Path) -> None:
        output.mkdir()
        for number, path in enumerate(sorted(path for path in raw.rglob("*") if path.is_file())):
            dataset = dcmread(path)
            try:
                change(dataset)
                dataset.save_as(output / f"{number}.dcm")
            except Exception as error:  # whatever a peer does not survive
                print(f"a peer stops at file {number} with {type(error).__name__}", file=sys.stderr)

    return run


def tools() -> dict[str, Tool]:
    """By name: ours, and the peers in the settings that their documentation gives for de-identification."""
    return {
        OURS: ours,
        "dicognito": each(Anonymizer().anonymize),
        "dicom-anonymizer": each(lambda dataset: anonymize_dataset(dataset, delete_private_tags=True)),
    }


def cine(folder: Path) -> None:
    """240 classic files of 256 x 256 pixels: 12 slices of 20 frames."""
    rng = np.random.default_rng(1)
    image = xr.Dataset(
        {
            "image": (("time", "z", "y", "x"), rng.integers(0, 4096, (20, 12, 256, 256)).astype(np.float32)),
            "origin": (("component",), [-41.25, 17.125, 88.0]),
            "directions": (("axis", "component"), np.eye(3)[::-1]),
            "cycle": ((), 800.0),
        },
        {
            "time": 40.0 * np.arange(20),
            "z": 10.0 * np.arange(12),
            "y": 1.4 * np.arange(256),
            "x": 1.4 * np.arange(256),
        },
    )
    dicomwriter.write(image, folder, draw(rng, "series"), rng)


def measure(tool: Tool, study: torture.Study, speed: Path, folder: Path) -> dict[str, float]:
    """What one tool leaves, loses, and does in a second."""
    tool(study.folder, folder / "torture")
    begin = time.perf_counter()
    tool(speed, folder / "speed")
    seconds = time.perf_counter() - begin
    return {
        "planted": len(study.plants),
        "leaks": len(torture.leaks(folder / "torture", study)),
        "kept_wrongly_removed": len(torture.losses(folder / "torture", study)),
        "files_per_second": round(len(list(speed.iterdir())) / seconds, 1),
    }


def table(runs: dict[str, dict[str, float]]) -> str:
    """A row per figure, a column per tool."""
    rows = [["", *runs]] + [[key, *(str(run[key]) for run in runs.values())] for key in next(iter(runs.values()))]
    return "\n".join(" | ".join(f"{cell:>22}" for cell in row) for row in rows)


def main() -> int:
    """Print the table and write the figures."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    runs = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = torture.make(folder / "torture")
        cine(folder / "cine")
        for tool, run in tools().items():
            (folder / tool).mkdir()
            runs[tool] = measure(run, study, folder / "cine", folder / tool)
    peers = {tool: run | {"version": version(tool)} for tool, run in runs.items() if tool != OURS}
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    figures = json.dumps(runs[OURS] | {"peers": peers})
    RESULT.write_text(figures + "\n")
    print(table(runs), figures, sep="\n")
    return int(runs[OURS]["leaks"] > 0 or runs[OURS]["kept_wrongly_removed"] > 0)


if __name__ == "__main__":
    sys.exit(main())
