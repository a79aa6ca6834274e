"""What the calibrated twin would do, paced otherwise or with other muscle, vessels, blood or heart rate.

Muscle keeps the twitch that it has in the calibrated beat: cells contract with it from their changed activation on. The
circulation keeps the resistance, compliance and blood to which it was fitted, but for the factors, and finds its new
limit cycle; nothing is fitted again. With another heart rate the systoles of both ventricles last as those of healthy
people at rest do, relative to the twin's own.
"""

from pathlib import Path

import numpy as np
import xarray as xr
from mpi4py import MPI

from . import beat, circulation
from .activation import Curve, local_curve, mean_curve, paced
from .assessment import JOULE_PER_MMHG_ML, ejection_fraction, loop_area
from .parameters import Beat, Mechanics, WhatIf
from .units import KPA_PER_MMHG

ECG = {"qrs_duration": "QRS duration (ms)", "qt_interval": "QT interval (ms)"}


def simulate(
    stores: dict[str, xr.Dataset],
    changed: xr.Dataset,
    run: WhatIf,
    settings: Beat,
    mechanics: Mechanics,
    comm: MPI.Comm,
    checkpoint: Path | None = None,
) -> xr.Dataset:
    """The periodic beat with what ``run`` changes, as VARIABLES["beat"] has it (displacements on rank 0 only).

    ``stores`` are anatomy, posterior, activation, beat and targets of the twin, ``changed`` the changed activation;
    ``checkpoint`` is as in ``beat.run``.
    Raises Quarantined: beat-unsteady, circulation-unsteady, mechanics-diverged.
    """
    anatomy, posterior, usual = (stores[name] for name in ("anatomy", "posterior", "beat"))
    own = float(stores["targets"].cycle)
    cycle = run.cycle(own)
    filling = float(posterior.pressure[int(stores["targets"].end_diastole)])
    heart = beat.Heart(anatomy, posterior, filling, mechanics, comm)
    heart.ventricle.stiffness.value *= run.stiffness
    muscle = beat.healthy(anatomy, posterior)
    local, late = twitches(stores, changed, run.tension, muscle)
    if cycle != own:
        local = paced(local, cycle)
    heart.contract(local, late)
    mean = mean_curve(local, late, muscle)
    pump = beat.learned(posterior, heart.unloaded_volume(), mean).stiffened(run.stiffness)
    return beat.run(heart, pump, beat.going_on(pump, usual, own, run), mean, settings, checkpoint)


def twitches(
    stores: dict[str, xr.Dataset], changed: xr.Dataset, tension: float, muscle: np.ndarray
) -> tuple[Curve, np.ndarray]:
    """The local curve of the calibrated beat, times a factor, and how late (cell,) in ms each cell is in the changed
    one: the curve's time is that of the mean cell in the calibrated beat. ``muscle`` (cell,) is what contracts."""
    anatomy, posterior = stores["anatomy"], stores["posterior"]
    curve = Curve(posterior.time.values, tension * posterior.tension.values, float(stores["targets"].cycle))
    usual = beat.of_cells(anatomy, stores["activation"])
    late = beat.of_cells(anatomy, changed) - np.average(usual, weights=muscle)
    return local_curve(curve, usual, muscle), late


def compare(usual: dict[str, xr.Dataset], changed: dict[str, xr.Dataset]) -> xr.Dataset:
    """The variables ``changes``, of the stores activation and beat of the twin and of the changed one."""
    before, after = (figures(**stores) for stores in (usual, changed))
    both = [name for name in before if name in after]
    columns = {"baseline": before, "changed": after}
    data = {name: ("quantity", np.array([column[quantity] for quantity in both])) for name, column in columns.items()}
    return xr.Dataset(data, {"quantity": np.array(both, dtype=str)})


def figures(activation: xr.Dataset, beat: xr.Dataset) -> dict[str, float]:
    """What a beat shows, by the name and unit of each quantity; the rise is that of the heart's own pressures, not of
    the closed form between them, which may jump."""
    volume, pressure, arteries = (beat[name].values for name in ("volume", "pressure", "aortic_pressure"))
    shortening = -beat.fiber_strain.transpose("segment", "time").values
    present = shortening[(shortening != 0).any(axis=1)]
    pressure, arteries = pressure / KPA_PER_MMHG, arteries / KPA_PER_MMHG
    rate, ejected = 60000 / beat.attrs["cycle"], closure(beat.time.values, pressure - arteries)
    return {
        "heart rate (beat/min)": rate,
        "end of ejection (ms)": ejected,
        "diastole (ms)": beat.attrs["cycle"] - ejected,
        "end-diastolic volume (mL)": float(volume.max()),
        "end-systolic volume (mL)": float(volume.min()),
        "stroke volume (mL)": float(np.ptp(volume)),
        "ejection fraction (%)": ejection_fraction(volume),
        "cardiac output (L/min)": rate * float(np.ptp(volume)) / 1000,
        "filling pressure (mmHg)": circulation.filling(volume, pressure),
        "largest LV pressure (mmHg)": float(pressure.max()),
        "largest pressure rise (mmHg/s)": 1000 * float(np.gradient(pressure, beat.time.values).max()),
        "mean arterial pressure (mmHg)": float(arteries.mean()),
        "stroke work (J)": loop_area(volume, pressure) * JOULE_PER_MMHG_ML,
        "first to last activation (ms)": float(np.ptp(activation.activation.values)),
        **{words: float(activation[name]) for name, words in ECG.items() if name in activation},
        "largest fibre shortening, mean of segments (%)": 100 * float(present.max(axis=1).mean()),
        "spread of its times over segments (ms, s.d.)": float(beat.time.values[present.argmax(axis=1)].std()),
    }


def closure(time: np.ndarray, drop: np.ndarray) -> float:
    """When the aortic valve closes, in ms: when the pressure across it (time,) first falls below zero after its
    largest value."""
    most = int(drop.argmax())
    after = most + int((drop[most:] < 0).argmax())
    before = max(after - 1, most)
    return float(np.interp(0.0, drop[[after, before]], time[[after, before]]))
