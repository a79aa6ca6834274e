"""A small consistent twin with simple formulas: an ellipsoidal heart whose cavity narrows and widens as a cosine."""

import numpy as np
import xarray as xr

from twinbeat import fibers
from twinbeat import surrogate as emulation
from twinbeat.intake.clinical import Clinical, Event, Figure, SetAside, Source, Value
from twinbeat.mesh import synthetic
from twinbeat.parameters import Fibers, Surrogate
from twinbeat.units import KPA_PER_MMHG

CYCLE, FRAMES, FREE = 800.0, 10, (2, 3, 4, 5)
STIFFNESS, SPREAD, TENSION = 1.2, 0.08, 80.0
SHORT, LONG, BASE = (26.0, 36.0), (62.0, 70.0), 16.0
TIME = np.arange(FRAMES) * CYCLE / FRAMES
SQUEEZE = 1 - 0.2 * np.sin(np.pi * TIME / CYCLE) ** 2  # of the cavity's radius; 0.8 in the middle of the cycle


def twin() -> dict[str, xr.Dataset]:
    """All stores of a patient by name, as the stages would publish them."""
    anatomy = _anatomy()
    targets, posterior = _targets(anatomy), _posterior(anatomy)
    image, labels = _image()
    return {
        "image": image,
        "labels": labels,
        "anatomy": anatomy,
        "targets": targets,
        "posterior": posterior,
        "activation": _activation(anatomy),
        "beat": _beat(anatomy),
    }


def clinical(source: Source = "assumed") -> Clinical:
    """75 beats a minute, 120/80 mmHg by cuff, 10 mmHg at end-diastole from this source, scar in segment 7."""
    figures = {
        "heart_rate": Figure(value=75.0, sigma=2.0, source="measured"),
        "systolic": Figure(value=120 * KPA_PER_MMHG, sigma=1.0, source="measured"),
        "diastolic": Figure(value=80 * KPA_PER_MMHG, sigma=1.0, source="measured"),
        "lv_end_diastolic_pressure": Figure(value=10 * KPA_PER_MMHG, sigma=0.5, source=source),
    }
    return Clinical(**figures, scar_segments=(7,))


def dated() -> Clinical:
    """The same with times: a cuff of 200 days before the examination, a potassium, a drug, and 49 rates set aside."""
    old = ("more than 183 days from the examination",)
    values = [
        Value(name="systolic", value=120, unit="mm[Hg]", source="cuff", age_days=200.0, flags=old),
        Value(name="diastolic", value=80, unit="mm[Hg]", source="cuff", flags=("age unknown",)),
        Value(name="potassium", value=4.1, unit="mmol/L", source="laboratory", age_days=-2.0),
    ]
    rate = SetAside(name="heart_rate", value=250, unit="/min", reason="250 /min for 48 hours", source="monitor")
    drug = SetAside(name="medication", reason="its code is not in the mapping", source="other")
    aside = [rate.model_copy(update={"age_days": 3.0 + hour / 24}) for hour in range(49)]
    event = Event(kind="medication", code="C07", words="beta blocker", age_days=90.0)
    dated = {"values": tuple(values), "events": (event,), "set_aside": (*aside, drug)}
    return clinical().model_copy(update=dated | {"ages_from": "imaging study", "mapping": "1"})


def truth(labels: xr.Dataset) -> xr.Dataset:
    """A planted truth that the twin misses by 20 % in stiffness and 0 % in tension, with the very same labels."""
    data = {
        "stiffness": ((), STIFFNESS / 1.2),
        "tension": ("time", _tension()),
        "volume": ("time", 120 * SQUEEZE**2),
        "ejection_fraction": ((), 36.0),
        "labels": labels.labels,
        "origin": labels.origin,
        "directions": labels.directions,
    }
    return xr.Dataset(data, coords=labels.drop_vars("probability").coords, attrs={"kind": "truth"})


