"""A study of an invented patient with identifiers planted wherever DICOM has room for one, beside what must stay."""

from .leaks import leaks, losses
from .study import Study, make

__all__ = ["Study", "leaks", "losses", "make"]
