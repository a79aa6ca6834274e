"""What a finished twin says, how well it fits, and how near it comes to a planted truth."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .fibers import SEGMENTS
from .mesh import cell_volumes, wall_volume
from .mesh.quality import aspects, dihedral_angles
from .overlap import dice
from .units import KPA_PER_MMHG
from .variables import VARIABLES

MYOCARDIAL_DENSITY = 1.05  # g/mL; Vinnakota & Bassingthwaighte 2004, doi 10.1152/ajpheart.00478.2003
JOULE_PER_MMHG_ML = KPA_PER_MMHG * 1e-3  # 1 kPa mL = 1 mJ
TOLERANCES = {"stiffness_recovery": 15.0, "tension_recovery": 15.0, "ejection_fraction_recovery": 3.0}
"""Largest accepted distance from a planted truth: %, % and points."""

TWO_SIDED_90 = 1.645
CALLED = 0.25
"""Probability of lost contraction from which on a segment is called infarcted: that of a share of which nothing is
known but its prior, N(1, 0.75), so that data speak for an infarct."""
DICE = {"dice_blood": 1, "dice_myocardium": 2, "dice_rv": 3}
Array = NDArray[np.float64]


def assess(
    labels: xr.Dataset,
    anatomy: xr.Dataset,
    targets: xr.Dataset,
    posterior: xr.Dataset,
    activation: xr.Dataset,
    beat: xr.Dataset,
    surrogate: xr.Dataset | None = None,
    truth: xr.Dataset | None = None,
) -> xr.Dataset:
    """The figures of one twin (variables ``assessment``), with those of the surrogate and of the recovery where there
    is one and a ``truth``."""
    figures: dict[str, object] = {
        **_function(targets, posterior),
        **_beat(beat),
        **_parameters(posterior),
        **_fit(targets, posterior),
        **_anatomy(anatomy),
        "contractility": _contractility(anatomy, posterior),
        "activation_time": np.ptp(activation.activation.values),
    } | {name: float(activation[name]) for name in ("qrs_duration", "qt_interval") if name in activation}
    if "probability_lost" in posterior:
        figures["probability_lost"] = posterior.probability_lost.values
    if surrogate is not None:
        figures |= _surrogate(surrogate)
    if truth is not None:
        figures |= recovery(targets, posterior, truth) | _overlap(labels, truth)
    return _dataset(figures, beat)


def ejection_fraction(volume: Array, diastole: int | None = None) -> float:
    """Share of the end-diastolic volume (time,) that leaves the heart, in %; end-diastole is a frame or the largest."""
    largest = volume.max() if diastole is None else volume[diastole]
    return float(100 * (1 - volume.min() / largest))


def ejection_sigma(targets: xr.Dataset) -> float:
    """Standard deviation in % of the targets' ejection fraction, 100 (1 - S/D), to first order in both volumes."""
    frames = [int(targets.end_diastole), int(targets.volume.argmin())]
    (full, empty), (of_full, of_empty) = targets.volume.values[frames], targets.volume_sigma.values[frames]
    return float(100 * np.hypot(of_empty / full, empty * of_full / full**2))


def loop_area(volume: Array, pressure: Array) -> float:
    """Area of the closed loop (time,) in mL mmHg by the shoelace formula; positive where the heart works."""
    return float(0.5 * np.sum(volume * np.roll(pressure, -1) - np.roll(volume, -1) * pressure))


def segment_mean(values: Array, anatomy: xr.Dataset) -> Array:
    """Volume-weighted mean of a cell quantity (cell,) over each AHA segment; 0 for a segment without cells."""
    weight = cell_volumes(anatomy.points.values, anatomy.cells.values)
    index = anatomy.segment.values.astype(int) - 1
    total = np.bincount(index, weight, len(SEGMENTS))
    return np.bincount(index, weight * values, len(SEGMENTS)) / np.where(total > 0, total, 1)


