"""Parameters of mechanics, shared by calibration and the beat."""

from typing import Annotated

from pydantic import Field

from ..units import Pressure, SpringStiffness
from .section import Section


class Mechanics(Section):
    """Finite elasticity of the left ventricle (Guccione law; Land et al. 2015, eq. 2.3)."""

    fiber_exponent: Annotated[float, Field(gt=0)] = 8.0
    """b_f of the Guccione law."""

    transverse_exponent: Annotated[float, Field(gt=0)] = 2.0
    """b_t of the Guccione law."""

    shear_exponent: Annotated[float, Field(gt=0)] = 4.0
    """b_fs of the Guccione law."""

    bulk: Pressure = "200 kPa"
    """Stabilises the pressure formulation (BENCHMARKS: 200 kPa (J - 1)^2 beside the multiplier)."""

    pericardium: SpringStiffness = "0.1 kPa/mm"
    """Spring along the normal of the epicardium."""

    base: SpringStiffness = "10 kPa/mm"
    """Spring along the normal of the base plane."""

    base_tangential: SpringStiffness = "0.5 kPa/mm"
    """Spring in the base plane."""
