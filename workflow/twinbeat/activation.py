"""Active tension over time: a smooth twitch, and curves that follow the local activation."""

import numpy as np
from scipy.interpolate import PchipInterpolator

RISE, FALL = 1.9, 21.9  # Hill exponents of Stergiopulos et al. 1996, table 1


def twitch(since: np.ndarray, rise: float, fall: float) -> np.ndarray:
    """Double-Hill twitch (Stergiopulos et al. 1996, doi 10.1152/ajpheart.1996.270.6.H2050, eq. 2), largest value 1.

    ``since`` is the time since activation in ms (any shape, zero before it), ``rise`` and ``fall`` the times in ms at
    which the two Hill functions are one half.
    """
    grid = np.linspace(0, 2 * fall, 2001)
    return _hills(np.asarray(since, float), rise, fall) / _hills(grid, rise, fall).max()


def _hills(since: np.ndarray, rise: float, fall: float) -> np.ndarray:
    up = (np.maximum(since, 0) / rise) ** RISE
    return up / (1 + up) / (1 + (np.maximum(since, 0) / fall) ** FALL)


class Curve:
    """A periodic tension curve through samples, monotone between them.

    ``time`` (sample,) in ms increases within one ``cycle``; ``tension`` (sample,) in kPa.
    """

    def __init__(self, time: np.ndarray, tension: np.ndarray, cycle: float) -> None:
        self.time, self.tension, self.cycle = np.asarray(time, float), np.asarray(tension, float), float(cycle)
        wrapped = np.concatenate([self.time - self.cycle, self.time, self.time + self.cycle])
        self._spline = PchipInterpolator(wrapped, np.tile(self.tension, 3))

    def __call__(self, time: np.ndarray | float) -> np.ndarray:
        """Tension in kPa at times in ms (any shape)."""
        start = self.time[0]
        return self._spline((np.asarray(time, float) - start) % self.cycle + start)


def systole(rate: float) -> float:
    """Duration in ms from the start of the QRS complex to the closure of the aortic valve at a heart rate in 1/min.

    The mean of the two regressions, 541 - 2.2 HR and 540 - 2.0 HR, of 20 men and 20 women at rest (Boudoulas et al.
    1981, doi 10.1378/chest.80.5.613).
    """
    return 540.5 - 2.1 * rate


def lasting(cycle: float, usual: float) -> float:
    """How many times as long ``systole`` is at a cycle as at the ``usual`` one, both in ms."""
    return systole(60000 / cycle) / systole(60000 / usual)


def paced(curve: Curve, cycle: float) -> Curve:
    """The curve at another ``cycle`` in ms: its twitch lasts longer or shorter as systole does.

    The twitch, between the last times of least tension before its peak and before the next one, is stretched about
    the R wave and repeated; where it meets the next one the larger counts.
    """
    share = lasting(cycle, curve.cycle)
    fine = np.arange(4 * len(curve.time)) * curve.cycle / (4 * len(curve.time))
    tension = curve(fine)
    least = fine[tension <= tension.min() + 1e-3 * np.ptp(tension)]
    end = np.where(least < fine[tension.argmax()], least + curve.cycle, least).max()
    time = fine * cycle / curve.cycle
    since = (time + cycle * np.arange(-2, 3)[:, None]) / share
    within = (since >= end - curve.cycle) & (since < end)
    return Curve(time, np.where(within, curve(since), curve(end)).max(axis=0), cycle)


def local_curve(curve: Curve, activation: np.ndarray, weight: np.ndarray, rounds: int = 5) -> Curve:
    """The curve c for which the mean over the muscle of c(t - delay) is ``curve``, delay being ``delays(...)``.

    ``activation`` and ``weight`` (point,): ms and volume. Delays blur; Van Cittert's iteration undoes it (tension stays
    above zero, so the mean is met but for what no positive curve can meet).
    """
    local, late = curve, delays(activation, weight)
    for _ in range(rounds):
        mean = mean_curve(local, late, weight).tension
        local = Curve(curve.time, np.maximum(local.tension + curve.tension - mean, 0), curve.cycle)
    return local


def mean_curve(local: Curve, late: np.ndarray, weight: np.ndarray) -> Curve:
    """The mean over the muscle of a local curve that comes ``late`` (point,), in ms, with ``weight`` (point,)."""
    lags, shares = _histogram(late, weight)
    mean = sum(share * local(local.time - lag) for lag, share in zip(lags, shares, strict=True))
    return Curve(local.time, mean, local.cycle)


def delays(activation: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Activation (point,) in ms relative to its mean with ``weight`` (point,)."""
    return activation - np.average(activation, weights=weight)


def _histogram(lags: np.ndarray, weight: np.ndarray, bins: int = 21) -> tuple[np.ndarray, np.ndarray]:
    shares, edges = np.histogram(lags, bins, weights=weight)
    return (edges[1:] + edges[:-1]) / 2, shares / shares.sum()
