"""The short clinical file: figures in internal units, assumed where unknown, set aside where impossible, and nobody's
name."""

import json
from functools import partial

import numpy as np
import pytest
from clinical_samples import clean, read
from dicom_samples import stopped
from hypothesis import given
from hypothesis import strategies as st

from twinbeat.intake.clinical import Clinical
from twinbeat.phantom.identity import STYLES, draw
from twinbeat.verdicts import Rejected

FULL = {
    "heart_rate": "70 beat/min",
    "systolic": "118 mmHg",
    "diastolic": "76 mmHg",
    "lv_end_diastolic_pressure": "11 mmHg",
    "lv_pressure": {"time": [0, 100, 300, 600], "pressure": [11, 80, 118, 9]},
    "scar_segments": [13, 7],
}


def test_figures_are_converted():
    """1 mmHg = 0.133322 kPa: 118 mmHg = 15.7320 kPa with 5 mmHg = 0.6666 kPa; the catheter has 1 mmHg."""
    found = clean(FULL)
    assert found.systolic.value == pytest.approx(15.7320, abs=1e-4)
    assert found.systolic.sigma == pytest.approx(0.66661, abs=1e-4)
    assert found.lv_end_diastolic_pressure.value == pytest.approx(1.46655, abs=1e-4)
    assert found.lv_pressure.pressure[1] == pytest.approx(10.66579, abs=1e-4)
    assert found.lv_pressure.sigma == found.lv_end_diastolic_pressure.sigma == pytest.approx(0.133322, abs=1e-5)
    assert found.scar_segments == (7, 13) and found.heart_rate.value == 70


def test_a_mean_of_beats_is_more_certain():
    """The mean of 16 beats has a quarter of one beat's standard deviation of 0.133322 kPa."""
    trace = FULL["lv_pressure"] | {"beats": 16}
    assert clean(FULL | {"lv_pressure": trace}).lv_pressure.sigma == pytest.approx(0.0333306, abs=1e-6)


def test_unknown_figures_are_assumed_with_a_larger_sigma():
    """An empty file: the population's 120 over 80 and 10 mmHg, and 75 beats a minute from the cycle of 800 ms."""
    found, known = clean({}), clean(FULL)
    assert found.heart_rate.value == pytest.approx(75) and found.heart_rate.source == "measured"
    assert found.diastolic.value == pytest.approx(80 * 0.1333224, abs=1e-5)
    for name in ("systolic", "diastolic", "lv_end_diastolic_pressure"):
        assert getattr(found, name).source == "assumed"
        assert getattr(found, name).sigma > getattr(known, name).sigma
    assert found.lv_pressure is None and found.scar_segments == ()


@pytest.mark.parametrize("style", STYLES)
def test_no_identifier_of_the_clinical_file_survives(style, tmp_path):
    identity = draw(np.random.default_rng(5), style)
    path = tmp_path / "clinical.json"
    path.write_text(clean(identity.clinical(FULL)).model_dump_json())
    assert not any(planted in path.read_text() for planted in identity.planted())
    assert Clinical.read(path) == clean(FULL)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"systolic": "118 mm"}, 'systolic: found a str that is no quantity; expected a text such as "80 mmHg"'),
        ({"systolic": 118}, "systolic: found a int that is no quantity"),
        ({"lv_pressure": [1]}, "lv_pressure: found a list; expected an object of two lists"),
        ({"lv_pressure": {"time": [0, 1]}}, "lv_pressure.pressure: found something else; expected a list of finite"),
        ({"lv_pressure": {"time": [0], "pressure": [1]}}, "lv_pressure: found 1 times and 1 pressures"),
        ({"lv_pressure": {"time": [5, 4], "pressure": [1, 2]}}, "lv_pressure.time: found 5 to 4 ms; expected rising"),
        ({"lv_pressure": {"time": [0, 9], "pressure": [1, 900]}}, "lv_pressure.pressure: found 1 to 900 mmHg"),
        (
            {"lv_pressure": {"time": [0, 9], "pressure": [1, float("nan")]}},
            "lv_pressure.pressure: found something else",
        ),
        ({"lv_pressure": FULL["lv_pressure"] | {"beats": 0}}, "lv_pressure.beats: found 0; expected the number"),
        ({"lv_pressure": FULL["lv_pressure"] | {"beats": "x"}}, "lv_pressure.beats: found a str; expected the number"),
        ({"lv_pressure": {"time": [0, 10**400], "pressure": [1, 2]}}, "lv_pressure.time: found something else"),
        ({"scar_segments": 7}, "scar_segments: found something else; expected a list of AHA segments"),
        ({"systolc": "118 mmHg"}, "the clinical file has a key that is nearly systolic"),
    ],
)
def test_implausible_figures_are_refused(change, message):
    error = stopped(clean, FULL | change)
    assert error.message.startswith(message)


@pytest.mark.parametrize(
    ("change", "name", "reason"),
    [
        ({"heart_rate": "700 beat/min"}, "heart_rate", "700 /min is outside of 25 to 250 /min"),
        ({"diastolic": "130 mmHg"}, "diastolic", "diastolic 130 mm[Hg]; expected less than the systolic 118 mm[Hg]"),
        ({"scar_segments": [7, 18]}, "scar_segment", "18 is outside of 1 to 17"),
        ({"scar_segments": [7, 2.5]}, "scar_segment", "2.5 is no whole number"),
        ({"scar_segments": [7, "x"]}, "scar_segment", "it is no number"),
    ],
)
def test_an_impossible_value_is_set_aside_or_stops_the_patient(change, name, reason):
    """The configuration decides; a figure without its value is assumed from the population."""
    found = clean(FULL | change)
    assert (name, reason) in [(one.name, one.reason) for one in found.set_aside]
    if name == "diastolic":
        assert found.systolic.source == found.diastolic.source == "assumed"
    assert stopped(partial(clean, implausible="reject"), FULL | change).message.endswith(reason)


@pytest.mark.parametrize("text", ["no JSON: Grünwald", "[1, 2]", '"x"', "[" * 100_000, b"\xff{}"])
def test_a_file_that_is_no_object_is_refused(text):
    error = stopped(read, text, "clinical.json")
    assert error.code == "clinical-file" and "Grünwald" not in error.message


keys = st.sampled_from(["heart_rate", "systolic", "lv_pressure", "scar_segments", "time", "pressure", "beats", "name"])
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("70 beat/min")
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))


@given(st.dictionaries(keys, trees, max_size=5))
def test_no_content_does_anything_but_be_cleaned_or_refused(content):
    """Whatever stands where: finite figures (NaN has no place in the model), or one coded reason."""
    try:
        assert clean(content).systolic.sigma > 0
    except Rejected as error:
        assert error.code.startswith("clinical-")


def test_a_verdict_in_the_place_of_figures_is_raised_again(tmp_path):
    """What stage.job writes instead of clinical.json when the patient has been stopped before."""
    verdict = {"kind": "rejected", "code": "missing-slice", "message": "slice 7 is missing", "stage": "import_image"}
    path = tmp_path / "clinical.json"
    path.write_text(json.dumps({"kind": "verdict", "verdict": verdict}))
    error = stopped(Clinical.read, path)
    assert (error.kind, error.code, error.stage) == ("rejected", "missing-slice", "import_image")
