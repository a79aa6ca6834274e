"""Segmentation against expert contours of one real patient (Sunnybrook, Radau et al. 2009) and against phantoms.

envs/run python benchmarks/segmentation.py [--phantoms 200 --frames 2]

By default four phantoms of 12 frames, one of each phenotype; of 2 frames, one is end-diastole and the other
end-systole. The real study comes from the folder that TWINBEAT_SHARED names (default ../shared) and is left out where
it is absent. No image of it was used in training; what of it was known when networks were chosen is told in their card
(``unet.md``). The last line is one JSON object of figures.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import matplotlib.path
import numpy as np
import onnxruntime
import pydicom
import xarray as xr

from twinbeat import segmentation
from twinbeat.evidence.segmentation import PHENOTYPES, scores, summary
from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.intake.imaging import image
from twinbeat.overlap import dice
from twinbeat.parameters import Deidentification, Imaging, Segmentation
from twinbeat.segmentation import quality

SHARED = Path(os.environ.get("TWINBEAT_SHARED", Path(__file__).parents[2] / "shared")) / "data/cine_mr"
EXPERT_EJECTION = 26.2
"""Percent, by slice summation of the expert contours at end-diastole and end-systole."""


Masks = dict[tuple[str, int, int], np.ndarray]
"""Pixels (y, x) inside the contour of kind i or o, by kind, frame and slice."""


def expert(cine: xr.Dataset, labels: xr.Dataset) -> Masks:
    """The expert contours on the labels' grid. They count pixels from 1, as poly2mask of Matlab does."""
    frames, masks = places(cine), {}
    for path in sorted((SHARED / "contours").rglob("IM-*-?contour-manual.txt")):
        _, _, number, kind, _ = path.stem.split("-")
        steps = np.array([cine.y.values[1], cine.x.values[1]])
        masks[kind[0], *frames[int(number)]] = inside(labels, (np.loadtxt(path)[:, ::-1] - 1) * steps)
    return masks


def places(cine: xr.Dataset) -> dict[int, tuple[int, int]]:
    """Frame and slice index of each InstanceNumber."""
    headers = [
        pydicom.dcmread(path, stop_before_pixels=True) for path in (SHARED / "dicom").rglob("*") if path.is_file()
    ]
    across = cine.directions.values[0]
    found = {}
    for header in headers:
        depth = (np.array(header.ImagePositionPatient, float) - cine.origin.values) @ across
        same = [h for h in headers if h.ImagePositionPatient == header.ImagePositionPatient]
        order = sorted(float(h.TriggerTime) for h in same).index(float(header.TriggerTime))
        found[int(header.InstanceNumber)] = (order, int(np.abs(cine.z.values - depth).argmin()))
    return found


def inside(labels: xr.Dataset, line: np.ndarray) -> np.ndarray:
    """The pixels (y, x) of the labels' grid whose centres lie inside a line (point, (y, x)) in mm."""
    y, x = np.meshgrid(labels.y, labels.x, indexing="ij")
    return matplotlib.path.Path(line).contains_points(np.c_[y.ravel(), x.ravel()]).reshape(y.shape)


def real() -> dict[str, float]:
    """Figures on the real study. The pool counts over all slices of a frame, whether the expert drew in them or not;
    the muscle over the slices with an epicardial contour."""
    cine = imported()
    begin = time.perf_counter()
    labels = segmentation.segment(cine, Segmentation())
    seconds = time.perf_counter() - begin
    masks = expert(cine, labels)
    diastole = next(frame for kind, frame, _ in masks if kind == "o")
    systole = next(frame for _, frame, _ in masks if frame != diastole)
    largest, least = float(labels.volume_lv.max()), float(labels.volume_lv.min())
    drawn = [volume(labels, masks, frame) for frame in (diastole, systole)]
    print("real study: {:.0f} to {:.0f} mL, by the experts {:.0f} to {:.0f} mL".format(largest, least, *drawn))
    ejected = 100 * (1 - least / largest)
    return {
        "cine_mr_lv_ed": pool(labels, masks, diastole),
        "cine_mr_lv_es": pool(labels, masks, systole),
        "cine_mr_myo_ed": muscle(labels, masks, diastole),
        "cine_mr_ef_error_points": abs(ejected - EXPERT_EJECTION),
        "seconds_per_cine": seconds,
    }


def phantoms(patients: int, frames: int) -> dict[str, float]:
    """Figures of phantoms, each on a line of its own before."""
    found = []
    for number, one in enumerate(scores(patients, frames)):
        shown = ", ".join(f"{name} {value:.3f}" for name, value in one.items())
        print(f"{number:3} {PHENOTYPES[number % len(PHENOTYPES)]:12} {shown}", flush=True)
        found.append(one)
    return summary(found)


def imported() -> xr.Dataset:
    """The image store of the real study, through intake."""
    with tempfile.TemporaryDirectory() as folder:
        record, _ = deidentify(SHARED / "dicom", Path(folder) / "deid", os.urandom(16), Deidentification())
        return image.read(Path(folder) / "deid", record, Imaging())


def pool(labels: xr.Dataset, masks: Masks, frame: int) -> float:
    """Dice of LV blood in a frame."""
    found = labels.labels.values[frame] == 1
    nothing = np.zeros(found.shape[1:], bool)
    return float(dice(found, np.stack([masks.get(("i", frame, z), nothing) for z in range(len(found))])))


def volume(labels: xr.Dataset, masks: Masks, frame: int) -> float:
    """LV blood (mL) in a frame by summation over the slices in which the experts drew."""
    pool = np.stack([mask for (kind, drawn, _), mask in masks.items() if (kind, drawn) == ("i", frame)])
    axes = (labels[axis].values for axis in "zyx")
    return float(quality.volumes(pool[None], *axes)["volume_lv"][1][0])


def muscle(labels: xr.Dataset, masks: Masks, frame: int) -> float:
    """Dice of LV myocardium in a frame."""
    slices = [z for kind, drawn, z in masks if kind == "o" and drawn == frame]
    truth = np.stack([masks["o", frame, z] & ~masks["i", frame, z] for z in slices])
    return float(dice(labels.labels.values[frame, slices] == 2, truth))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phantoms", type=int, default=4, help="patients of all phenotypes")
    parser.add_argument("--frames", type=int, default=12, help="images of each over the cycle")
    options = parser.parse_args()
    print(f"onnxruntime {onnxruntime.__version__}")
    figures = phantoms(options.phantoms, options.frames) | (real() if SHARED.is_dir() else {})
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
