"""What the beat does back: activation in the muscle that moves, and calcium of cells whose membranes it stretches.

The wave is quick beside the beat, and the beat repeats itself. So each beat of the heart is followed by the wave
through the motion that it had, and by some beats of the cells under their stretch; the next beat has their activation
and calcium. That is a fixed point over whole beats (a waveform relaxation). It costs few beats more: the heart goes
through several in any case until circulation and tension are steady.
"""

import logging
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from .. import beat, electrophysiology
from ..activation import delays
from ..circulation import Renewed
from ..contraction import Calcium
from ..electrophysiology import Motion
from ..electrophysiology.motion import gradients
from ..electrophysiology.substrate import Labels
from ..parameters import Electrophysiology, Fibers
from .heart import CellHeart
from .stretched import Stretched

LATE, CALCIUM = 100.0, 1.0  # ms and µM that count as much as 100 mL or mmHg of the circulation
log = logging.getLogger("twinbeat")


@dataclass(frozen=True)
class Electrics:
    """What activates a heart: ``parameters``, with the twin's own velocities, angles of its fibres, and its scar."""

    parameters: Electrophysiology
    angles: Fibers
    scar: Labels | None = None


class Feedback:
    """Of the beats of a twin, whose ``activation`` is that of a heart that does not move."""

    def __init__(
        self, electrics: Electrics, anatomy: xr.Dataset, posterior: xr.Dataset, activation: xr.Dataset
    ) -> None:
        self.electrics, self.anatomy = electrics, anatomy
        self._muscle = beat.healthy(anatomy, posterior)
        self._early = beat.of_cells(anatomy, activation)

    def __call__(self, heart: CellHeart) -> Renewed:
        """What renews a heart after each beat."""
        self.heart, parameters = heart, self.electrics.parameters
        has_channels = parameters.feedback.conductance > 0
        muscle = heart.cells.muscle
        cells = self.anatomy, heart.calcium.kind, parameters, muscle.cycle, muscle.law, muscle.unloaded
        self._cells = Stretched(*cells) if has_channels else None
        return self._renew

    def wave(self, **changed: str) -> xr.Dataset:
        """The variables of ``activation`` in the motion of the last beat, with some parameters ``changed``.

        Raises what ``electrophysiology.activate`` raises.
        """
        parameters = self.electrics.parameters.model_copy(update=changed)
        comm, scar = self.heart.ventricle.comm, self.electrics.scar
        return electrophysiology.activate(self.anatomy, parameters, self.electrics.angles, scar, comm, self._motion)

    def _renew(self) -> float:
        comm, self._motion = self.heart.ventricle.comm, self._last_motion()
        self._early = beat.of_cells(self.anatomy, self.wave(until="activation"))
        found = replace(self.heart.calcium, activation=delays(self._early, self._muscle))
        if self._cells:
            course = self._cells.beat(self._motion, self._early) if comm.rank == 0 else None
            found = replace(found, course=comm.bcast(course), kind=np.arange(len(self._early)))
        return self._replaced(found)

    def _replaced(self, found: Calcium) -> float:
        """Let the heart go on with this calcium, and say how much changed."""
        last = self.heart.calcium
        self.heart.renew(found)
        late = float(np.abs(found.activation - last.activation).max())
        calcium = float(np.abs(found.course[found.kind] - last.course[last.kind]).max())
        log.info("feedback: activation changed by at most %.2f ms, calcium by %.3f µM", late, calcium)
        return max(late / LATE, calcium / CALCIUM)

    def _last_motion(self) -> Motion:
        """Of the last beat; time 0 of the beat is when the mean cell is activated."""
        heart, found = self.heart, None
        origin, unloaded = float(np.average(self._early, weights=self._muscle)), heart.unloaded()
        if unloaded is not None:
            time = np.array(sorted(heart.displacement))
            moved = np.stack([heart.displacement[float(t)] for t in time])
            points, cells = (self.anatomy[name].values for name in ("points", "cells"))
            slopes = (gradients(points, cells, one) for one in (moved, unloaded))
            found = Motion(time, *slopes, heart.cells.muscle.cycle, origin)
        return heart.ventricle.comm.bcast(found)
