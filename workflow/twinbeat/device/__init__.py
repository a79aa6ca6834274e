"""The monodomain equation on a GPU: from arrays to arrays, with NumPy and CuPy alone."""

from .file import read, write
from .gpu import NoGpu, chosen
from .medium import Medium
from .plan import Cells, Leak, Plan, Pulse, sliced
from .wave import Course, propagate

__all__ = [
    "Cells",
    "Course",
    "Leak",
    "Medium",
    "NoGpu",
    "Plan",
    "Pulse",
    "chosen",
    "propagate",
    "read",
    "sliced",
    "write",
]
