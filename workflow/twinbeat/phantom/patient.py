"""Drawing a virtual patient: shape, passive stiffness, contraction, pressures and heart rate of a phenotype."""

from dataclasses import dataclass

import numpy as np

from ..parameters.phantom import Phenotype
from ..units import KPA_PER_MMHG
from .shape import Shape

Range = tuple[float, float]


@dataclass(frozen=True)
class Scar:
    """A sector without contraction, from the apex to ``top`` (along), ``half_width`` rad to each side of ``centre``."""

    centre: float
    half_width: float
    top: float

    def contractile(self, along: np.ndarray, around: np.ndarray) -> np.ndarray:
        """1 in healthy muscle, 0 in the scar (...), of points with these parameters (...) of ``Shape``."""
        off = np.abs((around - self.centre + np.pi) % (2 * np.pi) - np.pi)
        return np.where((off < self.half_width) & (along < self.top), 0.0, 1.0)


@dataclass(frozen=True)
class Patient:
    """All that is planted. Pressures in kPa, stiffness C and peak tension in kPa, times in ms.

    ``rise`` and ``fall`` shape the twitch (``activation.twitch``); muscle contracts ``onset`` after the R wave at the
    septal apex's endocardium and up to ``spread`` later at the lateral base's epicardium.
    """

    phenotype: Phenotype
    shape: Shape
    stiffness: float
    peak_tension: float
    rise: float
    fall: float
    onset: float
    spread: float
    heart_rate: float
    end_diastolic_pressure: float
    diastolic_pressure: float
    ejection_fraction: float
    scar: Scar | None

    @property
    def cycle(self) -> float:
        """RR interval in ms."""
        return 60_000 / self.heart_rate

    def activation(self, along: np.ndarray, around: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Activation time (...) in ms after the R wave, of points with these parameters (...) of ``Shape``."""
        return self.onset + self.spread * (0.3 * depth + 0.4 * along + 0.3 * along * (1 - np.cos(around)) / 2)


COLUMNS = (
    "radius",
    "length",
    "wall",
    "septal",
    "stiffness",
    "tension",
    "rate",
    "end_diastolic",
    "diastolic",
    "ejection",
)
RANGES: dict[Phenotype, str] = {
    "healthy": "21-22.5 77-84 10-11.5 0.95-1.1 1.3-2.2 60-68 60-78 9-12 68-80 0.56-0.64",
    "dilated": "26-28 82-88 9.5-11 0.9-1.05 2.5-4 66-74 75-92 12-16 66-76 0.22-0.33",
    "hypertrophic": "18-19.5 70-76 14.5-17 1.2-1.5 2-3.5 44-50 58-74 11-16 70-84 0.62-0.7",
    "infarct": "23-25 80-87 9.5-11 0.95-1.1 2-3.5 66-76 68-84 12-17 66-78 0.36-0.44",
}
"""What a phenotype is drawn from: unloaded lengths in mm, kPa, beats a minute, pressures in mmHg."""


def ranges(phenotype: Phenotype) -> dict[str, Range]:
    """The row of a phenotype: least and largest value of each of ``COLUMNS``."""
    bounds = [tuple(map(float, entry.split("-"))) for entry in RANGES[phenotype].split()]
    return dict(zip(COLUMNS, bounds, strict=True))


def draw(rng: np.random.Generator, phenotype: Phenotype) -> Patient:
    """A patient of a phenotype."""
    r = ranges(phenotype)
    rate = rng.uniform(*r["rate"])
    scale = np.sqrt(60_000 / rate / 850)
    return Patient(
        phenotype=phenotype,
        shape=_shape(rng, r),
        stiffness=rng.uniform(*r["stiffness"]),
        peak_tension=rng.uniform(*r["tension"]),
        rise=rng.uniform(85, 115) * scale,
        fall=rng.uniform(330, 360) * scale,
        onset=rng.uniform(10, 20),
        spread=rng.uniform(25, 40),
        heart_rate=rate,
        end_diastolic_pressure=rng.uniform(*r["end_diastolic"]) * KPA_PER_MMHG,
        diastolic_pressure=rng.uniform(*r["diastolic"]) * KPA_PER_MMHG,
        ejection_fraction=rng.uniform(*r["ejection"]),
        scar=_scar(rng) if phenotype == "infarct" else None,
    )


def _shape(rng: np.random.Generator, r: dict[str, Range]) -> Shape:
    return Shape(
        radius=rng.uniform(*r["radius"]),
        length=rng.uniform(*r["length"]),
        truncation=np.radians(rng.uniform(100, 110)),
        wall=rng.uniform(*r["wall"]),
        septal=rng.uniform(*r["septal"]),
        apical=rng.uniform(0.6, 0.75),
        oval=rng.uniform(-0.03, 0.05),
        apex_shift=(rng.uniform(-3, 5), rng.uniform(-4, 4)),
        rv_angle=np.radians(rng.uniform(50, 62)),
        rv_width=rng.uniform(24, 34),
    )


def _scar(rng: np.random.Generator) -> Scar:
    """The territory of the left anterior descending artery: about segments 7, 8, 13 and half of 14."""
    centre, half_width = np.radians(rng.uniform(55, 65)), np.radians(rng.uniform(60, 66))
    return Scar(centre, half_width, rng.uniform(0.74, 0.8))
