"""A compiled cell model."""

import ctypes
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from .compiler import kernel

TENTUSSCHER_PANFILOV_2006_EPI = "tentusscher_panfilov_2006_epi"


@dataclass(frozen=True)
class CellModel:
    """A cell model that advances many cells at once; units are mV, ms, mM and pA/pF.

    ``states`` and ``parameters`` map names to default values, in the order of the kernel's arrays.
    """

    name: str
    states: dict[str, float]
    parameters: dict[str, float]
    library: Path
    _advance: ctypes._CFuncPtr = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        function = ctypes.CDLL(str(self.library)).advance
        pointer, real = ctypes.c_void_p, ctypes.c_double
        function.argtypes = [ctypes.c_long, ctypes.c_long, real, real, pointer, pointer]
        function.restype = None
        object.__setattr__(self, "_advance", function)

    @property
    def voltage(self) -> int:
        """Row of the transmembrane potential in the states."""
        return list(self.states).index("V")

    def initial(self, cells: int) -> np.ndarray:
        """Initial states (state, cell)."""
        return np.repeat(np.array(list(self.states.values()))[:, None], cells, axis=1)

    def values(self, **changed: float) -> np.ndarray:
        """Parameters (parameter,) with some of them changed; KeyError for a name that the model does not have."""
        unknown = set(changed) - set(self.parameters)
        if unknown:
            raise KeyError(f"{self.name} has no parameter {', '.join(sorted(unknown))}")
        return np.array(list((self.parameters | changed).values()))

    def advance(self, states: np.ndarray, parameters: np.ndarray, time: float, step: float, steps: int = 1) -> None:
        """Advance ``states`` (state, cell) in place by ``steps`` generalised Rush-Larsen steps of ``step`` ms."""
        cells = states.shape[1]
        for array, shape in ((states, (len(self.states), cells)), (parameters, (len(self.parameters),))):
            if array.shape != shape or array.dtype != np.float64 or not array.flags.c_contiguous:
                raise ValueError(
                    f"{self.name}: expected a contiguous float64 array {shape}, got {array.dtype} {array.shape}"
                )
        self._advance(cells, steps, time, step, parameters.ctypes.data, states.ctypes.data)


@cache
def load(name: str = TENTUSSCHER_PANFILOV_2006_EPI) -> CellModel:
    """The cell model of ``{name}.ode`` beside this module, compiled if it has not been yet."""
    library, defaults = kernel(Path(__file__).parent / f"{name}.ode")
    return CellModel(name, defaults["states"], defaults["parameters"], library)
