"""Parameters of calibration."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from ..units import BloodPressure, Length, Pressure, Time, Velocity
from .section import Section


class Contraction(Section):
    """The share of healthy muscle's tension that each AHA segment develops, as a further unknown."""

    fitted: bool = False
    """Whether it is one; else all muscle but scar develops the same."""

    spread: Annotated[float, Field(gt=0)] = 0.75
    """Standard deviation of it about 1 before any measurement."""

    length: Annotated[Length, Field(gt=0)] = "30 mm"
    """Distance over which segments are alike before any measurement: their correlation falls to 1/e."""

    unaided: bool = False
    """Whether scar that late enhancement or a reader shows is not made use of: what motion alone tells of it."""


class Scale(Section):
    """A factor as a further unknown."""

    fitted: bool = False
    """Whether it is one; else it is 1."""

    likely: Annotated[float, Field(gt=0)] = 1.0
    """Most likely value before any measurement."""

    spread: Annotated[float, Field(gt=0)] = 0.5
    """Standard deviation of its logarithm before any measurement."""


class ScarStiffening(Scale):
    """How many times as stiff as healthy muscle scar is, as a further unknown; without it, once."""

    likely: Annotated[float, Field(gt=0)] = 3.0
    """Most likely value before any measurement."""


class Pericardium(Scale):
    """Factor on mechanics.pericardium, as a further unknown."""


class Conduction(Section):
    """Conduction velocities as unknowns, from the QRS duration and an activation map where a patient has them."""

    fitted: tuple[Literal["fiber", "transverse", "endocardium"], ...] = ()
    """Which velocities of electrophysiology are; none: no patient's. Where there is neither a QRS duration nor a map,
    they stay what electrophysiology has: population values."""

    spread: Annotated[float, Field(gt=0)] = 0.25
    """Standard deviation of the logarithm of each before any measurement, about the value of electrophysiology."""

    bounds_fiber: tuple[Velocity, Velocity] = ("0.3 mm/ms", "1 mm/ms")
    """Bounds of that along the fibres."""

    bounds_transverse: tuple[Velocity, Velocity] = ("0.1 mm/ms", "0.7 mm/ms")
    """Bounds of that across them, about half of it."""

    bounds_endocardium: tuple[Velocity, Velocity] = ("0.3 mm/ms", "4 mm/ms")
    """Bounds of that within the endocardial layer: from muscle alone to Purkinje fibres (2 to 4 m/s)."""

    qrs_sigma: Annotated[Time, Field(gt=0)] = "10 ms"
    """Standard deviation of a QRS duration as that of the left ventricle's activation: its reading, and what the right
    ventricle adds."""

    map_sigma: Annotated[Time, Field(gt=0)] = "5 ms"
    """Standard deviation of a time of an activation map."""

    reach: Annotated[Length, Field(gt=0)] = "10 mm"
    """Points of a map that lie further from the muscle are left out."""

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> "Conduction":
        for name in ("bounds_fiber", "bounds_transverse", "bounds_endocardium"):
            low, high = getattr(self, name)
            if not 0 < low < high:
                raise ValueError(f"{name}: expected two velocities that increase, got {low:g} and {high:g} mm/ms")
        if len(set(self.fitted)) < len(self.fitted):
            raise ValueError(f"fitted: expected each velocity once, got {', '.join(self.fitted)}")
        return self


class Calibration(Section):
    """Passive stiffness and active tension from volumes, wall motion, strains and pressures."""

    end_diastolic_pressure: BloodPressure = "10 mmHg"
    """Used with a larger uncertainty where the clinical table has none."""

    systolic_pressure: BloodPressure = "120 mmHg"
    """Used with a larger uncertainty where the clinical table has none."""

    volume_sigma: Annotated[float, Field(gt=0)] = 0.02
    """Standard deviation of the change of a cavity volume since end-diastole, as a share of the change."""

    volume_noise: Annotated[float, Field(gt=0)] = 0.003
    """Least standard deviation of a cavity volume from frame to frame, as a share of the end-diastolic one."""

    motion_sigma: Length = "1.5 mm"
    """Standard deviation of a segment's endocardial motion."""

    epicardial_sigma: Length | None = None
    """Standard deviation of a segment's epicardial motion; none: the epicardium is not looked at."""

    wall_sigma: Annotated[float, Field(ge=0)] = 0.03
    """Standard deviation of the mesh's muscle volume, as a share of it: it makes stiffness and tension uncertain."""

    strain_sigma: Annotated[float, Field(gt=0)] = 0.03
    """Standard deviation of a segment's strain by tags or feature tracking, where the patient's file has none."""

    template_sigma: Annotated[float, Field(gt=0)] = 0.15
    """Standard deviation of a pressure that a template gives, not a measurement, as a share of it."""

    stiffness_prior: Pressure = "2 kPa"
    """Most likely passive stiffness, as mechanics.law means it, before any measurement."""

    stiffness_spread: Annotated[float, Field(gt=0)] = 1.0
    """Standard deviation of ln C before any measurement."""

    tension_bend: Pressure = "30 kPa"
    """Standard deviation of the second difference of the tension between frames: a weak demand of smoothness."""

    stiffness_bounds: tuple[Pressure, Pressure] = ("0.1 kPa", "10 kPa")
    """Bounds of the passive stiffness, as mechanics.law means it."""

    tension_bounds: tuple[Pressure, Pressure] = ("0 kPa", "250 kPa")
    """Bounds of the active tension of every frame."""

    held_out: Annotated[int, Field(ge=2)] | None = None
    """Of every so many frames one is left out of the fit, and predicted by it; none: all are fitted."""

    iterations: Annotated[int, Field(ge=1)] = 15
    """Most Gauss-Newton iterations."""

    starts: Annotated[int, Field(ge=1)] = 1
    """First guesses of the stiffness from which estimates are sought, the best of which stays."""

    contraction: Contraction = Contraction()

    scar_stiffening: ScarStiffening = ScarStiffening()

    pericardium: Pericardium = Pericardium()

    conduction: Conduction = Conduction()

    FIT: ClassVar = (
        *("wall_sigma", "stiffness_prior", "stiffness_spread", "tension_bend", "stiffness_bounds", "tension_bounds"),
        *("held_out", "iterations", "starts", "contraction", "scar_stiffening", "pericardium", "conduction"),
    )
    """Keys of which the targets know nothing."""
