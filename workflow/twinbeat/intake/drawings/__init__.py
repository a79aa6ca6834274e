"""What reviewers drew: NIfTI and DICOM SEG files, of which nothing but labels, geometry and a pseudonym comes in.

A file is called after its reviewer's pseudonym, a few letters and a number, and one that shows a single frame also
after its phase: ``r1.nii.gz`` (all frames), ``r1-ed.nii.gz``, ``r1-es.nii.gz``, ``r1.dcm`` (phases by the names of its
segments). What enhances late is in ``r1-lge.nii.gz``, or a segment of a SEG. A ``review.toml`` beside files that are
called otherwise may say ``reviewer = "r1"``, and ``patient = "p-007"``.
"""

from .dicomseg import ENHANCED, ENHANCEMENT, NAMES, PHASES
from .files import SUFFIXES, Frames, read
from .review import NOTE, Review, of_patient
from .volume import Volume

__all__ = [
    "ENHANCED",
    "ENHANCEMENT",
    "NAMES",
    "NOTE",
    "PHASES",
    "SUFFIXES",
    "Frames",
    "Review",
    "Volume",
    "of_patient",
    "read",
]
