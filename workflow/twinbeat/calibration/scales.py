"""Scaled properties of the mechanics that may be looked for: the stiffness of scar, and of the pericardium."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from dolfinx import fem

from ..kinematics import Expr
from ..mechanics import Ventricle, work
from ..parameters import Calibration
from ..parameters.calibration import Scale


@dataclass(frozen=True)
class Scaled:
    """A factor on something of the ventricle, log-normal before any measurement.

    ``prior`` are median and standard deviation of the logarithm; ``apply`` sets the factor, ``partial`` is the
    derivative of the virtual work by its logarithm, of (w, U).
    """

    name: str
    prior: Scale
    apply: Callable[[float], None]
    partial: Callable[[Expr, Expr], Expr]


def sought(ventricle: Ventricle, scar: np.ndarray, calibration: Calibration) -> list[Scaled]:
    """The factors that the configuration asks for; ``scar``: whether each local cell (ghosts included) is.

    Without any scar there is nothing to be stiffer.
    """
    found = []
    if calibration.scar_stiffening.fitted and ventricle.comm.allreduce(int(scar.sum())):
        within = fem.Function(ventricle.tension.function_space)
        within.x.array[:] = scar

        def stiffen(factor: float) -> None:
            ventricle.stiffening.x.array[:] = np.where(scar, factor, 1.0)

        by_scar = partial(work.passive, ventricle, within=within)
        found.append(Scaled("scar_stiffening", calibration.scar_stiffening, stiffen, by_scar))
    if calibration.pericardium.fitted:

        def enclose(factor: float) -> None:
            ventricle.pericardium.value = factor * ventricle.mechanics.pericardium

        found.append(Scaled("pericardium", calibration.pericardium, enclose, partial(work.enclosing, ventricle)))
    return found
