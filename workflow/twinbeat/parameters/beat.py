"""Parameters of the beating heart: circulation and the time loop."""

from typing import Annotated, Literal

from pydantic import Field

from ..units import Angle, Length, Pressure, Time
from .section import Section

Ratio = Annotated[float, Field(gt=0, le=10)]


class BothVentricles(Section):
    """The heart of both ventricles, where beat.ventricles is both. Calibration is that of the left one alone."""

    size: Length = "12 mm"
    """Largest edge of its own mesh, in heart.zarr."""

    across: Annotated[float, Field(ge=0.5, le=10)] = 0.6
    """Edges across a wall, at least; below 1, a wall (the right one is mesh.biventricle.wall thick) is one long element
    thick: it is a membrane."""

    chord: Length = "1 mm"
    """Most by which facets are off its curved surfaces; the volumes that they enclose are exact."""

    percentile_dihedral: Angle = "15 degree"
    """As mesh.percentile_dihedral: elements that are longer than the wall is thick are flat."""

    elements: Literal["taylor-hood", "equal-order"] = "equal-order"
    """As mechanics.elements; thin walls have so many elements that quadratic ones would take hours."""

    stiffness: Ratio = 1.0
    """Passive stiffness of the right wall over that of the left one: the same muscle."""

    tension: Ratio = 1.0
    """Active tension of the right wall over that of healthy muscle of the left one: the same muscle."""

    end_diastolic_pressure: Annotated[Pressure, Field(gt=0)] = "0.6 kPa"
    """Of the right ventricle in the image; no clinical file says it. 4.5 mmHg, the middle of the 1 to 8 mmHg of healthy
    people (Rosenkranz and Preston 2015, doi 10.1183/16000617.0062-2015)."""


class Beat(Section):
    """Mechanics coupled to the closed-loop circulation (Regazzoni et al. 2022)."""

    time_step: Time = "20 ms"
    """Interval at which the three-dimensional heart is solved; between, its closed form follows it."""

    ventricles: Literal["left", "both"] = "left"
    """What beats in three dimensions: left, the right one being an elastance of the circulation, or both. The surrogate
    is of the left one in any case; there are no what-if runs of both."""

    beats: Annotated[int, Field(ge=1)] = 10
    """Most beats of the three-dimensional heart, each with the circulation at its limit cycle: two or three are enough
    for the calibrated tension, up to nine for cells."""

    frames: Annotated[int, Field(ge=2)] = 20
    """Displacements that are kept, evenly spaced in time."""

    steady: Annotated[float, Field(gt=0)] = 0.01
    """Change of the circulation's state from beat to beat, relative to its magnitude, at which the heart is steady."""

    contraction: Literal["phenomenological", "land_2017", "margara_2021"] = "phenomenological"
    """phenomenological: the tension curve that calibration found, from local activation on. land_2017: by the calcium
    of electrophysiology's cells and the stretch and shortening of the muscle (Land et al. 2017), scaled to the
    patient's stroke volume; of the left ventricle alone, and without surrogate. margara_2021: the same law with slower
    tropomyosin, which binds the calcium of ToR-ORd cells (Margara et al. 2021); its systole lasts longer."""

    unloaded_stretch: Annotated[float, Field(ge=0.9, le=1.2)] = 1.0
    """Stretch of sarcomeres in the unloaded shape, as the laws of cells count it: their length there over 1.8 um."""

    coupling: Literal["strong", "stabilised", "staggered"] = "strong"
    """How tension by cells meets the stretch that it makes: strong, until both agree; stabilised, with its slope
    about the last step (Regazzoni and Quarteroni 2021); staggered, by the last step, which oscillates."""

    both: BothVentricles = BothVentricles()
