"""Small pieces of muscle for tests of electrophysiology."""

import numpy as np
import xarray as xr

from twinbeat import fibers
from twinbeat.electrophysiology.assembly import box
from twinbeat.mesh import synthetic
from twinbeat.parameters import Electrophysiology, Fibers

QUICK = Electrophysiology(size="1.2 mm", time_step="0.1 ms", velocity_transverse="0.4 mm/ms")


def ventricle() -> xr.Dataset:
    """A third of the human size; ``QUICK`` are parameters for it."""
    return fibers.assign(synthetic.ellipsoid(4.0, 2, short=(10.0, 16.0), long=(24.0, 30.0), base=6.0), Fibers())


def slab(lengths: tuple[float, float, float], size: float) -> xr.Dataset:
    """A box as the muscle of a ventricle: fibres along x, endocardium at z = 0, epicardium at the other side."""
    points, cells = box(lengths, size)
    axes = {
        name: np.tile(axis, (len(cells), 1))
        for name, axis in zip(("fiber", "sheet_normal", "sheet"), np.eye(3), strict=True)
    }
    return xr.Dataset(
        {
            "points": (("point", "component"), points),
            "cells": (("cell", "corner"), cells),
            "depth": (("point",), points[:, 2] / lengths[2]),
            "longitudinal": (("point",), points[:, 0] / lengths[0]),
            "circumferential": (("point",), np.zeros(len(points))),
            "segment": (("cell",), np.ones(len(cells), int)),
            "endocardial": (("cell",), (points[cells, 2] == 0).any(axis=1)),
        }
        | {name: (("cell", "component"), values) for name, values in axes.items()}
    )