def _function(targets: xr.Dataset, posterior: xr.Dataset) -> dict[str, float]:
    volume, diastole = targets.volume.values, int(targets.end_diastole)
    return {
        "end_diastolic_volume": volume[diastole],
        "end_systolic_volume": volume.min(),
        "stroke_volume": volume[diastole] - volume.min(),
        "ejection_fraction": ejection_fraction(volume, diastole),
        "fitted_ejection_fraction": ejection_fraction(posterior.volume.values, diastole),
    }


def _beat(beat: xr.Dataset) -> dict[str, object]:
    volume, pressure = beat.volume.values, beat.pressure.values / KPA_PER_MMHG
    return {
        "beat_ejection_fraction": ejection_fraction(volume),
        "beat_peak_pressure": pressure.max(),
        "stroke_work": loop_area(volume, pressure) * JOULE_PER_MMHG_ML,
        "loop_volume": volume,
        "loop_pressure": pressure,
        "peak_strain": beat.fiber_strain.values.min(axis=1),
        "steadiness": float(beat.steadiness),
    } | (_right(beat) if "right_volume" in beat else {})


def _right(beat: xr.Dataset) -> dict[str, object]:
    volume, pressure = beat.right_volume.values, beat.right_pressure.values / KPA_PER_MMHG
    return {
        "right_end_diastolic_volume": volume.max(),
        "right_ejection_fraction": ejection_fraction(volume),
        "right_peak_pressure": pressure.max(),
        "stroke_difference": beat.attrs["stroke_difference"],
    }


def _parameters(posterior: xr.Dataset) -> dict[str, float]:
    """Mean and standard deviation; that of the stiffness from the one of its logarithm, to first order."""
    tension, sigma = posterior.tension.values, tension_sigma(posterior)
    peak = int(tension.argmax())
    stiffness = float(posterior.stiffness)
    return {
        "stiffness": stiffness,
        "stiffness_sigma": stiffness * float(np.sqrt(posterior.covariance.values[0, 0])),
        "peak_tension": tension[peak],
        "peak_tension_sigma": sigma[peak],
    }


def interval(mean: float, sigma: float) -> tuple[float, float]:
    """The central 90 % of a normal distribution."""
    return mean - TWO_SIDED_90 * sigma, mean + TWO_SIDED_90 * sigma


def wilson(hits: float, count: float) -> tuple[float, float]:
    """The 90 % interval of a share of hits (Wilson 1927, doi 10.1080/01621459.1927.10502953)."""
    share, z = hits / count, TWO_SIDED_90
    middle, width = share + z**2 / (2 * count), z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return (middle - width) / (1 + z**2 / count), (middle + width) / (1 + z**2 / count)


def tension_sigma(posterior: xr.Dataset) -> Array:
    """Standard deviation (time,) of the tensions in kPa; 0 for the frames whose tension was not free."""
    sigma, names = np.zeros(posterior.sizes["time"]), posterior.parameter.values.tolist()
    for name, variance in zip(names, np.diag(posterior.covariance.values), strict=True):
        if name.startswith("tension "):
            sigma[int(name.removeprefix("tension "))] = np.sqrt(variance)
    return sigma


def _fit(targets: xr.Dataset, posterior: xr.Dataset) -> dict[str, float]:
    """How near the fit comes to all targets; and to the volumes of frames that were left out, where there are any, in
    standard deviations of target and prediction together."""
    volume, radius = posterior.volume - targets.volume, posterior.radius - targets.radius
    scaled = [(volume / targets.volume_sigma).values.ravel(), (radius / targets.radius_sigma).values.ravel()]
    held, sigma = posterior.held_out.values.astype(bool), np.hypot(targets.volume_sigma, posterior.volume_fit_sigma)
    further = {"prediction": _rms((volume / sigma).values[held])} if held.any() else {}
    if "strain" in targets and (seen := targets.strain_seen.values).any():
        further["strain_error"] = _rms((posterior.strain - targets.strain).values[seen])
    return further | {
        "volume_error": _rms(volume.values),
        "radius_error": _rms(radius.values),
        "residual": _rms(np.concatenate(scaled)),
    }


def _anatomy(anatomy: xr.Dataset) -> dict[str, float]:
    points, cells = anatomy.points.values, anatomy.cells.values
    return {
        "myocardial_mass": wall_volume(points, cells) * MYOCARDIAL_DENSITY,
        "smallest_dihedral": dihedral_angles(points, cells).min(),
        "largest_aspect": aspects(points, cells).max(),
    }


