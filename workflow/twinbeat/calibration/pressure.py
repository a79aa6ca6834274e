"""Cavity pressure at the frames: from a measured trace, else from a template that follows the volume's events."""

import numpy as np
from scipy.interpolate import PchipInterpolator

from ..intake.clinical import Clinical, Trace
from ..parameters import Calibration
from ..units import KPA_PER_MMHG

OPENING = 0.05  # share of the stroke volume gone when the aortic valve is open
PEAK = 0.6  # of the ejection's time
CLOSING = 0.8  # of the systolic pressure
RELAXATION = 80.0  # ms from end-systole to the lowest pressure
SMOOTHING = 12.0  # ms


def at(
    clinical: Clinical, times: np.ndarray, cycle: float, volume: np.ndarray, rest: int, calibration: Calibration
) -> tuple[np.ndarray, np.ndarray]:
    """Pressure and its standard deviation (time,) in kPa.

    At end-diastole (frame ``rest``) the clinical figure counts too, beside a trace by inverse variance, else alone.
    """
    known = clinical.lv_end_diastolic_pressure
    if clinical.lv_pressure is None:
        values = template(clinical, times, cycle, volume, rest)
        sigmas = np.hypot(calibration.template_sigma * values, known.sigma)
        values[rest], sigmas[rest] = known.value, known.sigma
        return values, sigmas
    values, sigmas = smoothed(clinical.lv_pressure, times, cycle, SMOOTHING)
    weights = np.array([sigmas[rest], known.sigma]) ** -2
    values[rest] = weights @ [values[rest], known.value] / weights.sum()
    sigmas[rest] = weights.sum() ** -0.5
    return values, sigmas


def smoothed(trace: Trace, times: np.ndarray, cycle: float, width: float) -> tuple[np.ndarray, np.ndarray]:
    """A periodic trace at these times (time,) and its standard deviation, kPa, by local cubic regression.

    The kernel is Gaussian with ``width`` ms as standard deviation; where samples are sparse, wider. Cubics follow the
    fall of the pressure into diastole, which lines would lift by several standard deviations.
    """
    samples, pressure = np.array(trace.time), np.array(trace.pressure)
    off = (samples[None] - times[:, None] + cycle / 2) % cycle - cycle / 2
    fourth = np.sort(np.abs(off), axis=1)[:, 3:4]
    root = np.exp(-0.25 * (off / np.maximum(width, fourth / 2)) ** 2)
    powers = (off[..., None] / width) ** np.arange(4)
    shares = np.linalg.pinv(root[..., None] * powers)[:, 0] * root
    return shares @ pressure, trace.sigma * np.sqrt((shares**2).sum(axis=1))


def template(clinical: Clinical, times: np.ndarray, cycle: float, volume: np.ndarray, rest: int) -> np.ndarray:
    """Pressure (time,) in kPa through the points that end-diastolic, diastolic and systolic pressures fix.

    Times are those of the volume curve: end-diastole, opening of the valve, end-systole. Relaxed muscle follows the
    end-diastolic pressure-volume relation of the population.
    """
    since = (times - times[rest]) % cycle
    order = np.argsort(since)
    end_systole = float(since[volume.argmin()])
    opened = volume[rest] - volume[order] > OPENING * (volume[rest] - volume.min())
    opening = min(max(float(since[order][opened.argmax()]), 0.3 * RELAXATION), 0.5 * end_systole)
    filled, high = clinical.lv_end_diastolic_pressure.value, clinical.systolic.value
    relaxed = min(end_systole + RELAXATION, 0.9 * cycle)
    peak = opening + PEAK * (end_systole - opening)
    passive = klotz(volume, volume[rest], filled)
    lowest = float(np.interp(relaxed, since[order], passive[order], period=cycle))
    knots = [0.0, opening, peak, end_systole, relaxed]
    curve = [filled, clinical.diastolic.value, high, CLOSING * high, lowest]
    return np.where(since < relaxed, PchipInterpolator(knots, curve)(since), passive)


def klotz(volume: np.ndarray, filled: float, pressure: float) -> np.ndarray:
    """Pressure (time,) in kPa of the relaxed ventricle at volumes (time,) in mL, from the one in kPa at ``filled`` mL.

    Klotz et al. 2006 (doi 10.1152/ajpheart.01240.2005), eqs. 5 to 8: P = 27.78 mmHg ((V - V0) / (V30 - V0))^2.76.
    """
    known = pressure / KPA_PER_MMHG
    empty = filled * (0.6 - 0.006 * known)
    span = (filled - empty) / (known / 27.78) ** (1 / 2.76)
    return KPA_PER_MMHG * 27.78 * (np.maximum(volume - empty, 0) / span) ** 2.76
