"""The report of one patient: finished or stopped."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from ..assessment import DICE, TOLERANCES, interval
from ..page import number, render
from . import clinical, conduction, knowledge, labels
from .bullseye import bullseye
from .curves import contraction, cycle, loop, residuals, uncertainty
from .drug import course, effect
from .electrocardiogram import electrocardiogram
from .frames import label_frames, mesh_frames
from .intake import moments, shifts, taken
from .meshing import contour_distances, mesh_slices
from .motion import beating, movie, spreading, spreading_movie
from .rendering import heart
from .sensitivity import quality, sweep
from .sources import Gathered, origins

STAGES = (
    *("image", "automatic", "labels", "anatomy", "biventricle", "heart", "targets", "posterior"),
    *("conduction", "activation", "beat", "surrogate", "drug", "assessment"),
)
"""In the order in which they are made."""

KEY_FIGURES = {
    "ejection_fraction": ("Ejection fraction, image", "%", 1),
    "beat_ejection_fraction": ("Ejection fraction, beat", "%", 1),
    "end_diastolic_volume": ("End-diastolic volume", "mL", 0),
    "end_systolic_volume": ("End-systolic volume", "mL", 0),
    "stroke_volume": ("Stroke volume", "mL", 0),
    "myocardial_mass": ("Myocardial mass", "g", 0),
    "beat_peak_pressure": ("Peak pressure, beat", "mmHg", 0),
    "stroke_work": ("Stroke work, beat", "J", 2),
    "right_end_diastolic_volume": ("RV end-diastolic volume, beat", "mL", 0),
    "right_ejection_fraction": ("RV ejection fraction, beat", "%", 1),
    "right_peak_pressure": ("RV peak pressure, beat", "mmHg", 0),
    "activation_time": ("Activation, first to last", "ms", 0),
    "qrs_duration": ("QRS duration, simulated", "ms", 0),
    "qt_interval": ("QT interval, simulated", "ms", 0),
}
QUALITY = {
    "volume_error": ("Volume, fit against targets (r.m.s.)", "mL", 1),
    "radius_error": ("Endocardial radius, fit against targets (r.m.s.)", "mm", 2),
    "strain_error": ("Strain of segments, fit against tags or feature tracking (r.m.s.)", "", 3),
    "residual": ("All residuals (r.m.s.)", "s.d.", 2),
    "prediction": ("Volumes of frames left out of the fit, prediction against targets (r.m.s.)", "s.d.", 2),
    "steadiness": ("Change between the last two beats", "", 4),
    "stroke_difference": ("Stroke volume of the beat, left less right", "mL", 2),
    "smallest_dihedral": ("Smallest dihedral angle of the mesh", "degrees", 1),
    "largest_aspect": ("Largest aspect ratio of the mesh", "", 1),
}
RECOVERY = {
    "stiffness_recovery": ("Passive stiffness", "%"),
    "tension_recovery": ("Peak active tension", "%"),
    "ejection_fraction_recovery": ("Ejection fraction of the fit", "points"),
}
OVERLAP = dict(zip(DICE, ("LV blood", "LV myocardium", "RV blood"), strict=True))
PICTURES: dict[str, tuple[tuple[str, ...], Callable[[Mapping[str, xr.Dataset]], str | None]]] = {
    "labels": (("image", "labels"), lambda of: label_frames(of["image"], of["labels"])),
    "surface": (
        ("image", "labels", "anatomy", "posterior"),
        lambda of: mesh_frames(of["image"], of["labels"], of["anatomy"], of["posterior"].displacement),
    ),
    "mesh": (
        ("image", "labels", "anatomy"),
        lambda of: mesh_slices(of["image"], of["labels"], of["anatomy"]),
    ),
    "biventricle": (
        ("image", "labels", "biventricle"),
        lambda of: mesh_slices(of["image"], of["labels"], of["biventricle"]),
    ),
    "heart": (("anatomy",), lambda of: heart(of["anatomy"], of.get("activation"), _tissue(of.get("posterior")))),
    "spreading": (("activation",), lambda of: spreading(of["activation"])),
    "spreading_movie": (("activation",), lambda of: spreading_movie(of["activation"])),
    "ecg": (("activation",), lambda of: electrocardiogram(of["activation"])),
    "loop": (("targets", "posterior"), lambda of: loop(of["targets"], of["posterior"], of.get("beat"))),
    "cycle": (("targets", "posterior"), lambda of: cycle(of["targets"], of["posterior"], of.get("beat"))),
    "contraction": (("beat",), lambda of: contraction(of["beat"])),
    "beating": (("anatomy", "beat"), lambda of: beating(_beats(of), of["beat"])),
    "movie": (("anatomy", "beat"), lambda of: movie(_beats(of), of["beat"])),
    "bullseye": (("assessment",), lambda of: bullseye(of["assessment"])),
    "residuals": (("targets", "posterior"), lambda of: residuals(of["targets"], of["posterior"])),
    "uncertainty": (("posterior",), lambda of: uncertainty(of["posterior"])),
    "sweep": (("surrogate",), lambda of: sweep(of["surrogate"])),
    "drug": (("drug",), lambda of: course(of["drug"])),
}
"""The stages that each picture needs, and how it is drawn from all stores that there are; None where they lack it."""

log = logging.getLogger("twinbeat")
Row = dict[str, Any]


def patient_page(patient: str, study: str, gathered: Gathered) -> str:
    """The HTML report of a patient from whatever its stages have given."""
    assessment = gathered.get("assessment")
    labelled = gathered.stores.get("labels", gathered.get("automatic"))
    return render(
        "patient.html",
        patient=patient,
        study=study,
        verdict=gathered.verdict,
        reached=[name for name in STAGES if name in gathered.stores],
        figures=_rows(assessment, KEY_FIGURES),
        quality=_rows(assessment, QUALITY),
        recovery=recovery_rows(assessment),
        overlap=_overlap_rows(assessment),
        parameters=_parameter_rows(assessment),
        known=knowledge.known(gathered.get("posterior")),
        pictures=_pictures(gathered),
        activated=_activated(gathered.get("activation")),
        surrogate=quality(gathered.stores["surrogate"]) if gathered.has("surrogate") else None,
        drug=effect(gathered.stores["drug"]) if gathered.has("drug") else None,
        origins=origins(gathered),
        image=taken(gathered.get("image")),
        shifts=shifts(gathered.get("image")),
        moments=moments(labelled),
        trust=labels.trust(labelled),
        clinical=clinical.section(gathered.clinical, _used(gathered.get("conduction"))),
        conduction=conduction.section(gathered.get("conduction"), gathered.get("activation")),
        distances={mesh: contour_distances(gathered.get(mesh)) for mesh in ("anatomy", "biventricle")},
    )


def recovery_rows(assessment: xr.Dataset | None) -> list[Row]:
    """Error against the planted truth beside its tolerance; empty for a patient without one."""
    if assessment is None or "stiffness_recovery" not in assessment:
        return []
    found = {name: float(assessment[name]) for name in RECOVERY}
    return [
        {"name": words, "unit": unit, "error": found[name], "tolerance": TOLERANCES[name],
         "passed": abs(found[name]) <= TOLERANCES[name]}
        for name, (words, unit) in RECOVERY.items()
    ]  # fmt: skip


def _rows(assessment: xr.Dataset | None, table: dict[str, tuple[str, str, int]]) -> list[Row]:
    if assessment is None:
        return []
    return [
        {"name": words, "value": number(float(assessment[name]), digits), "unit": unit}
        for name, (words, unit, digits) in table.items()
        if name in assessment
    ]


def _overlap_rows(assessment: xr.Dataset | None) -> list[Row]:
    if assessment is None or "dice_blood" not in assessment:
        return []
    return [{"name": words, "value": float(assessment[name])} for name, words in OVERLAP.items()]


def _parameter_rows(assessment: xr.Dataset | None) -> list[Row]:
    """Mean, standard deviation and 90 % interval; the stiffness is normal in its logarithm."""
    if assessment is None:
        return []
    stiffness, spread = float(assessment.stiffness), float(assessment.stiffness_sigma)
    tension, sigma = float(assessment.peak_tension), float(assessment.peak_tension_sigma)
    low, high = (float(np.exp(bound)) for bound in interval(np.log(stiffness), spread / stiffness))
    return [
        {"name": "Passive stiffness", "unit": "kPa", "digits": 3, "mean": stiffness, "sigma": spread,
         "low": low, "high": high},
        {"name": "Peak active tension", "unit": "kPa", "digits": 1, "mean": tension, "sigma": sigma,
         "low": interval(tension, sigma)[0], "high": interval(tension, sigma)[1]},
    ]  # fmt: skip


def _used(conduction: xr.Dataset | None) -> tuple[str, ...]:
    """Clinical values that the twin uses beside the figures that all twins use."""
    return ("qrs_duration",) if conduction is not None and "qrs_measured" in conduction else ()


def _beats(stores: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """The mesh that beats: of both ventricles where that is solved, else of the left one."""
    return stores.get("heart", stores["anatomy"])


def _activated(activation: xr.Dataset | None) -> str:
    """What is activated, in words."""
    return "both ventricles" if activation is not None and "fine_wall" in activation else "the left ventricle alone"


def _tissue(posterior: xr.Dataset | None) -> np.ndarray | None:
    return None if posterior is None else posterior.tissue.values


def _pictures(gathered: Gathered) -> dict[str, str | None]:
    """Data URIs of the pictures by their place in the page; None where a stage that they need was not reached."""
    pictures: dict[str, str | None] = {}
    stores = gathered.stores
    if gathered.has("automatic"):
        stores = {"labels": stores["automatic"]} | stores  # what a reviewer has to judge
    for index, (place, (stages, draw)) in enumerate(PICTURES.items(), 1):
        log.info("report: picture %d of %d, %s", index, len(PICTURES), place)
        pictures[place] = draw(stores) if all(name in stores for name in stages) else None
    return pictures
