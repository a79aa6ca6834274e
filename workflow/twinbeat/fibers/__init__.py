"""Rule-based fibres, coordinates, segments and tissue of the ventricles."""

from .aha import segments
from .assigning import assign, refine
from .coordinates import correspondence
from .laplace import harmonic, shape_gradients, stiffness
from .left import axes, helix, turned

__all__ = [
    "assign",
    "axes",
    "correspondence",
    "harmonic",
    "helix",
    "refine",
    "segments",
    "shape_gradients",
    "stiffness",
    "turned",
]
