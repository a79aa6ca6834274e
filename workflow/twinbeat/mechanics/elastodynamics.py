"""The elastodynamics benchmark of Arostica et al. 2025 (doi 10.1016/j.cma.2024.117485), in its symbols and SI units.

A ventricle, or both, contracts and is filled for a second between springs and dashpots, from rest. Active stress and
cavity pressures are solutions of ordinary differential equations in time (after Bestel et al. 2001). Any mesh, fibres
and parameters make a case.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from dolfinx import mesh
from scipy.integrate import solve_ivp

from ..kinematics import Expr
from ..materials import HolzapfelOgden
from ..verdicts import Quarantined
from .cavity import BASE, ENDOCARDIUM, EPICARDIUM
from .motion import Motion, Support, Wall
from .probe import Probe
from .timescheme import BENCHMARK, GeneralisedAlpha

EASY = 3  # iterations of a step that could as well be twice as long
MOST_PARTS = 16
KPA, MS, MM, KPA_MS, KPA_PER_MM, KPA_MS_PER_MM, MG_PER_MM3 = 1e-3, 1e3, 1e3, 1.0, 1e-6, 1e-3, 1e-3
"""What 1 Pa, s, m, Pa s, Pa/m, Pa s/m and kg/m^3 are in our units."""


@dataclass(frozen=True)
class Material:
    """Parameters of the wall and what holds it: Pa, Pa s, kg/m^3; alpha_top, alpha_epi in Pa/m; beta_top, beta_epi in
    Pa s/m. The sheets of the law lie in the wall, across the fibres."""

    rho: float = 1e3
    kappa: float = 1e6
    eta: float = 100.0
    a: float = 59.0
    b: float = 8.023
    a_f: float = 18472.0
    b_f: float = 16.026
    a_s: float = 2481.0
    b_s: float = 11.12
    a_fs: float = 216.0
    b_fs: float = 11.436
    k: float = 100.0
    alpha_top: float = 1e5
    beta_top: float = 5e3
    alpha_epi: float = 1e8
    beta_epi: float = 5e3

    def wall(self) -> Wall:
        """In our units, held at the epicardium and the base."""
        moduli = (self.a * KPA, self.b, self.a_f * KPA, self.b_f, self.a_s * KPA, self.b_s, self.a_fs * KPA, self.b_fs)
        supports = (
            Support(EPICARDIUM, self.alpha_epi * KPA_PER_MM, self.beta_epi * KPA_MS_PER_MM, normal=True),
            Support(BASE, self.alpha_top * KPA_PER_MM, self.beta_top * KPA_MS_PER_MM, normal=False),
        )
        law = HolzapfelOgden(*moduli, steepness=self.k)
        return Wall(law, self.rho * MG_PER_MM3, self.eta * KPA_MS, self.kappa * KPA, supports)


@dataclass(frozen=True)
class Activation:
    """Active stress tau (Pa): tau' = -|a| tau + sigma_0 |a|+, a = alpha_max f + alpha_min (1 - f),
    f = S+(t - t_sys) S-(t - t_dias), S+-(t) = (1 +- tanh(t / gamma)) / 2."""

    t_sys: float = 0.16
    t_dias: float = 0.484
    gamma: float = 0.005
    alpha_max: float = 5.0
    alpha_min: float = -30.0
    sigma_0: float = 150e3

    def rate(self, t: float, tau: float) -> float:
        """tau' in Pa/s at t in s."""
        a = _switched(t, self.t_sys, self.t_dias, self.gamma, self.alpha_max, self.alpha_min)
        return -abs(a) * tau + self.sigma_0 * max(a, 0.0)


@dataclass(frozen=True)
class Pressure:
    """Cavity pressure p (Pa): p' = -|b| p + sigma_mid |b|+ + sigma_pre g, b = a + alpha_pre g + alpha_mid,
    g = S-(t - t_dias_pre), and a as in ``Activation`` between t_sys_pre and t_dias_pre."""

    t_sys_pre: float = 0.17
    t_dias_pre: float = 0.484
    gamma: float = 0.005
    alpha_max: float = 5.0
    alpha_min: float = -30.0
    alpha_pre: float = 5.0
    alpha_mid: float = 1.0
    sigma_pre: float = 7e3
    sigma_mid: float = 16e3

    def rate(self, t: float, p: float) -> float:
        """p' in Pa/s at t in s."""
        g = _down(t - self.t_dias_pre, self.gamma)
        a = _switched(t, self.t_sys_pre, self.t_dias_pre, self.gamma, self.alpha_max, self.alpha_min)
        b = a + self.alpha_pre * g + self.alpha_mid
        return -abs(b) * p + self.sigma_mid * max(b, 0.0) + self.sigma_pre * g


