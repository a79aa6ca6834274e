"""Signal of the body around the heart at points of LPS space: chest wall, lungs, liver, stomach, spine, aorta.

A still picture in closed form: x to the left, y to the back, z to the head, in mm, with the middle of the heart's base
near the origin.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

MIDDLE = np.array([0.0, 12.0, 0.0])
SIGNAL = {
    "fat": 0.95,
    "muscle": 0.30,
    "lung": 0.07,
    "liver": 0.34,
    "stomach": 0.55,
    "marrow": 0.42,
    "vessel": 0.85,
    "air": 0.0,
}


@dataclass(frozen=True)
class Torso:
    """Half widths to the side and to the back, thickness of the fat, and height of the diaphragm."""

    side: float
    back: float
    fat: float
    diaphragm: float = 0.0

    def resting(self, point: np.ndarray) -> Self:
        """The same body with the diaphragm just below a point (3,) in LPS mm."""
        x, y, z = point - MIDDLE
        return replace(self, diaphragm=self.diaphragm + float(z - self._dome(x, y)))

    def signal(self, points: np.ndarray) -> np.ndarray:
        """bSSFP-like signal (...) at points (..., 3) in LPS mm; blood has about 1."""
        x, y, z = np.moveaxis(points - MIDDLE, -1, 0)
        outside = np.hypot(x / self.side, y / self.back)
        depth = (1 - outside) * self.back
        cavity = self._cavity(x, y)
        signal = np.where(depth > self.fat, SIGNAL["muscle"], SIGNAL["fat"])
        signal = np.where(self._rib(x, y, z, depth), SIGNAL["marrow"], signal)
        inside = cavity < 1
        signal = np.where(inside, SIGNAL["lung"] * self._vessels(x, y, z), signal)
        signal = np.where(inside & (cavity > 0.965), SIGNAL["fat"] * 0.8, signal)
        signal = self._abdomen(signal, inside, x, y, z)
        signal = self._back(signal, x, y)
        return np.where(depth > 0, signal, SIGNAL["air"])

    def _cavity(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Below 1 inside the ribs."""
        return np.hypot(x / (self.side - self.fat - 16), y / (self.back - self.fat - 16))

    def _dome(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Height of the diaphragm."""
        return self.diaphragm + 16 * np.exp(-(((x + 60) / 55) ** 2)) - 70 * self._cavity(x, y) ** 6 - 0.12 * (y - 10)

    def _rib(self, x: np.ndarray, y: np.ndarray, z: np.ndarray, depth: np.ndarray) -> np.ndarray:
        middle = np.abs(depth - self.fat - 9) < 4.5
        return middle & (np.cos(2 * np.pi * (z + 0.35 * y + 0.1 * x) / 30) > 0.35)

    def _vessels(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Bright dots in the lungs."""
        waves = np.sin(0.31 * x + 1.3 * np.sin(0.11 * z)) * np.sin(0.29 * y + np.sin(0.13 * x)) * np.sin(0.27 * z + 0.7)
        return 1 + 5 * np.clip(waves - 0.72, 0, 1) / 0.28

    def _abdomen(
        self, signal: np.ndarray, inside: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray
    ) -> np.ndarray:
        dome = self._dome(x, y)
        below = inside & (z < dome)
        vein = np.sin(0.12 * x + 0.1 * z) * np.sin(0.14 * y - 0.05 * z) > 0.93
        liver = np.where(vein, 0.5, SIGNAL["liver"])
        signal = np.where(below, np.where(x < 48 + 0.3 * (z - dome), liver, SIGNAL["fat"] * 0.75), signal)
        signal = np.where(below & (z > dome - 3.5), SIGNAL["muscle"], signal)
        wall, food = (_within(x, y, z - dome, (78, 8, -42), r) for r in ((38, 46, 34), (33, 41, 29)))
        signal = np.where(below & wall, SIGNAL["muscle"], signal)
        signal = np.where(below & food, np.where(y < -5, SIGNAL["air"] + 0.03, SIGNAL["stomach"]), signal)
        return np.where(below & _within(x, y, z - dome, (95, 62, -40), (24, 30, 36)), 0.45, signal)

    def _back(self, signal: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Spine with its canal and the descending aorta beside it."""
        spine = self.back - self.fat - 38
        signal = np.where(np.hypot(x, y - spine) < 24, SIGNAL["muscle"], signal)
        signal = np.where(np.hypot(x / 1.2, y - spine + 3) < 16, SIGNAL["marrow"], signal)
        signal = np.where(np.hypot(x, y - spine - 19) < 7, SIGNAL["vessel"], signal)
        return np.where(np.hypot(x - 24, y - spine + 20) < 11, SIGNAL["vessel"], signal)

    def coil(self, points: np.ndarray) -> np.ndarray:
        """Sensitivity (...) at points (..., 3) in LPS mm of the surface coils on the chest and, weaker, on the back."""
        x, y, _ = np.moveaxis(points - MIDDLE, -1, 0)
        front, behind = np.hypot((x - 40) / 1.6, y + self.back), np.hypot(x / 1.6, y - self.back)
        return 0.45 + 1.1 * np.exp(-front / 55) + 0.7 * np.exp(-behind / 55)


def _within(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, centre: tuple[float, float, float], radii: tuple[float, float, float]
) -> np.ndarray:
    return sum(((v - c) / r) ** 2 for v, c, r in zip((x, y, z), centre, radii, strict=True)) < 1
