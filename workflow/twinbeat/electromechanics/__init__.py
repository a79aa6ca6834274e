"""From the action potential to the beat: hearts that contract by the calcium of their cells."""

from .cells import Cells, Muscle
from .heart import CellHeart, Strengthening, simulate
from .kinds import calcium

__all__ = ["CellHeart", "Cells", "Muscle", "Strengthening", "calcium", "simulate"]
