"""Parameters of mechanics, shared by calibration and the beat."""

from typing import Annotated, Literal

from pydantic import Field

from ..units import Density, Pressure, SpringStiffness, Viscosity
from .section import Section

Modulus = Annotated[Pressure, Field(gt=0)]
Exponent = Annotated[float, Field(gt=0)]


class HolzapfelOgden(Section):
    """The law of Holzapfel and Ogden (2009, table 1: shear of porcine myocardium), where mechanics.law chooses it.
    Calibration scales the four moduli together."""

    a: Modulus = "0.059 kPa"
    """Modulus of the matrix; calibration.stiffness_prior is about this one."""

    b: Exponent = 8.023
    """Exponent of the matrix."""

    a_f: Modulus = "18.472 kPa"
    """Modulus along stretched fibres."""

    b_f: Exponent = 16.026
    """Exponent along stretched fibres."""

    a_s: Modulus = "2.481 kPa"
    """Modulus along stretched sheets."""

    b_s: Exponent = 11.12
    """Exponent along stretched sheets."""

    a_fs: Modulus = "0.216 kPa"
    """Modulus of shear between fibres and sheets."""

    b_fs: Exponent = 11.436
    """Exponent of shear between fibres and sheets."""


class Mechanics(Section):
    """Finite elasticity of the left ventricle."""

    law: Literal["guccione", "holzapfel-ogden", "neo-hooke"] = "guccione"
    """Passive law. Its stiffness, which calibration finds, is C of guccione (Land et al. 2015, eq. 2.3), a of
    holzapfel-ogden, mu of neo-hooke: state calibration.stiffness_prior and stiffness_bounds for the one chosen."""

    fiber_exponent: Annotated[float, Field(gt=0)] = 8.0
    """b_f of the Guccione law."""

    transverse_exponent: Annotated[float, Field(gt=0)] = 2.0
    """b_t of the Guccione law."""

    shear_exponent: Annotated[float, Field(gt=0)] = 4.0
    """b_fs of the Guccione law."""

    active: Literal["stress", "strain"] = "stress"
    """How muscle contracts: stress, a tension along the fibres; strain, fibres that shorten by themselves, as tension
    says. Not where cells drive it (beat.contraction)."""

    series_tension: Modulus = "2 kPa"
    """T0 of active strain: a tension T shortens fibres to 1 / (1 + e ln(1 + T / T0)) of their length, which is about
    the one that muscle of 2 kPa held at its length develops; 20 kPa by 19 %, 100 kPa by 28 %."""

    series_extension: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    """e of active strain. T0 / e is the modulus of fibres that strain little: 18 kPa with guccione of 2 kPa."""

    elements: Literal["taylor-hood", "equal-order"] = "taylor-hood"
    """Displacement and pressure: quadratic and linear, or both linear, which costs a tenth on the same mesh and is less
    accurate there."""

    solver: Literal["auto", "direct", "iterative"] = "auto"
    """Of the linear systems; auto factorises small ones and iterates on large ones."""

    bulk: Pressure = "200 kPa"
    """Stabilises taylor-hood: 200 kPa (J - 1)^2 beside the multiplier."""

    stabilisation: Modulus = "10 kPa"
    """Stabilises equal-order: about the shear modulus of muscle, and less of it is more stable."""

    pericardium: SpringStiffness = "0.1 kPa/mm"
    """Spring along the normal of the epicardium."""

    base: SpringStiffness = "10 kPa/mm"
    """Spring along the normal of the base plane."""

    base_tangential: SpringStiffness = "0.5 kPa/mm"
    """Spring in the base plane."""

    density: Annotated[Density, Field(ge=0, le=2)] = "0 g/mL"
    """Mass of muscle in the beat: 1.06 g/mL has inertia, 0 none. Calibration is of equilibria in any case."""

    viscosity: Annotated[Viscosity, Field(ge=0)] = "0 kPa ms"
    """eta of the stress S = eta dE/dt of muscle in the beat; Arostica et al. (2025) have 100 kPa ms."""

    holzapfel_ogden: HolzapfelOgden = HolzapfelOgden()

    @property
    def dynamic(self) -> bool:
        """Whether the beat has inertia or viscosity."""
        return self.density > 0 or self.viscosity > 0