LEFT = Pressure(alpha_mid=15.0, sigma_pre=12e3)
RIGHT = Pressure(alpha_pre=1.0, alpha_mid=10.0, sigma_pre=3e3, sigma_mid=4e3)
"""Pressures of the biventricular case."""


def _down(t: float, gamma: float) -> float:
    return (1 - np.tanh(t / gamma)) / 2


def _switched(t: float, on: float, off: float, gamma: float, high: float, low: float) -> float:
    f = (1 - _down(t - on, gamma)) * _down(t - off, gamma)
    return high * f + low * (1 - f)


Curve = Callable[[float], float]
"""Pa at a time in s."""


def solved(law: Activation | Pressure | None, duration: float) -> Curve:
    """The law's curve from 0 at t = 0 until ``duration`` (s); zero for None."""
    if law is None:
        return lambda t: 0.0
    options = {"dense_output": True, "method": "Radau", "rtol": 1e-8, "atol": 1e-3, "max_step": law.gamma}
    curve = solve_ivp(lambda t, y: [law.rate(t, y[0])], (0.0, duration), [0.0], **options).sol
    return lambda t: float(curve(t)[0])


@dataclass(frozen=True)
class Case:
    """Parameters of a case: its material, what activates it (None: nothing), the pressure on the facets of each tag.

    ``points`` (m) are those that are looked at; ``duration`` and ``dt`` are in s, the ``tolerance`` of a step in mm.
    """

    material: Material = Material()
    activation: Activation | None = Activation()
    pressures: Mapping[int, Pressure] = field(default_factory=lambda: {ENDOCARDIUM: Pressure()})
    points: tuple[tuple[float, float, float], ...] = ((0.025, 0.03, 0.0), (0.0, 0.03, 0.0))
    duration: float = 1.0
    dt: float = 1e-3
    tolerance: float = 1e-3
    scheme: GeneralisedAlpha = BENCHMARK

    def times(self) -> np.ndarray:
        """Ends of the time steps, in s."""
        return self.dt * np.arange(1, round(self.duration / self.dt) + 1)


@dataclass(frozen=True)
class History:
    """``time`` (time,) in s from 0, ``displacement`` (time, point, 3) in mm; iterations and factorisations it took."""

    time: np.ndarray
    displacement: np.ndarray
    iterations: int
    factorisations: int


def run(
    case: Case,
    domain: mesh.Mesh,
    facet_tags: mesh.MeshTags,
    fiber: Expr,
    sheet: Expr,
    watch: Callable[[Motion, float], None] = lambda motion, time: None,
) -> History:
    """The history of a case on a mesh in mm; ``watch`` is called after each step with the time in s.

    Raises Rejected("point-outside") for a point outside of the mesh, Quarantined("mechanics-diverged").
    """
    wall = case.material.wall()
    options = {"loaded": tuple(case.pressures), "scheme": case.scheme, "tolerance": case.tolerance}
    motion = Motion(domain, facet_tags, wall, fiber, sheet, **options)
    probe = Probe(domain, MM * np.array(case.points))
    loads = Loads(motion, solved(case.activation, case.duration), {
        tag: solved(law, case.duration) for tag, law in case.pressures.items()
    })  # fmt: skip
    shown = [np.zeros((len(case.points), 3))]
    for time in case.times():
        loads.advance(case.dt * MS)
        shown.append(probe(motion.u))
        watch(motion, float(time))
    return History(np.append(0.0, case.times()), np.array(shown), loads.iterations, motion.chord.factorisations)


class Loads:
    """Moves a wall under the curves of its tension and its pressures (by tag)."""

    def __init__(self, motion: Motion, tension: Curve, pressures: Mapping[int, Curve]) -> None:
        self.motion, self.tension, self.pressures = motion, tension, pressures
        self.iterations, self._parts = 0, 1

    def advance(self, dt: float) -> None:
        """Go on by ``dt`` ms, in parts: twice as many where a step fails, half as many after an easy time.

        Raises Quarantined("mechanics-diverged") for a step that fails in MOST_PARTS parts, too.
        """
        end, hardest = self.motion.time + dt, 0
        while self.motion.time < end - 1e-9 * dt:
            step = dt / self._parts
            self._apply(self.motion.between(step) / MS)
            try:
                taken = self.motion.step(step)
            except Quarantined:
                self._parts *= 2
                if self._parts > MOST_PARTS:
                    raise
                continue
            self.iterations, hardest = self.iterations + taken, max(hardest, taken)
        if self._parts > 1 and hardest <= EASY:
            self._parts //= 2

    def _apply(self, time: float) -> None:
        self.motion.tension.value = self.tension(time) * KPA
        for tag, curve in self.pressures.items():
            self.motion.pressures[tag].value = curve(time) * KPA
