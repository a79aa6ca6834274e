"""Derivatives of the misfit of calibration: adjoints against tangents and Taylor tests, for each kind of unknown."""

from dataclasses import replace

import numpy as np
import pytest
from ellipsoids import PRESSURE, REST, C, strained, ventricle
from mpi4py import MPI

from twinbeat.calibration import targets
from twinbeat.calibration.observations import COUNT, Observations
from twinbeat.calibration.problem import Evaluation, Frames, Point, Problem
from twinbeat.calibration.strains import Strains
from twinbeat.mechanics import ENDOCARDIUM, EPICARDIUM
from twinbeat.parameters import Mechanics

NONE = np.zeros(0)


def test_gradient_is_exact():
    """The adjoint gradient agrees with the tangents to rounding, and passes a Taylor test: the remainder of
    J(x + h d) - J(x) - h g.d falls with h^2 (order 2.0 between h = 0.04 and 0.02, within 0.05); also where the
    epicardium and strains are seen."""
    problem, anatomy = ventricle(25.0)
    direction = np.array([0.5, 0.2, -6.0, 0.0, 1.0, 0.1])
    assert taylor(problem, direction) == pytest.approx(2.0, abs=0.05)
    strains = strained(problem, anatomy, [("circumferential", 2), ("longitudinal", 8), ("fiber", 15)])
    both = Observations(problem.ventricle, targets.of_mesh(anatomy), (ENDOCARDIUM, EPICARDIUM), strains)
    problem.observations, inner = both, problem.observations
    assert taylor(problem, direction) == pytest.approx(2.0, abs=0.05)
    assert both.values()[:COUNT] == pytest.approx(inner.values())
    problem.observations = OnlyStrains(strains)
    assert taylor(problem, direction, goal=-0.2) == pytest.approx(2.0, abs=0.05)


@pytest.mark.mpi
@pytest.mark.parametrize("segment", [2, 9, 15])
def test_gradient_by_the_share_of_a_segment_is_exact(segment):
    """The same for the share of the tension that a segment develops, one of each third of the wall; on any number of
    ranks."""
    problem, _ = ventricle(25.0, MPI.COMM_WORLD, shares=True)
    direction = np.zeros(6 + 17)
    direction[1 + segment] = 0.6
    assert taylor(problem, direction, np.linspace(0.6, 1.4, 17)) == pytest.approx(2.0, abs=0.05)


def test_gradient_is_exact_where_fibres_shorten():
    """The same with active strain, by C, pressures, the drive and the share of a segment: scar does not shorten."""
    problem, _ = ventricle(25.0, shares=True, mechanics=Mechanics(active="strain"))
    direction = np.array([0.2, 0.2, *(0.1 * np.arange(17) / 17), -6.0, 0.0, 1.0, 0.1])
    assert taylor(problem, direction, np.linspace(0.6, 1.4, 17)) == pytest.approx(2.0, abs=0.05)


@pytest.mark.mpi
@pytest.mark.parametrize("which", [0, 1])
def test_gradient_by_a_scaled_property_is_exact(which):
    """The same for the stiffness of scar and for the pericardium, which change the unloaded shape as well."""
    problem, _ = ventricle(25.0, MPI.COMM_WORLD, scaled=True)
    assert [each.name for each in problem.scaled] == ["scar_stiffening", "pericardium"]
    direction = np.zeros(6 + 2)
    direction[2 + which] = 0.8
    assert taylor(problem, direction, NONE, np.log([2.0, 1.5])) == pytest.approx(2.0, abs=0.05)


