"""Calcium of the cells of an anatomy: which kind of cell is where, and when it is activated."""

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import ionic
from ..contraction import INTACT, Calcium, Land, Troponin, transient
from ..electrophysiology import block
from ..parameters import Electrophysiology

Array = NDArray[np.float64]


def calcium(
    anatomy: xr.Dataset,
    parameters: Electrophysiology,
    cycle: float,
    activation: Array,
    law: Land = INTACT,
    stretch: float = 1.0,
) -> Calcium:
    """Of the anatomy's cells, paced at a ``cycle`` in ms and activated at ``activation`` (cell,) in ms, under the drugs
    of the study, with the troponin of the ``law`` at a ``stretch`` where it has any.
    Raises Quarantined: no-calcium, calcium-unsteady."""
    depth = anatomy["depth"].values[anatomy["cells"].values].mean(axis=1)
    kind = np.searchsorted([end for end, _ in parameters.layers], depth)
    courses = [course(name, parameters, cycle, law, stretch) for name in parameters.kinds]
    return Calcium(np.array(courses), cycle, kind, activation)


def course(name: str, parameters: Electrophysiology, cycle: float, law: Land = INTACT, stretch: float = 1.0) -> Array:
    """Calcium (sample,) in µM of a kind of cell, as ``transient`` has it."""
    cell, values, troponin = paced(name, parameters, cycle, law, stretch)
    return transient(cell, values, cycle, troponin=troponin)


class Paced(NamedTuple):
    """A cell with its values, the stimulus among them, and the troponin of the law where it takes that of the cell."""

    cell: ionic.CellModel
    values: Array
    troponin: Troponin | None


def paced(name: str, parameters: Electrophysiology, cycle: float, law: Land = INTACT, stretch: float = 1.0) -> Paced:
    """A kind of cell under the drugs of the study, paced at a ``cycle`` in ms and held at a ``stretch``."""
    cell = ionic.load(name)
    left = block.left(cell, parameters.drugs) if parameters.drugs else {}
    changed = {key: share * cell.parameters[key] for key, share in left.items()}
    troponin = Troponin.of(cell, law, stretch) if law.buffers else None
    if troponin:
        changed |= troponin.replaced
    return Paced(cell, cell.values(**cell.stimulus(start=0.0, period=cycle), **changed), troponin)
