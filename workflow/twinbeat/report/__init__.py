"""Reports: one self-contained page per patient, one per cohort."""

from .cohort import cohort_page, failures, summarise
from .patient import patient_page
from .shape import shape_page
from .sources import Gathered, assessments, gather
from .whatif import whatif_page

__all__ = [
    "Gathered",
    "assessments",
    "cohort_page",
    "failures",
    "gather",
    "patient_page",
    "shape_page",
    "summarise",
    "whatif_page",
]
