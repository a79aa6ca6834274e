"""The monodomain equation on a GPU, from the same tissue, cells and stimuli as on the CPU (``monodomain``)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import device
from ..device.gpu import Machine
from .assembly import Array, Discretisation
from .diffusion import fastest, stages
from .monodomain import STORAGE, rate
from .mosaic import Passive, Patch
from .propagation import REPOLARISED, SAMPLING, TAIL, Stimulus, Train, Wave


def plan(
    tissue: Discretisation,
    patches: list[Patch],
    time_step: float,
    source: Stimulus | Train,
    variation: Array | None = None,
) -> device.Plan:
    """What the device is given: patches of cells and of passive membranes, which cover the tissue.

    The cells of an ensemble have their varied parameters in ``variation`` (parameter, member).
    """
    matrix, beats = rate(tissue), Train(((0.0, source),)) if isinstance(source, Stimulus) else source
    size = len(tissue.mass)
    return device.Plan(
        rate=device.sliced(matrix),
        size=size,
        time_step=time_step,
        stages=stages(time_step * fastest(matrix)),
        cells=tuple(_cells(one, time_step, size, variation) for one in patches if not isinstance(one.cell, Passive)),
        pulses=tuple(_pulse(*beat) for beat in beats.stimuli),
        leaks=tuple(_leak(one, time_step) for one in patches if isinstance(one.cell, Passive)),
        members=1 if variation is None else variation.shape[1],
    )


def _cells(patch: Patch, time_step: float, size: int, variation: Array | None) -> device.Cells:
    cell = patch.cell
    return device.Cells(
        source=cell.cuda(patch.parameters, time_step),
        table=cell.cuda_table(patch.parameters, time_step),
        states=cell.initial(1)[:, 0],
        voltage=cell.voltage,
        nodes=None if len(patch.nodes) == size else patch.nodes.astype(np.int32),
        varied=np.zeros((0, 1)) if variation is None else variation,
    )


def _leak(patch: Patch, time_step: float) -> device.Leak:
    return device.Leak(patch.cell.rest, patch.cell.share(time_step), patch.nodes.astype(np.int32))


def _pulse(since: float, stimulus: Stimulus) -> device.Pulse:
    return device.Pulse(since, stimulus.start, stimulus.density / STORAGE, stimulus.duration)


def conduct(
    machine: Machine,
    given: device.Plan,
    since: float,
    duration: float,
    interval: float,
    watched: NDArray[np.bool_],
    repolarised: bool = False,
    field: Array | None = None,
) -> Wave:
    """The wave on a machine from ``since`` ms on, until all ``watched`` (point,) are activated, or ``repolarised``, as
    a lead ``field`` (electrode, point) sees it. All else is as in ``propagate``."""
    medium = device.Medium(machine, given)
    medium.run(since)
    leads = None if field is None else (_electrodes(machine.xp.asarray(field)), SAMPLING, TAIL)
    lost = REPOLARISED if repolarised else None
    return Wave(*device.propagate(medium, duration, interval, watched, lost, leads))


def _electrodes(field: Any) -> Callable[[Any], Any]:
    return lambda voltage: (field * voltage).sum(axis=1)
