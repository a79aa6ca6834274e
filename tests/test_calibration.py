"""Calibration: targets of known shapes, exact gradients, and the recovery of what was planted."""

import importlib

import numpy as np
import pytest
import xarray as xr
from mpi4py import MPI

from twinbeat import calibration, fibers, mesh
from twinbeat.calibration import fit, scales, targets, wall
from twinbeat.calibration.calibrate import select
from twinbeat.calibration.observations import COUNT, Observations
from twinbeat.calibration.problem import Evaluation, Frames, Point, Problem
from twinbeat.calibration.start import OneFiber
from twinbeat.calibration.strains import Strains
from twinbeat.mechanics import ENDOCARDIUM, EPICARDIUM, contractile, from_anatomy
from twinbeat.mesh import synthetic
from twinbeat.mesh.distribute import to_dolfinx
from twinbeat.parameters import Calibration, Fibers, Mechanics
from twinbeat.verdicts import Quarantined

REST, C = 1.3, 1.7
PRESSURE = np.array([REST, 5.0, 12.0, 15.0, 12.0, 5.0, 0.5, 0.6, 0.9])
VOLUME = np.array([100.0, 99, 80, 60, 55, 56, 80, 90, 97])
NONE = np.zeros(0)
TENSION = np.array([0.0, 16.0, 42.0, 58.0, 52.0, 25.0, 0.0, 0.0, 0.0])
NAMES = ("strain_direction", "strain_segment")
UNTOLD = Calibration(contraction={"fitted": True, "unaided": True})


def test_frames_after_the_lowest_pressure_are_relaxed():
    """In the order from end-diastole on: active up to the frame after the lowest pressure, frame 7 here."""
    order, frames = select(dataset(VOLUME))
    assert order.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert frames.free.tolist() == [True] * 7 + [False]


def test_frames_of_a_strain_count_as_one_and_missing_ones_drop_out():
    """Seen with 0.03 in four of eight frames: weights 1 / (sqrt(4) 0.03) = 16.67 there, 0 elsewhere."""
    seen = np.isin(np.arange(9), (2, 3, 4, 5))[None]
    data = {"strain": np.full((1, 9), -0.1), "strain_sigma": np.full((1, 9), 0.03), "strain_seen": seen}
    _, frames = select(dataset(VOLUME).assign({name: (("curve", "time"), value) for name, value in data.items()}))
    assert frames.weight[:, -1] == pytest.approx(np.where(seen[0, 1:], 16.667, 0.0), rel=1e-4)
    assert frames.observed.shape == (8, COUNT + 1) and frames.observed[:, -1] == pytest.approx(-0.1)


def test_too_few_relaxed_frames():
    """Where the pressure falls to the end, stiffness cannot be seen."""
    falling = dataset(VOLUME).isel(time=slice(0, 7))
    with pytest.raises(Quarantined, match="0 frames between relaxation and end-diastole, 1 needed"):
        select(falling)


def test_one_fibre_model():
    """A cavity of 100 mL in 100 mL of muscle at 10 kPa: 3 * 10 / ln 2 = 43.3 kPa; unloaded, all of it active."""
    model = OneFiber(wall=100.0, unloaded=100.0, passive=5.0)
    assert model.stress(10.0, 100.0) == pytest.approx(43.28, rel=1e-4)
    assert model.tension(10.0, 100.0) == pytest.approx(43.28, rel=1e-4)


def dataset(volume: np.ndarray, radius: np.ndarray | None = None) -> xr.Dataset:
    """Targets with the planted pressures."""
    count = len(volume)
    radius = np.full((16, count), 20.0) if radius is None else radius
    return xr.Dataset(
        {
            "volume": (("time",), volume),
            "volume_sigma": (("time",), np.full(count, 0.01 * volume[0])),
            "pressure": (("time",), PRESSURE[:count]),
            "pressure_sigma": (("time",), np.full(count, 0.05)),
            "radius": (("segment", "time"), radius),
            "radius_sigma": (("segment", "time"), np.full((16, count), 0.5)),
            "end_diastole": 0,
            "end_systole": int(volume.argmin()),
            "cycle": 800.0,
        },
        coords={"time": 100.0 * np.arange(count), "segment": np.arange(1, 17)},
    )


def tissue(anatomy: xr.Dataset) -> np.ndarray:
    """Segments 7 and 13 in scar, without a border zone."""
    return fibers.tissue(anatomy, np.isin(anatomy["segment"].values, (7, 13)), 0.0)


