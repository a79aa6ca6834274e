"""A small beating heart as an automatic labels store, and what a reviewer may draw on it."""

import numpy as np
import xarray as xr
from label_samples import certain, disc, ring

from twinbeat.intake.drawings import Volume
from twinbeat.parameters import Segmentation
from twinbeat.segmentation import rated
from twinbeat.segmentation.review import volume

FRAMES, SLICES, PIXEL = 8, 6, 1.5
CYCLE = 800.0
UP = np.array([0.48, -0.6, 0.64])
ROW = np.cross([0, 0, 1.0], UP) / np.linalg.norm(np.cross([0, 0, 1.0], UP))
SHIFTS = np.array([[0, 0], [0, 0], [4.5, -3], [0, 0], [0, 0], [0, 0.0]])
BLOOD, MYOCARDIUM, RV = 1, 2, 3
LOOSE = Segmentation(volume_bounds=("0.01 mL", "500 mL"), ejection_bounds=(1, 99))
"""For hearts of a few voxels."""


def beating(squeeze: float = 0.4) -> np.ndarray:
    """Labels (time, z, y, x) of a pool of 10 pixels at end-diastole that shrinks in its wall, and of an RV."""
    phase = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAMES) / FRAMES)
    frames = []
    for t in phase:
        inner = 10 * (1 - squeeze * t)
        left = ring(inner, np.sqrt(inner**2 + 156))
        right = disc(13 * (1 - squeeze * t), (32, 54)) & (left == 0)
        frames.append(np.broadcast_to(np.where(right, RV, left), (SLICES, 64, 64)))
    return np.stack(frames).astype(np.uint8)


def store_of(labels: np.ndarray | None = None, confidence: float = 0.95) -> xr.Dataset:
    """A labels store of automatic labels on an oblique grid, one slice of which a breath-hold had moved."""
    labels = beating() if labels is None else labels
    pools, muscle, right = ((labels == label).sum((1, 2, 3)) * 0.018 for label in (1, 2, 3))
    space = ("time", "z", "y", "x")
    found = xr.Dataset(
        {
            "labels": (space, labels),
            "probability": (("label", *space), certain(labels).astype(np.float16)),
            "confidence": ("time", np.full(FRAMES, confidence)),
            "volume_lv": ("time", pools),
            "volume_myocardium": ("time", muscle),
            "volume_rv": ("time", right),
            "end_diastole": 0,
            "end_systole": FRAMES // 2,
            "origin": ("component", np.array([-30.0, 40, 12])),
            "directions": (("axis", "component"), np.array([UP, np.cross(UP, ROW), ROW])),
            "cycle": CYCLE,
            "shift_removed": (("z", "in_plane"), SHIFTS),
        },
        coords={
            "label": np.arange(4),
            "time": CYCLE * np.arange(FRAMES) / FRAMES,
            "z": 8.0 * np.arange(SLICES),
            "y": 20 + PIXEL * np.arange(64),
            "x": 30 + PIXEL * np.arange(64),
        },
        attrs={"kind": "labels"},
    )
    return rated(found)


def drawn(automatic: xr.Dataset, frame: int, labels: np.ndarray) -> Volume:
    """Labels (z, y, x) where a viewer shows the slices of the scanner."""
    ours = volume(automatic, frame)
    return Volume(labels.astype(np.uint8), ours.corners, ours.steps)


def thicker(frame: np.ndarray) -> np.ndarray:
    """The same heart with two pixels more of blood all around."""
    grown = np.pad(frame == BLOOD, 2)
    size = frame.shape[-1]
    around = [grown[2:-2, 2 + j : 2 + j + size, 2 + i : 2 + i + size] for j in (-2, 0, 2) for i in (-2, 0, 2)]
    return np.where(np.any(around, 0), BLOOD, frame)
