"""One file with labels, of whatever kind."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...verdicts import NeedsReview
from ..files import File
from . import dicomseg, nifti
from .dicomseg import ENHANCED, ENHANCEMENT, NAMES, PHASES
from .volume import Volume

SUFFIXES = (*nifti.SUFFIXES, *dicomseg.SUFFIXES)
Frames = dict[str | int, Volume]
"""By the number of the frame, from 0, or by its phase; or what enhances late."""

_PHASE = re.compile(r"(?:.*[-_])?(ed|es|lge)", re.IGNORECASE)
_SAID = dict(zip(("ed", "es", "lge"), (*PHASES, ENHANCEMENT), strict=True))


def stem(file: File) -> str:
    """The name of a file without what tells its kind, which is one of ``SUFFIXES``."""
    name = file.path.name
    return next((name[: -len(suffix)] for suffix in SUFFIXES if name.lower().endswith(suffix)), name)


def is_seg(file: File) -> bool:
    """Whether a file is called as DICOM is."""
    return file.path.suffix.lower() in dicomseg.SUFFIXES


def read(file: File, count: int | None = None, single: str | None = None) -> Frames:
    """The frames in which something is drawn.

    ``count`` is how many the image has, where that is known, ``single`` what to call the only frame of a file whose
    name does not tell.

    Raises NeedsReview where the file is damaged, has other labels, other frames, or none; OSError (without the name)
    where the machine cannot read it.
    """
    try:
        file.path.open("rb").close()
    except OSError as error:
        raise OSError(error.errno, f"cannot read {file}: {error.strerror}") from None
    found = dicomseg.read(file) if is_seg(file) else _frames(file, nifti.read(file), count, single)
    found = {name: _valid(file, name, volume) for name, volume in found.items()}
    drawn = {name: replace(one, labels=one.labels.astype(np.uint8)) for name, one in found.items() if one.labels.any()}
    if not drawn:
        raise NeedsReview("review-empty", f"{file} has no labelled voxel; expected a ventricle in at least one frame")
    return drawn


def _frames(file: File, volumes: Sequence[Volume], count: int | None, single: str | None) -> Frames:
    if len(volumes) == 1:
        return {_phase(file, single): volumes[0]}
    if count is not None and len(volumes) != count:
        raise NeedsReview("review-frames", f"{file} has {len(volumes)} frames; expected 1, or the image's {count}")
    return dict(enumerate(volumes))


def _phase(file: File, otherwise: str | None) -> str:
    if said := _PHASE.fullmatch(stem(file)):
        return _SAID[said[1].lower()]
    if otherwise is None:
        reason = f"{file} has one frame and does not say which; expected a name that ends in -ed, -es or -lge"
        raise NeedsReview("review-phase", reason)
    return otherwise


def _valid(file: File, name: str | int, volume: Volume) -> Volume:
    """A volume whose labels are all known; of late enhancement, any mark counts that is 1 or its label."""
    known = {1: ENHANCEMENT, ENHANCED: ENHANCEMENT} if name == ENHANCEMENT else NAMES
    strange = np.setdiff1d(volume.labels, [0, *known])
    if len(strange):
        found = ", ".join(f"{value:g}" for value in strange[:3])
        expected = ", ".join(f"{label} ({name})" for label, name in known.items())
        raise NeedsReview("review-unknown-label", f"{file} has labels such as {found}; expected 0 and {expected}")
    return replace(volume, labels=np.where(volume.labels > 0, ENHANCED, 0)) if name == ENHANCEMENT else volume