def ventricle(
    size: float,
    comm: MPI.Comm = MPI.COMM_SELF,
    shares: bool = False,
    scaled: bool = False,
    mechanics: Mechanics = Mechanics(),  # noqa: B008
    thicker: float = 0.0,
) -> tuple[Problem, xr.Dataset]:
    """A problem on a human-sized ellipsoid with segments 7 and 13 in scar, and its anatomy; with ``shares`` each
    segment has its own share of the tension, with ``scaled`` scar and pericardium are scaled; its wall is so many mm
    ``thicker``."""
    short, long = ((inner, outer + thicker) for inner, outer in synthetic.HUMAN[:2])
    anatomy = fibers.assign(synthetic.ellipsoid(size, 1, short, long), Fibers())
    solid, mapping = from_anatomy(anatomy, mechanics, comm)
    windows = targets.of_mesh(anatomy)
    frames = Frames(PRESSURE[1:], np.full(8, 0.05), np.zeros((8, COUNT)), np.ones((8, COUNT)), TENSION[1:] > 0)
    share = contractile(tissue(anatomy))[mapping.cells]
    regions = anatomy["segment"].values[mapping.cells] - 1 if shares else None
    asked = Calibration(scar_stiffening={"fitted": scaled}, pericardium={"fitted": scaled})
    sought = scales.sought(solid, share == 0, asked)
    return Problem(solid, share, Observations(solid, windows), frames, regions, sought), anatomy


CURVES = [(direction, segment) for direction in ("circumferential", "longitudinal") for segment in range(1, 17)]


def strained(problem: Problem, anatomy: xr.Dataset, curves: list[tuple[str, int]]) -> Strains:
    return Strains(problem.ventricle, anatomy, to_dolfinx(anatomy, MPI.COMM_SELF)[2].cells, curves)


@pytest.fixture(scope="module")
def planted() -> tuple[np.ndarray, np.ndarray]:
    """Observations (frame, 17 + 32) of the planted parameters on a mesh of 17 mm, and those of the mesh itself."""
    problem, anatomy = ventricle(17.0)
    problem.observations.strains = strained(problem, anatomy, CURVES)
    problem.unload(C, REST)
    rest = problem.observations.values()
    values = []
    for tension, held in zip(TENSION[1:], PRESSURE[1:], strict=True):
        problem.load(tension, held)
        problem.ventricle.solve()
        values.append(problem.observations.values())
    return np.array([rest, *values]), rest


def observed(planted, problem: Problem) -> np.ndarray:
    """The planted motion (frame, 17) scaled to another mesh, with 1 % of noise."""
    values, rest = (part[..., :COUNT] for part in planted)
    noise = 1 + 0.01 * np.random.default_rng(4).standard_normal(values.shape)
    noise[0] = 1
    problem.unload(C, REST)
    return values / rest * noise * problem.observations.values()


def test_gradient_is_exact(planted):
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


def test_planted_parameters_are_recovered(planted):
    """C = 1.7 kPa and tensions up to 58 kPa, with two segments in scar, come back from the volumes, radii and pressures
    of another mesh with 1 % of noise: C within 15 %, the peak tension within 10 %, ejected share within 0.02.
    """
    problem, anatomy = ventricle(20.0)
    goal = observed(planted, problem)
    aims = dataset(goal[:, 0], goal[:, 1:].T)
    found = calibration.calibrate(anatomy, aims, tissue(anatomy), Calibration(), Mechanics())
    assert float(found.stiffness) == pytest.approx(C, rel=0.15)
    assert float(found.tension.max()) == pytest.approx(58.0, rel=0.1)
    assert found.volume.values.min() / found.volume.values[0] == pytest.approx(goal[:, 0].min() / goal[0, 0], abs=0.02)
    assert found.tension.values[8] == 0.0
    assert found.parameter.values[:3].tolist() == ["ln stiffness", "tension 1", "tension 2"]
    assert np.linalg.eigvalsh(found.covariance.values).min() > 0
    assert found.known.values[0] > 0.9 and found.information.values[0] > 100
    assert len(found.misfit) < int(found.forward_solves) <= 15
    assert 0 < found.volume_fit_sigma.values[1:].max() < aims.volume_sigma.values.max()
    assert (found.pressure_fit_sigma.values <= aims.pressure_sigma.values + 1e-9).all()
    assert not found.displacement.values[0].any()
    assert np.all(np.diff(found.misfit.values) < 0)
    scar = np.isin(anatomy["segment"].values, (7, 13))
    assert np.array_equal(found.contractile.values == 0, scar)
    assert np.array_equal(found.tissue.values == fibers.SCAR, scar)