def test_an_active_frame_keeps_the_volume_that_the_tangents_promise():
    """Half of the share of a segment lets the ventricle hold 3.7 mL more than promised at a given tension, and as much
    as promised where the tension may rise, both in one solve. A volume that would need less than no tension is not
    reached: the frame is relaxed then, in a second solve, at the pressure that was asked for."""
    problem, _ = ventricle(25.0, shares=True)
    first = of_two_frames(problem, np.ones(17))
    states = [solution.snapshot for solution in first.solutions]
    weak = first.point._replace(shares=np.where(np.arange(17) == 7, 0.5, 1.0))
    promised = first.values[0, 0] + first.slopes[0, 0] @ (weak.coordinates(0) - first.point.coordinates(0))
    bulged, held = problem.evaluate(weak, states), problem.evaluate(weak, first)
    assert held.solves == bulged.solves == 1
    assert held.values[0, 0] == pytest.approx(promised, rel=1e-6)
    assert bulged.values[0, 0] - promised == pytest.approx(3.7, abs=0.1)
    assert held.point.tension[0] > weak.tension[0]
    faint = problem.evaluate(first.point._replace(tension=np.array([2.0, 0.0]), pressure=np.array([3.0, 0.6])), states)
    relaxed = problem.evaluate(faint.point, replace(faint, values=faint.values + 20.0))
    assert relaxed.solves == 1.5
    assert relaxed.point.tension[0] == 0 and relaxed.point.pressure[0] == 3.0
    assert faint.values[0, 0] < relaxed.values[0, 0] < faint.values[0, 0] + 20


class OnlyStrains:
    """Strains without volumes and radii, whose misfit they could hide in."""

    def __init__(self, strains: Strains) -> None:
        self.values, self.slopes = strains.values, strains.slopes


def taylor(
    problem: Problem, direction: np.ndarray, shares: np.ndarray = NONE, logs: np.ndarray = NONE, goal: float = 20.0
) -> float:
    """Order of the remainder along ``direction`` of two frames, one of them active; the adjoint against tangents."""
    problem.ventricle.newton.tolerance = 1e-8
    first = of_two_frames(problem, shares, logs, goal)
    frames, tension, pressures = problem.frames, first.point.tension, first.point.pressure
    misfit, held = first.misfit(frames), 2 + len(logs)
    rest = held + len(shares)
    assert first.gradient == pytest.approx(first.tangent_gradient(frames), rel=1e-7, abs=1e-8)

    def remainder(h: float) -> float:
        moved = Point(
            C * np.exp(h * direction[0]),
            REST + h * direction[1],
            tension + h * direction[rest : rest + 2],
            pressures + h * direction[rest + 2 :],
            shares + h * direction[held:rest],
            logs + h * direction[2:held],
        )
        there = problem.evaluate(moved, [solution.snapshot for solution in first.solutions])
        change = 0.5 * np.sum(there.misfit(frames) ** 2) - 0.5 * np.sum(misfit**2)
        return change - h * first.gradient @ direction

    return np.log2(remainder(0.04) / remainder(0.02))


def of_two_frames(
    problem: Problem, shares: np.ndarray = NONE, logs: np.ndarray = NONE, goal: float = 20.0
) -> Evaluation:
    """The planted parameters in an active and a relaxed frame, all of whose values ought to be ``goal``."""
    pressures, tension = PRESSURE[1:][[2, 6]], np.array([58.0, 0.0])
    seen = np.ones((2, len(problem.observations.values())))
    problem.frames = Frames(pressures, np.full(2, 0.1), goal * seen, seen, np.array([True, False]))
    problem.unload(C, REST, logs)
    states = []
    for k in range(2):
        problem.load(tension[k], pressures[k], shares)
        problem.ventricle.solve()
        states.append(problem.ventricle.snapshot())
    return problem.evaluate(Point(C, REST, tension, pressures, shares, logs), states)


def test_an_iterative_solver_gives_the_same_derivatives():
    """Tangents and adjoints that are solved to 1e-6 give the slopes by each parameter and the gradient to 1e-5 of the
    largest of them."""
    exact, found = (derivatives(solver) for solver in ("direct", "iterative"))
    for one, other in zip(exact, found, strict=True):
        assert (np.abs(one - other).max(axis=0) < 1e-5 * np.abs(one).max(axis=0)).all()


def derivatives(solver: str) -> tuple[np.ndarray, np.ndarray]:
    """Slopes (value, parameter) of the active frame, and the gradient."""
    problem, _ = ventricle(25.0, mechanics=Mechanics(solver=solver))
    problem.ventricle.newton.tolerance = 1e-8
    evaluation = of_two_frames(problem)
    return evaluation.slopes[0], evaluation.gradient