def _contractility(anatomy: xr.Dataset, posterior: xr.Dataset) -> Array:
    return segment_mean(posterior.contractile.values, anatomy) * float(posterior.tension.max())


def _surrogate(surrogate: xr.Dataset) -> dict[str, float]:
    error, coverage = surrogate.error.values, surrogate.coverage.values
    return {"surrogate_error": 100 * error.max(), "surrogate_coverage": 100 * coverage.mean()}


def recovery(targets: xr.Dataset, posterior: xr.Dataset, truth: xr.Dataset) -> dict[str, float]:
    """Like against like: the fitted tension of a frame stands for the planted mean of healthy muscle at that frame."""
    figures = _function(targets, posterior) | _parameters(posterior)
    planted = {"stiffness": float(truth.stiffness), "peak_tension": float(truth.tension.max())}
    stiffness, tension = (100 * (figures[name] / value - 1) for name, value in planted.items())
    points = figures["fitted_ejection_fraction"] - float(truth.ejection_fraction)
    return {"stiffness_recovery": stiffness, "tension_recovery": tension, "ejection_fraction_recovery": points}


def recognition(scar: Array, lost: Array, called: float = CALLED) -> dict[str, int]:
    """Numbers of infarcted and of other segments, and how many of each are told as such, of the share of ``scar`` in
    each and the probability that it has ``lost`` its contraction: infarcted are those with scar in half of their muscle
    or more, told those whose probability is above ``called``."""
    planted, told = np.asarray(scar) >= 0.5, np.asarray(lost) > called
    return {
        "infarcted": int(planted.sum()),
        "found": int((planted & told).sum()),
        "sound": int((~planted).sum()),
        "spared": int((~planted & ~told).sum()),
    }


def _overlap(labels: xr.Dataset, truth: xr.Dataset) -> dict[str, float]:
    """Dice over all frames and slices, on the truth's grid, so that nothing outside the labels' crop is forgiven."""
    found, planted = on_grid_of(truth, labels), truth.labels.values
    return {name: float(dice(found == label, planted == label)) for name, label in DICE.items()}


def on_grid_of(truth: xr.Dataset, labels: xr.Dataset) -> NDArray[np.integer]:
    """The label (time, z, y, x) nearest to each voxel of the truth, in LPS and in time; background off the grid.

    The truth lies where the scanner saw it: in slices that import moved back, before that.
    """
    voxels = np.stack(np.meshgrid(truth.z, truth.y, truth.x, indexing="ij"), axis=-1)
    lps = truth.origin.values + voxels @ truth.directions.values
    own = (lps - labels.origin.values) @ labels.directions.values.T
    level = np.clip(_index(labels.z.values, own[..., 0]), 0, labels.sizes["z"] - 1)
    own[..., 1:] -= labels.shift_removed.values[level]
    index = np.stack([_index(labels[axis].values, own[..., i]) for i, axis in enumerate("zyx")])
    size = np.array([labels.sizes[axis] for axis in "zyx"])[:, None, None, None]
    frame = np.abs(labels.time.values - truth.time.values[:, None]).argmin(axis=1)
    found = labels.labels.values[(frame[:, None, None, None], *np.clip(index, 0, size - 1))]
    return np.where(((index >= 0) & (index < size)).all(axis=0), found, 0)


def _index(axis: Array, value: Array) -> NDArray[np.integer]:
    """Index of the nearest point of an evenly spaced axis; below 0 or from its length on where there is none."""
    step = (axis[-1] - axis[0]) / (len(axis) - 1)
    return np.rint((value - axis[0]) / step).astype(int)


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _dataset(figures: dict[str, object], beat: xr.Dataset) -> xr.Dataset:
    table = VARIABLES["assessment"]
    data = {name: (table[name].dims, np.asarray(value, dtype=float)) for name, value in figures.items()}
    return xr.Dataset(data, coords={"time": beat.time.values, "segment": SEGMENTS})