def test_a_wall_that_is_too_thick_takes_tension_away(planted):
    """Of a mesh whose wall is 1 mm thicker than the heart's (14 % more muscle) the same volumes and pressures need
    7.5 % less tension by the one-fibre model of ``wall``, within 3 % as the model has neither springs nor shape. A wall
    that is known to 10 % leaves the tension as unsure as that, and one that is known exactly does not."""
    found, muscle = [], []
    for thicker, sigma in ((0.0, 0.0), (1.0, 0.1)):
        problem, anatomy = ventricle(20.0, thicker=thicker)
        goal = observed(planted, problem)
        aims, options = dataset(goal[:, 0], goal[:, 1:].T), Calibration(wall_sigma=sigma)
        found.append(calibration.calibrate(anatomy, aims, tissue(anatomy), options, Mechanics()))
        muscle.append(mesh.wall_volume(anatomy["points"].values, anatomy["cells"].values))
    (before, after), peak = (one.tension.values for one in found), int(found[1].tension.values.argmax())
    share = wall.thinned(muscle[1] / float(found[1].volume[peak]))
    expected = np.exp(-share * np.log(muscle[1] / muscle[0]))
    assert after.max() / before.max() == pytest.approx(expected, abs=0.03)
    sure, unsure = (np.sqrt(one.covariance.values[peak, peak]) for one in found)  # tension k is parameter k
    assert sure < 0.1 * share * after[peak] < unsure


@pytest.fixture(scope="module")
def untold(planted) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """Anatomy, targets and posterior of a heart of whose scar, in segments 7 and 13, nobody tells."""
    problem, anatomy = ventricle(25.0)
    goal = observed(planted, problem)
    aims = dataset(goal[:, 0], goal[:, 1:].T)
    return anatomy, aims, calibration.calibrate(anatomy, aims, tissue(anatomy), UNTOLD, Mechanics())


def test_scar_that_nobody_told_of_is_found(untold):
    """Segments 7 and 13 do not contract; without being told, their motion gives them the two smallest shares, and the
    greatest probabilities to be lost, while the tension of healthy muscle stays within 15 % of the planted one."""
    anatomy, _, found = untold
    assert set(found.sector.values[np.argsort(found.contraction.values)[:2]]) == {7, 13}
    assert found.probability_lost.values[[6, 12]].min() > found.probability_lost.values[[0, 3, 9, 15]].max()
    assert float(found.tension.max()) == pytest.approx(58.0, rel=0.15)
    within = anatomy["segment"].values - 1
    assert found.contractile.values == pytest.approx(found.contraction.values[within])
    assert found.parameter.values[-17:].tolist() == [f"contraction {k}" for k in range(1, 18)]
    assert np.array_equal(found.tissue.values == fibers.SCAR, np.isin(within, (6, 12)))


def test_strains_tell_more_of_the_shares(planted, untold):
    """Circumferential and longitudinal strains of the 16 segments, off by 0.01 in each frame and known to 0.03: both
    infarcted segments are lost with a greater probability, and shares are known better."""
    anatomy, aims, without = untold
    curves = planted[0][:, COUNT:].T + 0.01 * np.random.default_rng(9).standard_normal((len(CURVES), len(PRESSURE)))
    shown = {"strain": curves, "strain_sigma": np.full(curves.shape, 0.03), "strain_seen": np.full(curves.shape, True)}
    names = {name: ("curve", list(of)) for name, of in zip(NAMES, zip(*CURVES, strict=True), strict=True)}
    wanted = aims.assign({name: (("curve", "time"), value) for name, value in shown.items()} | names)
    found = calibration.calibrate(anatomy, wanted, tissue(anatomy), UNTOLD, Mechanics())
    assert set(found.sector.values[np.argsort(found.contraction.values)[:2]]) == {7, 13}
    assert (found.probability_lost.values - without.probability_lost.values)[[6, 12]].min() > 0
    before, after = (np.sqrt(np.diag(one.covariance.values)[-17:-1]) for one in (without, found))
    assert np.median(after / before) < 0.8
    assert np.sqrt(np.mean((found.strain.values - curves) ** 2)) < 0.03


def test_frames_left_out_are_predicted(planted):
    """Of every third frame only the pressure is seen; its volume comes within 3 standard deviations, of prediction and
    noise together, of the planted one, and is less sure than where it was seen."""
    problem, anatomy = ventricle(30.0)
    goal = observed(planted, problem)
    aims = dataset(goal[:, 0], goal[:, 1:].T)
    found = calibration.calibrate(anatomy, aims, tissue(anatomy), Calibration(held_out=3), Mechanics())
    held = np.flatnonzero(found.held_out)
    assert held.tolist() == [3, 6]
    sigma = np.hypot(found.volume_fit_sigma, aims.volume_sigma).values
    assert (np.abs(found.volume - aims.volume).values[held] < 3 * sigma[held]).all()
    assert found.volume_fit_sigma.values[held].min() > found.volume_fit_sigma.values[[1, 2, 4, 5]].max()


