"""Measured strains as targets: curves of segments, brought to the frames of the image and to end-diastole."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..intake.strain import Curve


def targets(
    found: Sequence[Curve], segments: np.ndarray, times: np.ndarray, cycle: float, rest: int, sigma: float
) -> dict[str, tuple]:
    """The variables of ``targets`` for curves at frames (time,) in ms, of which ``rest`` is end-diastole.

    ``segments`` (cell,) are those of the mesh: one that it lacks is not seen. Strains without a standard deviation have
    ``sigma``.
    """
    if not found:
        return {}
    at = [_at(curve, times, cycle) for curve in found]
    values, seen = (np.array(part) for part in zip(*at, strict=True))
    before = np.where(seen[:, [rest]], values[:, [rest]], 0.0)
    present = np.isin([curve.segment for curve in found], segments)
    spread = [sigma if curve.sigma is None else _interpolated(curve, curve.sigma, times, cycle) for curve in found]
    return {
        "strain": (("curve", "time"), (1 + values) / (1 + before) - 1),
        "strain_sigma": (("curve", "time"), np.array([np.broadcast_to(one, len(times)) for one in spread])),
        "strain_seen": (("curve", "time"), seen & present[:, None]),
        "strain_direction": (("curve",), [curve.direction for curve in found]),
        "strain_segment": (("curve",), np.array([curve.segment for curve in found])),
    }


def _at(curve: Curve, times: np.ndarray, cycle: float) -> tuple[np.ndarray, np.ndarray]:
    """Strain (time,) and whether it was measured: within half a frame of the image, or before and after the frame, no
    more than two frames apart."""
    frame, measured = cycle / len(times), np.sort(curve.times % cycle)
    away = np.abs((measured[None] - times[:, None] + cycle / 2) % cycle - cycle / 2).min(axis=1)
    after = np.searchsorted(measured, times % cycle) % len(measured)
    gap = (measured[after] - measured[after - 1]) % cycle if len(measured) > 1 else cycle
    return _interpolated(curve, curve.strain, times, cycle), (away <= frame / 2) | (gap <= 2 * frame)


def _interpolated(curve: Curve, values: np.ndarray, times: np.ndarray, cycle: float) -> np.ndarray:
    return np.interp(times, curve.times, values, period=cycle)


def observed(found: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Strains and standard deviations (curve, time) for the likelihood, of which unseen ones are infinite.

    What is off in a curve (through-plane motion, the tracked border) is off in every frame: all together count as one.
    """
    seen = found["strain_seen"].values
    together = np.sqrt(seen.sum(axis=1, keepdims=True)) * found["strain_sigma"].values
    return found["strain"].values, np.where(seen, together, np.inf)
