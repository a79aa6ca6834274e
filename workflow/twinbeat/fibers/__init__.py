"""Rule-based fibres, coordinates, segments and tissue of the ventricles."""

from .aha import SEGMENTS, segments
from .assigning import assign, refine
from .coordinates import correspondence, nearest
from .laplace import harmonic, shape_gradients, stiffness
from .left import axes, helix, turned
from .scar import SCAR, scarred, tissue

__all__ = [
    "SCAR",
    "SEGMENTS",
    "assign",
    "axes",
    "correspondence",
    "harmonic",
    "helix",
    "nearest",
    "refine",
    "scarred",
    "segments",
    "shape_gradients",
    "stiffness",
    "tissue",
    "turned",
]
