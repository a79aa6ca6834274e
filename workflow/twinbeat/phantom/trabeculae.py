"""The rim of the left ventricle's pool, in which strands of muscle and blood mix; readers count it as blood.

Every human ventricle has one: its muscle was 9.2 % of the compact wall's on the mean of 140 healthy people, and 2 % at
least (Bentatou et al. 2018, Diagn. Interv. Imaging). Muscle keeps its volume, so that the rim is deeper where the
ventricle has contracted. It is deeper towards the apex and at the free wall (Captur et al. 2013).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.ndimage import distance_transform_edt

from .surfaces import Surface

SPREAD, LEAST, MOST = 4.5 / 9.2, 2.0 / 9.2, 29.4 / 9.2
"""Standard deviation over people, least and most, as shares of the mean (Bentatou et al. 2018)."""
ROOT = 0.75
"""Share of muscle where the rim begins; it falls linearly from there to nothing."""
APICAL, LATERAL = 0.6, 0.3
"""How much deeper the rim is at the apex than at the base, and at the free wall than on the mean, as shares."""
UNEVEN = 0.4
"""Standard deviation of the share of muscle along the rim, as a share of it."""


@dataclass(frozen=True)
class Strands:
    """Those of a patient: ``muscle`` in mm³; ``waves`` (wave, 3) around the pool, each with number, phase in rad and
    twist in rad/mm."""

    muscle: float
    waves: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator, mean: float, wall: float) -> Self:
        """Of a compact wall of ``wall`` mm³, where people have ``mean`` of that in trabeculae."""
        share = mean * np.clip(rng.normal(1, SPREAD), LEAST, MOST)
        numbers = rng.integers(7, 30, 8)
        return cls(share * wall, np.column_stack([numbers, rng.uniform(0, 2 * np.pi, 8), rng.normal(0, 0.06, 8)]))

    def uneven(self, angle: np.ndarray, height: float) -> np.ndarray:
        """A factor about 1 at angles (sample,) in rad of the plane at ``height`` mm."""
        number, phase, twist = self.waves.T
        waves = np.cos(angle[:, None] * number + phase + twist * height).sum(axis=1)
        return np.maximum(1 + UNEVEN * np.sqrt(2 / len(number)) * waves, 0)


@dataclass(frozen=True)
class Rim:
    """That of one moment: strands on the endocardium, a surface of ``capped``."""

    strands: Strands
    depth: float
    """On the mean, in mm, in planes across the long axis."""
    low: float
    high: float

    @classmethod
    def on(cls, endocardium: Surface, strands: Strands) -> Self:
        """As deep as the strands' muscle asks for."""
        heights = endocardium.vertices[:, 2]
        return cls(strands, 2 * strands.muscle / (ROOT * endocardium.girth()), float(heights.min()), float(heights[-1]))

    def muscle(self, pool: np.ndarray, step: float, height: float) -> np.ndarray:
        """Share of muscle in the samples (sample,) of a pool (row, column), ``step`` mm apart, in order."""
        rows, columns = np.nonzero(pool)
        angle = np.arctan2(rows - rows.mean(), columns - columns.mean())
        along = np.clip((height - self.low) / (self.high - self.low), 0, 1)
        reach = self.depth * (1 + APICAL * (0.5 - along) + LATERAL * np.cos(angle))
        within = step * (distance_transform_edt(np.pad(pool, 1))[1:-1, 1:-1][pool] - 0.5)
        return np.minimum(ROOT * np.maximum(1 - within / reach, 0) * self.strands.uneven(angle, height), 1)
