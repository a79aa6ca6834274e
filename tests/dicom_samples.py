"""A small cine with DICOM of an invented patient, for the tests of intake."""

import os
from pathlib import Path

import numpy as np
import pydicom
import pytest
import xarray as xr

from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.parameters import Deidentification
from twinbeat.phantom import dicomwriter
from twinbeat.phantom.identity import Identity, draw
from twinbeat.verdicts import PatientStopped

KEY = b"a key of thirty-two bytes, no less"
SHARED = Path(os.environ.get("TWINBEAT_SHARED") or Path(__file__).parents[2] / "shared") / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared test data are not there (TWINBEAT_SHARED)")

UP = np.array([-0.66, 0.60, 0.45]) / np.linalg.norm([-0.66, 0.60, 0.45])
ROW = np.cross([0.1, 0.2, 1.0], UP) / np.linalg.norm(np.cross([0.1, 0.2, 1.0], UP))
AXES = np.array([UP, np.cross(UP, ROW), ROW])
"""z, y and x of an oblique short-axis stack."""


@pytest.fixture
def cine() -> xr.Dataset:
    return small_cine()


def small_cine() -> xr.Dataset:
    """A small image: 8 frames of 5 slices of 12 x 14 pixels, every pixel another number."""
    shape = (8, 5, 12, 14)
    return xr.Dataset(
        {
            "image": (("time", "z", "y", "x"), np.arange(np.prod(shape), dtype=np.float32).reshape(shape)),
            "origin": (("component",), [-41.25, 17.125, 88.0625]),
            "directions": (("axis", "component"), AXES),
            "cycle": ((), 812.0),
        },
        {
            "time": 812.0 * np.arange(8) / 8,
            "z": 8.0 * np.arange(5),
            "y": 1.5 * np.arange(12),
            "x": 1.45 * np.arange(14),
        },
    )


def written(cine: xr.Dataset, folder: Path, style: str = "series") -> Identity:
    rng = np.random.default_rng(len(style))
    identity = draw(rng, style)
    dicomwriter.write(cine, folder, identity, rng)
    return identity


def content(folder: Path) -> bytes:
    return b"\n".join(path.name.encode() + b"\n" + path.read_bytes() for path in sorted(folder.iterdir()))


def clean(folder: Path, **options) -> Path:
    output = folder.parent / "deid"
    deidentify(folder, output, KEY, Deidentification(**options))
    return output


def stopped(call, *arguments) -> PatientStopped:
    with pytest.raises(PatientStopped) as caught:
        call(*arguments)
    return caught.value


def edit(folder: Path, change) -> None:
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        change(dataset)
        dataset.save_as(path)
