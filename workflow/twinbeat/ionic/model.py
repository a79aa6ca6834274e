"""A compiled cell model."""

import ctypes
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .compiler import kernel
from .models import MODELS, SINGLE, VOLTAGE

TENTUSSCHER_PANFILOV_2006_EPI = "tentusscher_panfilov_2006_epi"
TABLES = 8  # of a model, for different parameters and steps


@dataclass(frozen=True)
class CellModel:
    """A cell model that advances many cells at once; units are mV, ms, mM and pA/pF.

    ``states``, ``parameters`` and ``varied`` (the parameters that cells have each) map names to default values, in the
    order of the kernel's arrays.
    """

    name: str
    states: dict[str, float]
    parameters: dict[str, float]
    library: Path
    varied: dict[str, float] = field(default_factory=dict)
    _functions: ctypes.CDLL = field(init=False, repr=False, compare=False)
    _table: Callable[[bytes, float], np.ndarray] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        library, pointer, real = ctypes.CDLL(str(self.library)), ctypes.c_void_p, ctypes.c_double
        library.advance.argtypes = [ctypes.c_long, ctypes.c_long, real, real, *4 * [pointer]]
        library.advance.restype = None
        library.tabulate.argtypes = [real, pointer, pointer]
        library.tabulate.restype = None
        library.derive.argtypes = [real, pointer, pointer]
        library.derive.restype = None
        for size in (library.table_size, library.table_rows, library.uniform_size):
            size.restype = ctypes.c_long
        object.__setattr__(self, "_functions", library)
        object.__setattr__(self, "_table", lru_cache(TABLES)(self._tabulate))

    def _tabulate(self, parameters: bytes, step: float) -> np.ndarray:
        """The kernel's functions of the voltage."""
        table = np.zeros(self._functions.table_size())
        self._functions.tabulate(step, parameters, table.ctypes.data)
        return table

    def table(self, parameters: np.ndarray, step: float) -> np.ndarray:
        """The functions of the voltage for parameters (parameter,) and steps of ``step`` ms, (value,) as the kernels
        take them."""
        return self._table(np.ascontiguousarray(parameters, float).tobytes(), step)

    def cuda_table(self, parameters: np.ndarray, step: float) -> np.ndarray:
        """The same (column, entry, 2) as the kernel in CUDA takes it: each entry with the next one."""
        columns = self.table(parameters, step).reshape(self._functions.table_rows(), -1).T
        return np.ascontiguousarray(np.stack([columns[:, :-1], columns[:, 1:]], axis=2))

    def cuda(self, parameters: np.ndarray, step: float) -> str:
        """The source of the kernel in CUDA for these parameters and steps of ``step`` ms."""
        values = np.zeros(self._functions.uniform_size())
        self._functions.derive(step, np.ascontiguousarray(parameters, float).ctypes.data, values.ctypes.data)
        constants = ", ".join(map(repr, values.tolist()))
        return f"#define UNIFORM {{{constants}}}\n{self.library.with_suffix('.cu').read_text()}"

    @property
    def voltage(self) -> int:
        """Row of the transmembrane potential in the states."""
        return list(self.states).index(next(name for name in VOLTAGE if name in self.states))

    def initial(self, cells: int) -> np.ndarray:
        """Initial states (state, cell)."""
        return np.repeat(np.array(list(self.states.values()))[:, None], cells, axis=1)

    def values(self, **changed: float) -> np.ndarray:
        """Parameters (parameter,) with some of them changed; KeyError for a name that the model does not have."""
        self._check(changed, self.parameters)
        return np.array(list((self.parameters | changed).values()))

    def variation(self, cells: int, **changed: npt.ArrayLike) -> np.ndarray:
        """Varied parameters (parameter, cell), some of them changed: a value for each cell, or one for all."""
        self._check(changed, self.varied)
        rows = [np.broadcast_to(np.asarray(value, float), cells) for value in (self.varied | changed).values()]
        return np.array(rows).reshape(-1, cells)

    def _check(self, changed: Iterable[str], known: Iterable[str]) -> None:
        if unknown := set(changed) - set(known):
            raise KeyError(f"{self.name} has no parameter {', '.join(sorted(unknown))}")

    def stimulus(self, **changed: float) -> dict[str, float]:
        """Changes of the model's own stimulus, by ``start``, ``period`` or ``amplitude``, in the model's names."""
        ends = {name.lower().removeprefix("i_"): name for name in self.parameters}
        return {ends[f"stim_{name}"]: value for name, value in changed.items()}

    def unpaced(self) -> np.ndarray:
        """Parameters (parameter,) without the model's own stimulus."""
        return self.values(**self.stimulus(amplitude=0.0))

    def advance(
        self,
        states: np.ndarray,
        parameters: np.ndarray,
        time: float,
        step: float,
        steps: int = 1,
        variation: np.ndarray | None = None,
    ) -> None:
        """Advance ``states`` (state, cell) in place by ``steps`` generalised Rush-Larsen steps of ``step`` ms.

        ``variation`` are the varied parameters (parameter, cell), by default their default values.
        """
        cells = states.shape[1]
        own = self.variation(cells) if variation is None else variation
        shapes = (len(self.states), cells), (len(self.parameters),), (len(self.varied), cells)
        for array, shape in zip((states, parameters, own), shapes, strict=True):
            if array.shape != shape or array.dtype != np.float64 or not array.flags.c_contiguous:
                raise ValueError(
                    f"{self.name}: expected a contiguous float64 array {shape}, got {array.dtype} {array.shape}"
                )
        table = self.table(parameters, step)
        arrays = (array.ctypes.data for array in (parameters, own, table, states))
        self._functions.advance(cells, steps, time, step, *arrays)


@cache
def load(name: str = TENTUSSCHER_PANFILOV_2006_EPI, varied: tuple[str, ...] = ()) -> CellModel:
    """The cell model of that name, compiled if it has not been yet; cells have ``varied`` parameters each."""
    variant = (MODELS | SINGLE)[name]
    library, defaults = kernel(variant.ode, variant.equations, varied)
    parameters, own = (
        values | {key: value for key, value in variant.parameters.items() if key in values}
        for values in (defaults["parameters"], defaults["varied"])
    )
    return CellModel(name, defaults["states"], parameters, library, own)
