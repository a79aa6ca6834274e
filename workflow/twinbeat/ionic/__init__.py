"""Cell models: from their published equations (.ode) to compiled kernels over many cells."""

from .model import TENTUSSCHER_PANFILOV_2006_EPI, CellModel, load
from .models import MODELS
from .pacing import duration, pace

__all__ = ["MODELS", "TENTUSSCHER_PANFILOV_2006_EPI", "CellModel", "duration", "load", "pace"]