def test_what_cannot_be_fitted_is_quarantined(planted):
    """Bounds that exclude the planted values, too few iterations, and volumes that no heart could have: three codes."""
    problem, anatomy = ventricle(30.0)
    goal = observed(planted, problem)
    aims = dataset(goal[:, 0], goal[:, 1:].T).isel(time=[0, 3, 6, 7, 8]).assign(end_systole=1)

    def code(aims: xr.Dataset, **changes: object) -> str:
        with pytest.raises(Quarantined) as caught:
            calibration.calibrate(anatomy, aims, tissue(anatomy), Calibration(**changes), Mechanics())
        return caught.value.code

    assert code(aims, stiffness_bounds=("1.9 kPa", "3 kPa")) == "at-bounds"
    assert code(aims, tension_bounds=("0 kPa", "45 kPa")) == "at-bounds"
    assert code(aims, iterations=1) == "calibration-diverged"
    lower = aims.assign(volume=aims.volume - 20 * (aims.time > 750))
    assert code(lower) == "calibration-misfit"


def test_a_step_without_equilibrium_is_taken_back(planted, monkeypatch):
    """A trial that quarantines counts as no progress: ``_try`` gives None and the reach shrinks."""
    problem, _ = ventricle(25.0)

    def refuse(*_: object) -> None:
        raise Quarantined("mechanics-diverged", "no equilibrium")

    monkeypatch.setattr(problem, "evaluate", refuse)
    fitting = fit.Fit(problem, Calibration(), (REST, 0.1))

    class Here:
        point = Point(2.0, REST, np.zeros(8), PRESSURE[1:])

    assert fitting._try(Here(), np.zeros(2 + len(fitting.free) + 8)) is None


class Starts:
    """A fit from whose starts, by their C, given estimates come; ``begun`` are the C of the starts."""

    def __init__(self, monkeypatch, outcomes: list[fit.Estimate | Quarantined], **options: object) -> None:
        self.calibration, self.problem = Calibration(starts=len(outcomes), **options), None
        self.begun, self._outcomes = [], iter(outcomes)
        self.module = importlib.import_module("twinbeat.calibration.calibrate")
        monkeypatch.setattr(self.module, "first", self._first)

    def _first(self, _: None, stiffness: float, *__: float) -> tuple[float]:
        self.begun.append(stiffness)
        return (stiffness,)

    def run(self, _: float) -> fit.Estimate:
        outcome = next(self._outcomes)
        if isinstance(outcome, Quarantined):
            raise outcome
        return outcome

    def best(self) -> fit.Estimate:
        return self.module._best(self, REST, 100.0)


def test_the_best_of_several_starts_stays(monkeypatch):
    """Three starts divide the prior of C evenly: its quantiles of 1/6, 1/2 and 5/6, 2 kPa exp(-0.967, 0, 0.967), within
    bounds. One diverges; of the others the lesser misfit stays, with the solves of both and of their first estimates:
    (4 + 1) + (6 + 1)."""
    lost = Quarantined("mechanics-diverged", "no equilibrium")
    found = [fit.Estimate("near", [9.0, 5.0], 4.0), lost, fit.Estimate("best", [90.0, 3.0], 6.0)]
    several = Starts(monkeypatch, found)
    best = several.best()
    assert several.begun == pytest.approx([0.760, 2.0, 5.262], abs=1e-3)
    assert (best.evaluation, best.history, best.solves) == ("best", [90.0, 3.0], 12.0)
    within = Starts(monkeypatch, found[::2] + found[:1], stiffness_bounds=("1 kPa", "5 kPa"))
    within.best()
    assert within.begun == pytest.approx([1.0, 2.0, 5.0])


def test_where_no_start_arrives_the_first_reason_counts(monkeypatch):
    lost = [Quarantined("calibration-diverged", "first"), Quarantined("mechanics-diverged", "second")]
    with pytest.raises(Quarantined, match="first") as caught:
        Starts(monkeypatch, lost).best()
    assert caught.value.code == "calibration-diverged"


def test_starts_far_apart_lead_to_one_estimate(planted):
    """From C = 1.0 and 3.9 kPa, half of the prior's probability apart, as from its middle, 2 kPa: the same C within 2 %
    and the same tension within 1 %; the solves of both are counted."""
    problem, anatomy = ventricle(30.0)
    goal = observed(planted, problem)
    aims = dataset(goal[:, 0], goal[:, 1:].T)
    one, two = (
        calibration.calibrate(anatomy, aims, tissue(anatomy), Calibration(starts=starts), Mechanics())
        for starts in (1, 2)
    )
    assert float(two.stiffness) == pytest.approx(float(one.stiffness), rel=0.02)
    assert float(two.tension.max()) == pytest.approx(float(one.tension.max()), rel=0.01)
    assert float(two.forward_solves) > 1.5 * float(one.forward_solves)
