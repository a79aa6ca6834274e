"""What the twin would do with something changed, where cells drive its muscle.

Muscle keeps the scale of tension that the twin was found to have, the circulation its resistance, compliance and blood;
cells are paced with what is changed about them, drugs and heart rate included, and activated when the changed wave
comes. With another heart rate the systole of the right ventricle is that of ``whatif``.
"""

from pathlib import Path

import numpy as np
import xarray as xr
from mpi4py import MPI

from .. import beat
from ..activation import Curve, paced
from ..circulation import STARLING, Pump
from ..parameters import Beat, Electrophysiology, Mechanics, WhatIf
from ..units import KPA_PER_MMHG
from .heart import CellHeart, marched, muscle_of


def vary(
    stores: dict[str, xr.Dataset],
    changed: xr.Dataset,
    run: WhatIf,
    settings: Beat,
    mechanics: Mechanics,
    comm: MPI.Comm,
    checkpoint: Path | None = None,
    *,
    electrophysiology: Electrophysiology,
) -> xr.Dataset:
    """The periodic beat with what ``run`` changes, as VARIABLES["beat"] has it (displacements on rank 0 only).

    ``stores`` are anatomy, posterior, activation, beat (driven by cells too) and targets of the twin, ``changed``
    is the changed activation, ``electrophysiology`` that of the run; ``checkpoint`` is as in ``beat.run``.
    Raises what ``simulate`` raises.
    """
    anatomy, posterior, usual = (stores[name] for name in ("anatomy", "posterior", "beat"))
    own = float(stores["targets"].cycle)
    cycle = run.cycle(own)
    filling = float(posterior.pressure[int(stores["targets"].end_diastole)])
    heart = CellHeart(anatomy, posterior, filling, mechanics, comm)
    heart.ventricle.stiffness.value *= run.stiffness
    mean = np.average(beat.of_cells(anatomy, stores["activation"]), weights=beat.healthy(anatomy, posterior))
    late = beat.of_cells(anatomy, changed) - mean
    muscle = muscle_of(anatomy, posterior, late, electrophysiology, cycle, settings)
    heart.drive(muscle, settings, usual.attrs["tension_scale"] * run.tension)
    pump = usual_pump(posterior, usual, heart.unloaded_volume(), own, cycle).stiffened(run.stiffness)
    return marched(heart, pump, beat.going_on(pump, usual, own, run), settings, checkpoint)


def usual_pump(posterior: xr.Dataset, usual: xr.Dataset, unloaded: float, own: float, cycle: float) -> Pump:
    """The closed form that shows the beat of the twin, whose cycle is ``own`` (ms), or its twitch in another cycle."""
    curve = Curve(usual.time.values, usual.tension.values, own)
    if cycle != own:
        return beat.learned(posterior, unloaded, paced(curve, cycle))
    columns = usual.volume.values, usual.tension.values, usual.pressure.values / KPA_PER_MMHG
    return beat.learned(posterior, unloaded, curve).following(usual.time.values / 1000, *columns, STARLING)
