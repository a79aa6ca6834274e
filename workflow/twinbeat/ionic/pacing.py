"""One paced cell: its action potential and how long that lasts."""

import numpy as np

from .model import CellModel


def pace(
    cell: CellModel, cycle: float, beats: int, step: float = 0.02, sampling: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """Times (ms after the stimulus starts) and voltage (mV) of the last of ``beats`` at a cycle length in ms.

    The stimulus is the model's own, moved to the start of each beat.
    """
    states, parameters = cell.initial(1), cell.values(**cell.stimulus(start=0.0, period=cycle))
    every = round(sampling / step)
    cell.advance(states, parameters, 0.0, step, steps=round((beats - 1) * cycle / step))
    times, voltage = np.arange(0.0, cycle, sampling), []
    for time in times:
        voltage.append(states[cell.voltage, 0])
        cell.advance(states, parameters, (beats - 1) * cycle + time, step, steps=every)
    return times, np.array(voltage)


def duration(times: np.ndarray, voltage: np.ndarray, repolarised: float = 0.9) -> float:
    """Action potential duration in ms, from the steepest upstroke to the given share of repolarisation.

    The amplitude is the peak above the voltage at the start of the beat; crossings are interpolated linearly.
    """
    upstroke = times[np.argmax(np.diff(voltage))]
    peak = int(np.argmax(voltage))
    level = voltage[peak] - repolarised * (voltage[peak] - voltage[0])
    below = peak + int(np.argmax(voltage[peak:] < level))
    share = (voltage[below - 1] - level) / (voltage[below - 1] - voltage[below])
    return float(times[below - 1] + share * (times[below] - times[below - 1]) - upstroke)
