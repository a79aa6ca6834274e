"""How far stresses are off where the mesh has more or less muscle than the heart.

Pressures and volumes fix stresses only together with the wall that bears them. With the one-fibre model (Arts et al.
1991, ``start.OneFiber``) stress = 3 p / ln(1 + wall / V), so that stiffness and tensions are off together.
"""

import numpy as np

from .fit import Fit
from .problem import Evaluation

Array = np.ndarray


def thinned(ratio: Array | float) -> Array | float:
    """-d ln(stress) / d ln(wall) at equal pressure and volume, by the ratio of wall to cavity: 1 where the wall is
    thin."""
    return ratio / ((1 + ratio) * np.log1p(ratio))


def moved(fit: Fit, evaluation: Evaluation, wall: float, full: float) -> Array:
    """By how much x of ``fit`` moves where the wall is thinner by its standard deviation, ``calibration.wall_sigma``.

    ``wall`` is the volume of the muscle in mL, ``full`` that of the cavity at end-diastole.
    """
    x, free = fit.parameters(evaluation), fit.free
    change = np.zeros_like(x)
    change[0] = thinned(wall / full)
    change[fit.tensions] = x[fit.tensions] * thinned(wall / evaluation.values[free, 0])
    return fit.calibration.wall_sigma * change
