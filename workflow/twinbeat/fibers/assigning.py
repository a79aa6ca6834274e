"""Directions, coordinates and segments on a mesh of the left or of both ventricles."""

import logging

import xarray as xr

from .. import mesh
from ..parameters import Fibers
from . import both, coordinates, left
from .aha import segments
from .regions import biventricular

log = logging.getLogger("twinbeat")


def assign(anatomy: xr.Dataset, parameters: Fibers) -> xr.Dataset:
    """The mesh with unit ``fiber``, ``sheet`` (across the wall) and ``sheet_normal`` per cell, and AHA ``segment``.

    Where the mesh has no ``depth``, ``longitudinal`` and ``circumferential``, they are added. Blood has directions 0.
    """
    anatomy = coordinates.complete(anatomy)
    frames = (both if biventricular(anatomy) else left).frames(anatomy, parameters)
    names = ("fiber", "sheet", "sheet_normal")
    fields = {name: (("cell", "component"), frames[:, :, axis]) for axis, name in enumerate(names)}
    text = "fibers: %d cells, helix angles from %g degree (endocardium) to %g degree (epicardium)"
    log.info(text, len(frames), parameters.helix_endocardium, parameters.helix_epicardium)
    return anatomy.assign(fields | {"segment": (("cell",), segments(anatomy))})


def refine(anatomy: xr.Dataset, size: float, layers: int, parameters: Fibers) -> xr.Dataset:
    """The same left ventricle meshed at ``size`` mm in ``layers`` layers, or the muscle of both ventricles at ``size``
    without layers; with its fibres and segments."""
    finer = mesh.remeshed(anatomy, size) if biventricular(anatomy) else mesh.refine(anatomy, size, layers)
    return assign(finer, parameters)
