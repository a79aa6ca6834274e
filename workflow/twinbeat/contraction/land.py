"""Active tension of human heart muscle, driven by calcium, stretch and its rate.

Land et al. 2017 (doi 10.1016/j.yjmcc.2017.03.008): calcium binds to troponin (C), which frees tropomyosin (B is the
share that is blocked); unbound crossbridges (U = 1 - B - W - S) bind weakly (W, before the power stroke) and strongly
(S, after it), with mean distortions Zw and Zs that the motion of the filaments makes and turnover takes away.

    dC/dt = k_trpn ((Ca/Ca50)^n_trpn (1 - C) - C),           Ca50 = ca50 + beta1 (min(λ, 1.2) - 1)
    dB/dt = k_b C^(-n_tm/2) U - k_u C^(n_tm/2) B
    dW/dt = k_uw U - (k_wu + k_ws + g_w |Zw|) W
    dS/dt = k_ws W - (k_su + g_s (Zs if Zs > 0, -Zs - 1 if Zs < -1, else 0)) S
    dZ/dt = A dλ/dt - c Z                                     for Zw and Zs
    T = h(λ) T_ref/r_s (S (Zs + 1) + W Zw),                   h = 1 + beta0 (λ + min(λ, 0.87) - 1.87) >= 0, λ <= 1.2

All of it acts on many cells at once: states are (state, cell), in ms, µM and kPa.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STATES = ("C", "B", "W", "S", "Zw", "Zs")
GAMMA = 1 - 1 / np.sqrt(2)
SMALLEST = 1e-12  # of C, whose negative power frees nothing


@dataclass(frozen=True)
class Land:
    """Constants of table B of the paper: rates in 1/ms, calcium in µM, tension in kPa."""

    ca50: float
    n_tm: float
    k_uw: float
    k_ws: float
    reference: float
    beta0: float = 2.3
    beta1: float = -2.4
    k_trpn: float = 0.1
    n_trpn: float = 2.0
    trpn50: float = 0.35
    k_u: float = 1.0
    r_w: float = 0.5
    r_s: float = 0.25
    g_s: float = 0.0085
    g_w: float = 0.615
    phi: float = 2.23
    a_eff: float = 25.0
    buffers: bool = False
    """Whether its troponin takes the place of the buffer that cells have for theirs (``troponin``)."""

    @property
    def k_wu(self) -> float:
        return self.k_uw * (1 / self.r_w - 1) - self.k_ws

    @property
    def k_su(self) -> float:
        return self.k_ws * self.r_w * (1 / self.r_s - 1)

    @property
    def k_b(self) -> float:
        """So that half of tropomyosin is blocked where C = trpn50."""
        return self.k_u * self.trpn50**self.n_tm / (1 - self.r_s - (1 - self.r_s) * self.r_w)

    @property
    def a(self) -> float:
        """A of both distortions."""
        return self.a_eff * self.r_s / ((1 - self.r_s) * self.r_w + self.r_s)

    @property
    def c_w(self) -> float:
        return self.phi * self.k_uw * (1 - self.r_w) / self.r_w

    @property
    def c_s(self) -> float:
        return self.phi * self.k_ws * (1 - self.r_s) * self.r_w / self.r_s

    def sensitivity(self, stretch: Array) -> Array:
        """Ca50 (cell,) in µM at a stretch (cell,); stays above a hundredth of its value at rest."""
        return np.maximum(self.ca50 + self.beta1 * (np.minimum(stretch, 1.2) - 1), 0.01 * self.ca50)

    def overlap(self, stretch: Array) -> Array:
        """h(λ), (cell,)."""
        short = np.minimum(stretch, 1.2)
        return np.maximum(1 + self.beta0 * (short + np.minimum(short, 0.87) - 1.87), 0.0)


SKINNED = Land(ca50=2.5, n_tm=2.2, k_uw=0.026, k_ws=0.004, reference=40.5)
"""Table B, skinned myocytes."""
INTACT = Land(ca50=0.805, n_tm=5.0, k_uw=0.182, k_ws=0.012, reference=120.0)
"""Table B, the whole organ at body temperature."""
MARGARA = replace(INTACT, n_tm=2.036, k_u=0.021, buffers=True)
"""The same with tropomyosin that takes 50 times as long, which Margara et al. 2021 (doi
10.1016/j.pbiomolbio.2020.06.007) calibrated to twitches of human muscle with the calcium of ToR-ORd, both ways coupled;
rates of tropomyosin and cooperativity as in their public ToR-ORd+Land."""
LAWS = {"land_2017": INTACT, "margara_2021": MARGARA}
"""By their names in ``beat.contraction``."""


@dataclass(frozen=True)
class Path:
    """A step from ``start`` to ``end`` (ms), in which stretch goes linearly from ``before`` to ``after`` (cell,).

    ``calcium`` gives µM (cell,) at a time.
    """

    start: float
    end: float
    before: Array
    after: Array
    calcium: Callable[[float], Array]

    @property
    def rate(self) -> Array:
        """dλ/dt (cell,) in 1/ms."""
        return (self.after - self.before) / (self.end - self.start)

    def stretch(self, time: float) -> Array:
        return self.before + (time - self.start) * self.rate


def rest(cells: int) -> Array:
    """States (state, cell) of muscle without calcium."""
    states = np.zeros((len(STATES), cells))
    states[1] = 1.0
    return states


def tension(law: Land, states: Array, stretch: Array) -> Array:
    """T (cell,) in kPa."""
    _, _, W, S, Zw, Zs = states
    return law.overlap(stretch) * law.reference / law.r_s * (S * (Zs + 1) + W * Zw)


def rigidity(law: Land, states: Array, stretch: Array) -> Array:
    """K (cell,) in kPa: how fast tension follows the rate of stretch, of crossbridges that are springs (Regazzoni and
    Quarteroni 2021, doi 10.1016/j.cma.2020.113506, section 3)."""
    return law.overlap(stretch) * law.reference / law.r_s * law.a * (states[3] + states[2])


def advance(
    law: Land, states: Array, path: Path, tolerance: float = 1e-4, largest: Callable[[float], float] = float
) -> Array:
    """The states (state, cell) at the end of a path.

    L-stable, of second order (Alexander 1977, doi 10.1137/0714068); sub-steps are halved or lengthened so that each
    errs by about ``tolerance`` of the reference tension in the worst cell. ``largest`` gives the largest error of all
    ranks, where cells are shared by several.
    """
    time, step = path.start, path.end - path.start
    while time < path.end - 1e-9:
        step = min(step, path.end - time)
        whole = _substep(law, states, path, time, step)
        halves = _substep(law, _substep(law, states, path, time, step / 2), path, time + step / 2, step / 2)
        error = largest(float(_distance(law, whole, halves).max(initial=0.0))) / 3
        if error <= tolerance:
            time, states = time + step, halves
        step *= float(np.clip(0.9 * (tolerance / max(error, 1e-12)) ** (1 / 3), 0.2, 4.0))
    return states


def _distance(law: Land, one: Array, other: Array) -> Array:
    """Difference (cell,) of troponin and of tension, as a share of the reference tension at λ = 1."""
    force = [(S * (Zs + 1) + W * Zw) / law.r_s for _, _, W, S, Zw, Zs in (one, other)]
    return np.maximum(np.abs(force[0] - force[1]), np.abs(one[0] - other[0]))


def _substep(law: Land, states: Array, path: Path, time: float, step: float) -> Array:
    """Two implicit stages, the second of which is the result."""
    first = _stage(law, states, path, time + GAMMA * step, GAMMA * step)
    explicit = states + (1 - GAMMA) / GAMMA * (first - states)
    return _stage(law, explicit, path, time + step, GAMMA * step)


def _stage(law: Land, old: Array, path: Path, time: float, step: float) -> Array:
    """Solve y = old + step f(y, time): row by row, as each depends on those before; B, W and S are linear in U."""
    bound = (path.calcium(time) / law.sensitivity(path.stretch(time))) ** law.n_trpn
    C = (old[0] + step * law.k_trpn * bound) / (1 + step * law.k_trpn * (1 + bound))
    drag = step * law.a * path.rate
    Zw, Zs = (old[4] + drag) / (1 + step * law.c_w), (old[5] + drag) / (1 + step * law.c_s)
    lost_w = law.k_wu + law.k_ws + law.g_w * np.abs(Zw)
    lost_s = law.k_su + law.g_s * (np.maximum(Zs, 0) + np.maximum(-Zs - 1, 0))
    freeing = np.maximum(C, SMALLEST) ** (law.n_tm / 2)
    in_b, in_w = 1 + step * law.k_u * freeing, 1 + step * lost_w
    in_s = 1 + step * lost_s
    b0, b1 = old[1] / in_b, step * law.k_b / freeing / in_b
    w0, w1 = old[2] / in_w, step * law.k_uw / in_w
    s0, s1 = (old[3] + step * law.k_ws * w0) / in_s, step * law.k_ws * w1 / in_s
    U = (1 - b0 - w0 - s0) / (1 + b1 + w1 + s1)
    return np.stack([C, b0 + b1 * U, w0 + w1 * U, s0 + s1 * U, Zw, Zs])
