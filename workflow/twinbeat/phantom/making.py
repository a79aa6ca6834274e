"""A virtual patient from a seed and a number: its DICOM and clinical file as a hospital has them, and its truth."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from .. import fibers
from ..circulation import Coupled, Cycle
from ..parameters import Fibers, Mechanics, Phantom
from ..units import KPA_PER_MMHG
from ..verdicts import Rejected
from . import dicomwriter, hospital, identity, imaging, motion, patient
from .identity import STYLES, Identity

CATHETER_STEP, CATHETER_NOISE, CATHETER_BEATS, CUFF_NOISE = 4.0, 0.5, 10, 3.0
"""Sampling in ms, noise in mmHg and number of beats in the mean of a micromanometer, and noise in mmHg of the cuff."""


class Made(NamedTuple):
    """A virtual patient: the truth, and what the hospital has."""

    truth: xr.Dataset
    image: xr.Dataset
    identity: Identity
    clinical: dict[str, Any]
    rng: np.random.Generator

    def write(self, folder: Path, clinical: Path) -> None:
        """DICOM files into ``folder`` and the clinical file."""
        dicomwriter.write(self.image, folder, self.identity, self.rng)
        clinical.write_text(json.dumps(self.clinical, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def number(name: str) -> int:
    """The number of the patient called ``name``, such as 3 of phantom-03."""
    if (found := re.fullmatch(r"phantom-(\d+)", name)) is None:
        raise Rejected("phantom-name", f"the virtual patient is called {name}; expected a name such as phantom-03")
    return int(found[1])


def make(number: int, phantom: Phantom, mechanics: Mechanics, angles: Fibers) -> Made:
    """The virtual patient with this number, from 1: phenotypes and styles of scanner take turns.

    The even ones come from a hospital whose clinical data are FHIR, the odd ones with a short clinical file.
    """
    body, scanner, person, laboratory, files = np.random.default_rng([phantom.seed, number]).spawn(5)
    drawn = patient.draw(body, phantom.phenotype(number))
    heart, beat = motion.simulate(drawn, phantom, mechanics, angles)
    moving = motion.dataset(heart, beat)
    image = imaging.acquire(moving, phantom, scanner)
    scar = scarred(heart)
    whoever = identity.draw(person, STYLES[(number - 1) % len(STYLES)])
    measured = figures(drawn.heart_rate, beat.loop.cycle, correction(beat), scar, laboratory)
    clinical = whoever.clinical(measured) if number % 2 else hospital.bundle(whoever, measured)
    return Made(truth(heart, moving, image, scar), image.drop_vars("labels"), whoever, clinical, files)


def correction(beat: Coupled) -> np.ndarray:
    """What the three-dimensional ventricle's pressure has beyond the closed form's, in mmHg at the
    times (time,) of the cycle.

    The catheter lies in that ventricle; its pressure is known at the frames and goes linearly between them.
    """
    cycle = beat.loop.cycle
    off = beat.pressure / KPA_PER_MMHG - np.interp(beat.time / 1000, cycle.time, cycle.pressure)
    return np.interp(cycle.time, beat.time / 1000, off, period=cycle.time[-1])


def figures(
    heart_rate: float, cycle: Cycle, correction: np.ndarray, scar: np.ndarray, rng: np.random.Generator
) -> dict[str, Any]:
    """The clinical file's figures: cuff, catheter, and the segments of which at least half is scar.

    ``correction`` (time,) in mmHg is what the catheter reads beyond the cycle, ``scar`` (17,) the
    share of each segment's muscle.
    """
    cuff = np.array([cycle.arterial.max(), cycle.arterial.min()]) + rng.normal(0, CUFF_NOISE, 2)
    time = np.arange(0, 1000 * cycle.time[-1], CATHETER_STEP)
    noise = rng.normal(0, CATHETER_NOISE / np.sqrt(CATHETER_BEATS), len(time))
    trace = np.interp(time / 1000, cycle.time, cycle.pressure + correction) + noise
    end_diastolic = cycle.filling + correction[0] + rng.normal(0, CATHETER_NOISE)
    return {
        "heart_rate": f"{heart_rate:.0f} beat/min",
        "systolic": f"{cuff[0]:.0f} mmHg",
        "diastolic": f"{cuff[1]:.0f} mmHg",
        "lv_end_diastolic_pressure": f"{end_diastolic:.1f} mmHg",
        "lv_pressure": {
            "time": time.tolist(),
            "pressure": np.round(trace, 2).tolist(),
            "beats": CATHETER_BEATS,
        },
        "scar_segments": fibers.SEGMENTS[scar >= 0.5].tolist(),
    }


def scarred(heart: motion.Heart) -> np.ndarray:
    """Share of each AHA segment's muscle (17,) that is scar, at end-diastole; 0 where no cell lies in a segment."""
    points = heart.mesh.points + heart.shapes[0.0]
    quads = heart.mesh.cells[: len(heart.mesh.cells) // heart.layers, :, :, 0].reshape(-1, 9)
    mesh = xr.Dataset(
        {
            "points": (("point", "component"), points),
            "cells": (("cell", "corner"), heart.mesh.cells.reshape(-1, 27)),
            "facets": (("facet", "facet_corner"), quads),
            "facet_tags": (("facet",), np.ones(len(quads), np.int32)),
        }
    )
    within, volume = fibers.segments(mesh)[:, None] == fibers.SEGMENTS, heart.volumes()
    whole = volume @ within
    return np.divide(((1 - heart.contractile) * volume) @ within, whole, out=np.zeros(len(whole)), where=whole > 0)


def truth(heart: motion.Heart, moving: xr.Dataset, image: xr.Dataset, scar: np.ndarray) -> xr.Dataset:
    """All that was planted and what followed from it; only the assessment of a twin may read it.

    ``scar`` (17,) is the share of each AHA segment's muscle.
    """
    drawn, volume = heart.patient, moving.volume.values
    kept = moving[["tension", "volume", "pressure", "endo_triangles", "epi_triangles", "cycle"]]
    values = {
        "stiffness": ((), drawn.stiffness),
        "peak_tension": ((), drawn.peak_tension),
        "ejection_fraction": ((), 100 * float(np.ptp(volume) / volume.max())),
        "scar": (("segment",), scar),
        "surface": (("vertex", "component"), moving.points.values[0]),
    }
    described = kept.assign(values).assign(image[["labels", "origin", "directions", "to_lps"]])
    return described.assign_coords(segment=fibers.SEGMENTS).assign_attrs(patient=json.loads(json.dumps(asdict(drawn))))
