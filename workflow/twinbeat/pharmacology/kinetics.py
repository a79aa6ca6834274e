"""Pharmacokinetics: from doses to free concentrations in plasma, of several drugs that inhibit each other's clearance.

    gut'        = -ka gut
    plasma'     = ka gut + infusion - (CL + Q) plasma/V + Q tissue/V2
    tissue'     = Q plasma/V - Q tissue/V2
    eliminated' = CL plasma/V

of each drug (amounts in mg, times in h, volumes in L, flows in L/h); one compartment where Q = 0. What other drugs, at
free concentrations I, do to a clearance is competitive inhibition of a share f of it (Rowland and Matin 1973, doi
10.1007/BF01059791): CL = CL0 (1 - f + f / (1 + ΣI/Ki)). Free concentrations are in nM.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.integrate import solve_ivp

Array = np.ndarray
GUT, PLASMA, TISSUE, ELIMINATED = range(4)
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Kinetics:
    """How a body handles a drug: flows in L/h, volumes in L, absorption in 1/h, molar mass in g/mol.

    ``fraction_unbound`` is the free share in plasma. ``inhibitors`` maps names of other drugs to the free concentration
    (nM) that halves the share ``inhibited_fraction`` of the clearance.
    """

    clearance: float
    central_volume: float
    molar_mass: float
    fraction_unbound: float = 1.0
    absorption_rate: float = np.inf
    bioavailability: float = 1.0
    intercompartmental_clearance: float = 0.0
    peripheral_volume: float = 1.0
    inhibited_fraction: float = 0.0
    inhibitors: Mapping[str, float] = field(default_factory=dict)

    def free(self, plasma: Array) -> Array:
        """Free concentration in nM of an amount in plasma (mg)."""
        return 1e6 * self.fraction_unbound * plasma / (self.central_volume * self.molar_mass)


@dataclass(frozen=True)
class Course:
    """Doses of ``dose`` mg every ``interval`` h from ``start``; an infusion flows for ``infusion`` h."""

    route: Literal["oral", "bolus", "infusion"]
    dose: float
    number: int = 1
    interval: float = 24.0
    start: float = 0.0
    infusion: float = 0.0

    def times(self) -> Array:
        """When doses are given (dose,), in h."""
        return self.start + self.interval * np.arange(self.number)

    def rate(self, time: float) -> float:
        """Infused mg/h at a time; overlapping infusions add up."""
        if self.route != "infusion":
            return 0.0
        running = (self.times() <= time) & (time < self.times() + self.infusion)
        return float(running.sum()) * self.dose / self.infusion

    def events(self) -> Array:
        """Times at which something starts or ends."""
        return np.concatenate([self.times(), self.times() + self.infusion])


@dataclass(frozen=True)
class Curves:
    """``amounts`` (drug, compartment, time) in mg and ``free`` (drug, time) in nM at ``times`` (time,) in h.

    Compartments are gut, plasma, tissue and what was eliminated. At the time of a dose it is already in.
    """

    drugs: tuple[str, ...]
    times: Array
    amounts: Array
    free: Array


def simulate(kinetics: Mapping[str, Kinetics], courses: Mapping[str, Course], times: Array) -> Curves:
    """The curves of all drugs at sorted ``times`` (h) from 0 on, by LSODA from one event to the next."""
    drugs = tuple(courses)
    bodies = [kinetics[name] for name in drugs]
    events = np.unique(np.concatenate([[0.0, times[-1]], *(courses[name].events() for name in drugs)]))
    events = events[(events >= 0) & (events <= times[-1])]
    state, found = np.zeros((len(drugs), 4)), []
    for start, end in zip(events, [*events[1:], np.inf], strict=True):
        state = state + np.array([given(courses[name], kinetics[name], start) for name in drugs])
        inside = times[(times >= start) & (times < end)]
        rates = np.array([courses[name].rate(start) for name in drugs])
        steps = _solve(bodies, drugs, state, rates, start, min(end, times[-1]), inside)
        found.append(steps[:-1])
        state = steps[-1]
    amounts = np.moveaxis(np.concatenate(found), 0, -1)
    free = np.array([body.free(amounts[k, PLASMA]) for k, body in enumerate(bodies)])
    return Curves(drugs, np.asarray(times), amounts, free)


def given(course: Course, body: Kinetics, time: float) -> Array:
    """Amounts (compartment,) in mg that enter at once at this time."""
    mass = course.dose * np.count_nonzero(course.times() == time)
    entering = np.zeros(4)
    if course.route == "bolus":
        entering[PLASMA] = mass
    elif course.route == "oral":
        entering[GUT if np.isfinite(body.absorption_rate) else PLASMA] = body.bioavailability * mass
    return entering


def _solve(
    bodies: list[Kinetics], drugs: tuple[str, ...], state: Array, rates: Array, start: float, end: float, inside: Array
) -> Array:
    """States (time, drug, compartment) at the times ``inside``, and at ``end`` as the last."""
    if end <= start:
        return np.concatenate([np.repeat(state[None], len(inside), axis=0), state[None]])
    solution = solve_ivp(
        lambda _, y: slope(bodies, drugs, y.reshape(state.shape), rates).ravel(), (start, end), state.ravel(),
        method="LSODA", t_eval=np.append(inside, end), rtol=TOLERANCE, atol=TOLERANCE * max(1e-3, state.max()),
    )  # fmt: skip
    if not solution.success:
        raise RuntimeError(f"pharmacokinetics between {start:g} and {end:g} h: {solution.message}")
    return solution.y.T.reshape(-1, *state.shape)


def slope(bodies: list[Kinetics], drugs: tuple[str, ...], amounts: Array, rates: Array) -> Array:
    """Rates of change (drug, compartment) in mg/h."""
    free = {name: body.free(amounts[k, PLASMA]) for k, (name, body) in enumerate(zip(drugs, bodies, strict=True))}
    changes = np.zeros_like(amounts)
    for k, body in enumerate(bodies):
        gut, plasma, tissue, _ = amounts[k]
        absorbed = body.absorption_rate * gut if np.isfinite(body.absorption_rate) else 0.0
        eliminated = clearance(body, free) * plasma / body.central_volume
        exchanged = body.intercompartmental_clearance * (plasma / body.central_volume - tissue / body.peripheral_volume)
        changes[k] = -absorbed, absorbed + rates[k] - eliminated - exchanged, exchanged, eliminated
    return changes


def clearance(body: Kinetics, free: Mapping[str, float]) -> float:
    """Clearance in L/h at these free concentrations (nM) of all drugs."""
    load = sum(free.get(name, 0.0) / half for name, half in body.inhibitors.items())
    return body.clearance * (1 - body.inhibited_fraction + body.inhibited_fraction / (1 + load))