def surrogate(posterior: xr.Dataset) -> xr.Dataset:
    """Trained on 16 members whose volumes and pressures are products of powers of the factors."""
    section = Surrogate(members=16, held_out=4)
    ensemble = emulation.sample(posterior, section)
    factors = zip(ensemble.member.values.tolist(), ensemble.factor.values, strict=True)
    return emulation.refresh(ensemble, [_member(number, factor) for number, factor in factors], section)


def drug() -> xr.Dataset:
    """Two drugs over 24 h that prolong the action potential by 40 ms and take 10 nC/µF at 12 h; at 24 h it fails."""
    hours, times = np.linspace(0, 24, 25), np.arange(800.0)
    triangle = np.interp(times, [0, 2, 300], [-88.0, 40.0, -88.0])
    data = {
        "concentration": (("drug", "hour"), [4 * np.exp(-hours / 6), np.linspace(0, 7, 25)]),
        "duration": ("moment", [280.0, 320.0, 300.0]),
        "charge": ("moment", [70.0, 60.0, 65.0]),
        "repolarised": ("moment", [True, True, False]),
        "voltage": (("moment", "after_stimulus"), np.tile(triangle, (3, 1))),
        "baseline_duration": ((), 280.0),
        "baseline_charge": ((), 70.0),
        "baseline_voltage": ("after_stimulus", triangle),
        "cycle": ((), 800.0),
    }
    coords = {"drug": ["first", "second"], "hour": hours, "moment": [0.0, 12.0, 24.0], "after_stimulus": times}
    return xr.Dataset(data, coords=coords)


def _member(number: int, factor: np.ndarray) -> xr.Dataset:
    stiffness, tension, preload, resistance = factor
    phase = np.linspace(0, 2 * np.pi, 41)[:-1]
    largest, stroke = 120 * preload**0.5 / stiffness**0.3, 60 * tension**0.5 / resistance**0.3
    pressure = 12 * tension**0.5 * resistance**0.3
    data = {
        "number": ((), number),
        "factor": ("parameter", factor),
        "volume": ("time", largest - stroke * (1 - np.cos(phase)) / 2),
        "pressure": ("time", pressure * (1.1 + np.sin(phase)) / 2.1),
        "displacement": (("frame", "point", "component"), (stroke / 20) * np.ones((2, 3, 3))),
        "ejection_fraction": ((), 100 * stroke / largest),
        "peak_pressure": ((), pressure),
    }
    coords = {"time": phase, "frame": [0.0, 400.0], "parameter": list(emulation.PARAMETERS)}
    return xr.Dataset(data, coords=coords, attrs={"kind": "member"})


def _anatomy() -> xr.Dataset:
    found = {
        "contour_rms": ("wall", [0.31, 0.42]),
        "slice_position": ("slice", [12.0, 20.0]),
        "slice_shift": (("slice", "component"), [[0.0, 0.0, 0.0], [2.0, 3.0, 0.0]]),
    }
    return fibers.assign(synthetic.ellipsoid(10.0, 1, SHORT, LONG, BASE), Fibers()).assign(found)


def _tension() -> np.ndarray:
    tension = np.zeros(FRAMES)
    tension[list(FREE)] = TENSION * np.array([0.6, 1.0, 0.9, 0.4])
    return tension


def _pressure() -> np.ndarray:
    return (10 + 110 * np.sin(np.pi * TIME / CYCLE) ** 2) * KPA_PER_MMHG


