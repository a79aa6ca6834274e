"""The statistical shape model of a cohort's hearts, and virtual anatomies that are drawn from it."""

from .build import build
from .virtual import synthesise

__all__ = ["build", "synthesise"]
