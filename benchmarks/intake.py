"""The way in of images: seconds for a study of 240 files, memory for one of 20,000, and how well shifts are found.

envs/run python benchmarks/intake.py

The study of 240 files has the size of the real one (12 slices x 20 frames of 256 x 256 pixels) and is made of noise;
the one of 20,000 has ten stacks of 20 slices x 100 frames of 64 x 64 pixels. Each is de-identified and imported by
processes of their own, on one core. Shifts of 3 to 8 mm are planted in single slices of phantoms that have none. Prints
a table with what is asked; the last line is one JSON object.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import xarray as xr
from pydicom import Dataset, uid
from pydicom.dataset import FileMetaDataset

from twinbeat.evidence import segmentation as evidence
from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.intake.imaging import breathhold, image
from twinbeat.intake.record import record
from twinbeat.parameters import Deidentification, Imaging
from twinbeat.phantom import plan

SMALL, LARGE = (1, 12, 20, 256), (10, 20, 100, 64)
"""Stacks, slices, frames, and pixels along an edge of the two studies."""
UP, ROW, COLUMN = np.array([-0.67, 0.60, 0.43]), np.array([0.67, 0.74, 0.0]), np.array([-0.32, 0.29, -0.90])


def study(folder: Path, stacks: int, slices: int, frames: int, edge: int) -> None:
    """Write a study of noise as de-identified classic MR files."""
    rng = np.random.default_rng(1)
    row = ROW / np.linalg.norm(ROW)
    up = UP - (UP @ row) * row
    up /= np.linalg.norm(up)
    column = np.cross(up, row)
    number = 0
    for stack in range(stacks):
        for z in range(slices):
            for t in range(frames):
                number += 1
                dataset = header(number, stack, z * 8 * up, [*row, *column], 800.0 * t / frames)
                dataset.Rows = dataset.Columns = edge
                dataset.PixelData = rng.integers(0, 1000, (edge, edge), np.uint16).tobytes()
                dataset.save_as(folder / f"{number:05d}.dcm", enforce_file_format=True)


def header(number: int, stack: int, position: np.ndarray, axes: list[float], trigger: float) -> Dataset:
    """What the importer reads of a classic MR file."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = uid.MRImageStorage, f"1.2.3.{number}"
    dataset.SeriesInstanceUID, dataset.SeriesNumber, dataset.InstanceNumber = f"1.2.4.{stack}", stack + 1, number
    dataset.ImagePositionPatient = [f"{value:.8f}" for value in position]
    dataset.ImageOrientationPatient = [f"{value:.8f}" for value in axes]
    dataset.PixelSpacing, dataset.TriggerTime, dataset.NominalInterval = [1.4, 1.4], f"{trigger:.4f}", 800
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    return dataset


def deidentified(folder: Path) -> None:
    """De-identify a study into ``folder``/clean."""
    deidentify(folder / "raw", folder / "clean", b"a key for benchmarks only", Deidentification())


def imported(folder: Path) -> None:
    """Import the de-identified study."""
    image.read(folder / "clean", record(folder / "clean"), Imaging())


STEPS = {"deidentify": deidentified, "import": imported}


def timed(step: str, folder: str) -> None:
    """Do one of ``STEPS``, and print seconds by the clock and of the CPU and the peak memory of this process in MB."""
    begin, cpu = time.perf_counter(), time.process_time()
    STEPS[step](Path(folder))
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak}))


def measured(*size: int) -> dict[str, dict[str, float]]:
    """Figures of each of ``STEPS`` for a study of this size, in processes of their own on one core."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "raw").mkdir()
        study(Path(folder) / "raw", *size)
        return {step: in_own_process(step, folder) for step in STEPS}


def in_own_process(step: str, folder: str) -> dict[str, float]:
    """What ``timed`` prints."""
    one_core = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    command = [sys.executable, __file__, step, folder]
    run = subprocess.run(command, env=os.environ | one_core, capture_output=True, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def shift_errors() -> dict[str, float]:
    """Errors in mm of planted shifts, and the largest shift seen where none was planted."""
    rng, errors, others, planted = np.random.default_rng(0), [], [], 0
    plan._breath_holds = lambda rng, count: np.zeros((count, 2))
    for phenotype in evidence.PHENOTYPES:
        still = evidence.phantom(32, phenotype, 8)
        found, judged = breathhold.shifts(still)
        others.append(np.linalg.norm(found, axis=1).max())
        for z in range(3, still.sizes["z"] - 3):
            planted += 1
            shift, judged = planted_shift(still, z, rng)
            errors += [shift] if judged else []
    figures = {"shift_error_mm_median": np.median(errors), "shift_error_mm_max": max(errors)}
    return figures | {"shift_unplanted_mm_max": max(others), "shift_judged_share": len(errors) / planted}


def planted_shift(still: xr.Dataset, z: int, rng: np.random.Generator) -> tuple[float, bool]:
    """Error in mm of a shift of 3 to 8 mm in a slice of an image, and whether the slice was judged."""
    size, angle = rng.uniform(3, 8), rng.uniform(0, 2 * np.pi)
    jump, changed = size * np.array([np.sin(angle), np.cos(angle)]), still.copy(deep=True)
    changed.image.values[:, z] = breathhold.moved(changed, z, jump)
    found, judged = breathhold.shifts(changed)
    return float(np.linalg.norm(found[z] - jump)), bool(judged[z])


ASKED = {
    "import_seconds_240": "at most 5",
    "import_peak_mb_20000": "below 1000",
    "deidentify_peak_mb_20000": "below 1000",
}
"""What is asked of a figure."""


def table(figures: dict[str, float]) -> str:
    """A row per figure, beside it what was asked."""
    rows = [
        ("figure", "found", "asked"),
        *((name, f"{value:g}", ASKED.get(name, "")) for name, value in figures.items()),
    ]
    return "\n".join(f"{name:<28} | {found:>10} | {asked}" for name, found, asked in rows)


def main() -> None:
    """Print the figures."""
    runs = {240: measured(*SMALL), 20000: measured(*LARGE)}
    figures = {
        f"{step}_{what}_{files}": run[step][what]
        for files, run in runs.items()
        for step in STEPS
        for what in ("seconds", "cpu_seconds", "peak_mb")
    }
    figures = {name: round(float(value), 3) for name, value in (figures | shift_errors()).items()}
    print(table(figures), json.dumps(figures), sep="\n")


if __name__ == "__main__":
    timed(*sys.argv[1:]) if len(sys.argv) > 1 else main()
