"""Reports: one self-contained page per patient, one per cohort."""

from .cohort import cohort_page, failures, summarise
from .gather import Gathered, assessments, gather
from .patient import patient_page

__all__ = ["Gathered", "assessments", "cohort_page", "failures", "gather", "patient_page", "summarise"]
