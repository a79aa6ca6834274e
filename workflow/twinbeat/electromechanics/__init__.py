"""From the action potential to the beat: hearts that contract by the calcium of their cells."""

from .cells import Cells, Muscle
from .feedback import Electrics, Feedback
from .heart import CellHeart, Strengthening, simulate
from .kinds import calcium
from .varied import vary

__all__ = ["CellHeart", "Cells", "Electrics", "Feedback", "Muscle", "Strengthening", "calcium", "simulate", "vary"]