def _targets(anatomy: xr.Dataset) -> xr.Dataset:
    volume, radius = 120 * SQUEEZE**2, 25 * np.ones((16, 1)) * SQUEEZE
    data = {
        "volume": ("time", volume),
        "volume_sigma": ("time", np.full(FRAMES, 2.4)),
        "pressure": ("time", _pressure()),
        "pressure_sigma": ("time", np.full(FRAMES, 0.5)),
        "radius": (("segment", "time"), radius),
        "radius_sigma": (("segment", "time"), np.full((16, FRAMES), 1.5)),
        "end_diastole": ((), 0),
        "end_systole": ((), FRAMES // 2),
        "cycle": ((), CYCLE),
    }
    return xr.Dataset(data, coords={"time": TIME, "segment": np.arange(1, 17)})


def _posterior(anatomy: xr.Dataset) -> xr.Dataset:
    """A fit that is 2 mL too large and 0.5 mm too wide in every frame."""
    sideways = anatomy.points.values * (1.0, 1.0, 0.0)
    names = ["ln stiffness", *(f"tension {frame}" for frame in FREE)]
    data = {
        "stiffness": ((), STIFFNESS),
        "tension": ("time", _tension()),
        "tissue": ("cell", np.where(anatomy.segment.values == 7, 2, 0)),
        "contractile": ("cell", np.where(anatomy.segment.values == 7, 0.0, 1.0)),
        "covariance": (("parameter", "parameter_"), np.diag([SPREAD, 3.0, 4.0, 5.0, 6.0]) ** 2),
        "known": ("parameter", np.array([0.9, 0.4, 0.8, 0.9, 0.95])),
        "information": ("mode", np.array([50.0, 10.0, 5.0, 2.0, 0.5])),
        "volume": ("time", 120 * SQUEEZE**2 + 2),
        "volume_fit_sigma": ("time", np.full(FRAMES, 0.5)),
        "radius": (("segment", "time"), 25 * np.ones((16, 1)) * SQUEEZE + 0.5),
        "pressure": ("time", _pressure()),
        "pressure_fit_sigma": ("time", np.full(FRAMES, 0.1)),
        "displacement": (("time", "point", "component"), (SQUEEZE - 1)[:, None, None] * sideways),
        "unloaded": (("point", "component"), -0.05 * sideways),
        "misfit": ("iteration", np.array([100.0, 10.0, 1.0])),
        "forward_solves": ((), 5),
        "held_out": ("time", np.arange(FRAMES) == 7),
    }
    coords = {"time": TIME, "segment": np.arange(1, 17), "parameter": names, "parameter_": names}
    return xr.Dataset(data, coords=coords)


def _activation(anatomy: xr.Dataset) -> xr.Dataset:
    """A front that rises from the apex at 0.6 mm/ms."""
    points = anatomy.points.values
    time = (points[:, 2] - points[:, 2].min()) / 0.6
    data = {
        "activation": ("point", time),
        "fine_points": (("fine_point", "component"), points),
        "fine_cells": (("fine_cell", "corner"), anatomy.cells.values),
        "fine_activation": ("fine_point", time),
    }
    return xr.Dataset(data)


def _beat(anatomy: xr.Dataset) -> xr.Dataset:
    """An elliptic loop of 60 mL and 100 mmHg, and strains that grow with the number of the segment."""
    phase = np.linspace(0, 2 * np.pi, 81)[:-1]
    pressure = (60 + 50 * np.sin(phase)) * KPA_PER_MMHG
    strain = -0.01 * np.arange(1, 18)[:, None] * np.sin(phase / 2) ** 2
    sideways = anatomy.points.values * (1.0, 1.0, 0.0)
    data = {
        "volume": ("time", 90 + 30 * np.cos(phase)),
        "pressure": ("time", pressure),
        "aortic_pressure": ("time", np.full(80, 90 * KPA_PER_MMHG)),
        "displacement": (("frame", "point", "component"), (SQUEEZE - 1)[:, None, None] * sideways),
        "fiber_strain": (("segment", "time"), strain),
        "tension": ("time", TENSION * np.sin(phase / 2) ** 4),
        "calcium": ("time", 0.1 + 0.7 * np.sin(phase / 2) ** 4),
        "steadiness": ((), 0.004),
    }
    coords = {"time": phase / (2 * np.pi) * CYCLE, "frame": TIME, "segment": np.arange(1, 18)}
    return xr.Dataset(data, coords=coords)


def _image() -> tuple[xr.Dataset, xr.Dataset]:
    """Slices 8 mm apart from base to apex; in plane the septum (RV) is on the left and the anterior wall above."""
    coords = {"time": TIME, "z": 8.0 * np.arange(9), "y": 2.0 * np.arange(64), "x": 2.0 * np.arange(64)}
    z, y, x = np.meshgrid(coords["z"], coords["y"], coords["x"], indexing="ij")
    position = np.stack([64 - x, 64 - y, 4 - z])  # in the heart frame, which is also LPS here
    frames = np.stack([_labelled(position, squeeze) for squeeze in SQUEEZE])
    signal = np.choose(frames, (60.0, 220.0, 90.0, 210.0)) + 8 * np.sin(x) * np.cos(y)
    frame = {
        "origin": ("component", [64.0, 64.0, 4.0]),
        "directions": (("axis", "component"), np.diag([-1.0] * 3)[::-1]),
    }
    image = xr.Dataset({"image": (("time", "z", "y", "x"), signal), "cycle": ((), CYCLE), **frame}, coords=coords)
    image = _chosen(image)
    data = {"labels": (("time", "z", "y", "x"), frames), "cycle": ((), CYCLE), "end_diastole": ((), 0), **frame}
    data |= {"end_systole": ((), FRAMES // 2), "volume_lv": ("time", 120 * SQUEEZE**2)}
    data |= {"shift_removed": (("z", "in_plane"), np.zeros((9, 2)))}
    data |= {"volume_rv": ("time", 130 * SQUEEZE**2), "volume_myocardium": ("time", np.full(FRAMES, 110.0))}
    data |= {"predicted_dice": (("label", "time"), np.full((4, FRAMES), 0.93)), "confidence": ("time", 0.9 * SQUEEZE)}
    labels = xr.Dataset(data, coords=coords)
    soft = np.stack([frames == label for label in range(4)]).astype("f4")
    return image, labels.assign(probability=(("label", "time", "z", "y", "x"), soft)).isel(
        y=slice(4, 60), x=slice(2, 62)
    )


def _chosen(image: xr.Dataset) -> xr.Dataset:
    """The image as the second of two stacks, with slice 3 moved back by 5 mm and slice 4 interpolated in its plane."""
    shift, flags = np.zeros((9, 2)), np.arange(9)
    shift[2] = 3.0, -4.0
    row = {"modality": "MR", "slices": 9, "frames": FRAMES, "series": 1, "angle": 7.0, "spacing": 8.0, "pixel": 2.0}
    reasons = ("9 slices of 64 degrees <from> the short axis", "taken: the only one")
    stacks = [row | {"number": number, "reason": reason} for number, reason in enumerate(reasons, 1)]
    data = {
        "shift_removed": (("z", "in_plane"), shift),
        "shift_found": (("z", "in_plane"), shift + 0.5),
        "shift_judged": ("z", (flags > 0) & (flags < 8)),
        "regridded": ("z", flags == 3),
        "retimed": ("z", flags == 9),
    }
    return image.assign(data).assign_attrs(
        modality="MR", stack=2, stacks=stacks, files=180, refused={"secondary-capture": 2}
    )


def _labelled(position: np.ndarray, squeeze: float) -> np.ndarray:
    """Labels (z, y, x) of voxels at ``position`` (3, z, y, x): inner ellipsoid, outer, RV's disc."""
    e1, e2, e3 = position
    level = (e3 + BASE) / np.array(LONG)[:, None, None, None]
    inner, outer = (
        ((e1**2 + e2**2) / radius**2 + l**2) < 1
        for radius, l in zip((SHORT[0] * squeeze, SHORT[1]), level, strict=True)
    )
    rv = ((e1 - 34) ** 2 + e2**2 < 24**2) & (e3 > -45)
    return np.where(e3 > 1, 0, np.where(inner, 1, np.where(outer, 2, np.where(rv, 3, 0))))
