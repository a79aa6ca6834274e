"""Windows on the endocardium: the AHA segments 1 to 16 as smooth weights fixed in space, for images and models alike.

The radius of a segment is the mean distance of the endocardium from the long axis over the window's angles phi and
heights z, r = int W r dphi dz / M, with M the window's measure at end-diastole. So it goes to zero, not undefined,
where the cavity leaves the window. Heights are in the heart frame (base 0, apex negative), angles about its third axis.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

SEGMENTS = 16
SECTORS = 17
"""The segments with the muscle beyond the cavity."""
HEIGHT_BLUR = 4.0  # mm over which a window fades along the axis: half the distance of usual slices
ANGLE_BLUR = 0.1  # of the cosine of the angle from the window's middle
MIDDLES = np.radians([90, 30, 330, 270, 210, 150] * 2 + [90, 0, 270, 180])  # from the septum towards the anterior wall
HALF_WIDTHS = np.radians([30] * 12 + [45] * 4)


@dataclass(frozen=True)
class Windows:
    """The segments of a ventricle whose cavity reaches from z = 0 down to ``apex`` (mm, negative) at end-diastole."""

    apex: float

    def parameters(self, segment: int) -> np.ndarray:
        """Heights (mm), cosine and sine of the middle angle, cosine of the half width of a segment, 1 to 16."""
        level, i = min((segment - 1) // 6, 2), segment - 1
        upper = np.inf if level == 0 else self.apex * level / 3
        lower = -np.inf if level == 2 else self.apex * (level + 1) / 3
        bounds = np.clip([lower, upper], -1e3, 1e3)
        return np.array([*bounds, np.cos(MIDDLES[i]), np.sin(MIDDLES[i]), np.cos(HALF_WIDTHS[i])])


def weight(xp: ModuleType, x: Any, y: Any, z: Any, window: Any) -> Any:
    """W at points, 0 to 1, with the functions of ``xp`` (numpy or ufl); ``window`` are a segment's ``parameters``."""
    lower, upper, cosine, sine, edge = (window[i] for i in range(5))
    height = xp.tanh((z - lower) / HEIGHT_BLUR) - xp.tanh((z - upper) / HEIGHT_BLUR)
    off = (x * cosine + y * sine) / distance(xp, x, y)
    return height * (1 + xp.tanh((off - edge) / ANGLE_BLUR)) / 4


def distance(xp: ModuleType, x: Any, y: Any) -> Any:
    """Distance from the long axis, mm; smooth on the axis."""
    return xp.sqrt(x**2 + y**2 + 1e-6)
