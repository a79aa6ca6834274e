"""Calibration: targets of known shapes, and the recovery of what was planted."""

import numpy as np
import pytest
import xarray as xr
from ellipsoids import CURVES, PRESSURE, REST, C, dataset, observed, planted, tissue, ventricle

from twinbeat import calibration, fibers, mesh
from twinbeat.calibration import fit, wall
from twinbeat.calibration.observations import COUNT
from twinbeat.calibration.pose import select
from twinbeat.calibration.problem import Point
from twinbeat.calibration.start import OneFiber
from twinbeat.parameters import Calibration, Mechanics
from twinbeat.verdicts import Quarantined

VOLUME = np.array([100.0, 99, 80, 60, 55, 56, 80, 90, 97])
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


def test_planted_parameters_are_recovered():
    """C = 1.7 kPa and tensions up to 58 kPa, with two segments in scar, come back from the volumes, radii and pressures
    of another mesh with 1 % of noise: C within 15 %, the peak tension within 10 %, ejected share within 0.02.
    """
    problem, anatomy = ventricle(20.0)
    goal = observed(problem)
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


def test_a_wall_that_is_too_thick_takes_tension_away():
    """Of a mesh whose wall is 1 mm thicker than the heart's (14 % more muscle) the same volumes and pressures need
    7.5 % less tension by the one-fibre model of ``wall``, within 3 % as the model has neither springs nor shape. A wall
    that is known to 10 % leaves the tension as unsure as that, and one that is known exactly does not."""
    found, muscle = [], []
    for thicker, sigma in ((0.0, 0.0), (1.0, 0.1)):
        problem, anatomy = ventricle(20.0, thicker=thicker)
        goal = observed(problem)
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
def untold() -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """Anatomy, targets and posterior of a heart of whose scar, in segments 7 and 13, nobody tells."""
    problem, anatomy = ventricle(25.0)
    goal = observed(problem)
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


def test_strains_tell_more_of_the_shares(untold):
    """Circumferential and longitudinal strains of the 16 segments, off by 0.01 in each frame and known to 0.03: both
    infarcted segments are lost with a greater probability, and shares are known better."""
    anatomy, aims, without = untold
    curves = planted()[0][:, COUNT:].T + 0.01 * np.random.default_rng(9).standard_normal((len(CURVES), len(PRESSURE)))
    shown = {"strain": curves, "strain_sigma": np.full(curves.shape, 0.03), "strain_seen": np.full(curves.shape, True)}
    names = {name: ("curve", list(of)) for name, of in zip(NAMES, zip(*CURVES, strict=True), strict=True)}
    wanted = aims.assign({name: (("curve", "time"), value) for name, value in shown.items()} | names)
    found = calibration.calibrate(anatomy, wanted, tissue(anatomy), UNTOLD, Mechanics())
    assert set(found.sector.values[np.argsort(found.contraction.values)[:2]]) == {7, 13}
    assert (found.probability_lost.values - without.probability_lost.values)[[6, 12]].min() > 0
    before, after = (np.sqrt(np.diag(one.covariance.values)[-17:-1]) for one in (without, found))
    assert np.median(after / before) < 0.8
    assert np.sqrt(np.mean((found.strain.values - curves) ** 2)) < 0.03


def test_frames_left_out_are_predicted():
    """Of every third frame only the pressure is seen; its volume comes within 3 standard deviations, of prediction and
    noise together, of the planted one, and is less sure than where it was seen."""
    problem, anatomy = ventricle(30.0)
    goal = observed(problem)
    aims = dataset(goal[:, 0], goal[:, 1:].T)
    found = calibration.calibrate(anatomy, aims, tissue(anatomy), Calibration(held_out=3), Mechanics())
    held = np.flatnonzero(found.held_out)
    assert held.tolist() == [3, 6]
    sigma = np.hypot(found.volume_fit_sigma, aims.volume_sigma).values
    assert (np.abs(found.volume - aims.volume).values[held] < 3 * sigma[held]).all()
    assert found.volume_fit_sigma.values[held].min() > found.volume_fit_sigma.values[[1, 2, 4, 5]].max()


def test_what_cannot_be_fitted_is_quarantined():
    """Bounds that exclude the planted values, too few iterations, and volumes that no heart could have: three codes."""
    problem, anatomy = ventricle(30.0)
    goal = observed(problem)
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


def test_a_step_without_equilibrium_is_taken_back(monkeypatch):
    """A trial that quarantines counts as no progress: ``_try`` gives None and the reach shrinks."""
    problem, _ = ventricle(25.0)

    def refuse(*_: object) -> None:
        raise Quarantined("mechanics-diverged", "no equilibrium")

    monkeypatch.setattr(problem, "evaluate", refuse)
    fitting = fit.Fit(problem, Calibration(), (REST, 0.1))

    class Here:
        point = Point(2.0, REST, np.zeros(8), PRESSURE[1:])

    assert fitting._try(Here(), np.zeros(2 + len(fitting.free) + 8)) is None
