"""From the course of a study's drugs to what is in the tissue."""

import numpy as np
import pytest
from pytest import approx

from twinbeat.parameters import ConfigurationError, Study, read
from twinbeat.pharmacology import dosed, drugs

COURSE = {
    "route": "bolus", "dose": "0.5 mg", "number": 2, "interval": "8 h", "molar_mass": "441.6 g/mol",
    "clearance": "21 L/h", "central_volume": "0.21 m^3", "fraction_unbound": 0.36,
}  # fmt: skip
PEAK = 0.36 * 0.5 / 210 / 441.6 * 1e6 * (1 + np.exp(-0.8))
"""nM: 0.5 mg in 210 L, 36 % of it free, falling by 0.1 per h, and as much again after 8 h."""
OWN = {"Kr": {"ic50": "3 umol/L"}}


def study(in_tissue: dict, whatif: dict | None = None, given: dict | None = None) -> Study:
    given = {"dofetilide": COURSE, "mine": COURSE | {"block": OWN}} if given is None else given
    sections = {"pharmacology": {"drugs": given}, "electrophysiology": {"drugs": in_tissue}, "whatif": whatif or {}}
    return dosed(read(sections))


def test_the_peak_of_the_course_comes_into_the_tissue():
    found = study({"dofetilide": "peak", "quinidine": "2 umol/L"}).electrophysiology.drugs
    assert found["dofetilide"].concentration == approx(PEAK, rel=1e-6)
    assert found["dofetilide"].block is None
    assert found["quinidine"].concentration == 2000


def test_a_drug_of_the_study_brings_its_block():
    """Also where its concentration is said; what is said in the tissue itself goes before."""
    other = {"Na": {"ic50": "1 umol/L"}}
    drugs_ = study({"mine": "peak"}).electrophysiology.drugs, study({"mine": {"block": other}}).electrophysiology.drugs
    assert [one["mine"].concentration for one in drugs_] == approx([PEAK] * 2, rel=1e-6)
    assert [drugs.channels("mine", one["mine"]) for one in drugs_] == [
        {"Kr": drugs.Hill(3000, 1)},
        {"Na": drugs.Hill(1000, 1)},
    ]
    said = study({"mine": "5 nmol/L"}).electrophysiology.drugs["mine"]
    assert said.concentration == 5 and said.block["Kr"].ic50 == 3000


def test_a_whatif_run_may_ask_for_the_peak():
    """Of one drug; the other, of the twin itself, stays. Runs without drugs of their own stay as they are."""
    runs = {"given": {"electrophysiology": {"drugs": {"dofetilide": "peak"}}}, "bled": {"blood": 0.9}}
    found = study({"quinidine": "2 umol/L"}, runs)
    under = found.whatif["given"].activated_by(found.electrophysiology).drugs
    assert {name: one.concentration for name, one in under.items()} == approx({"dofetilide": PEAK, "quinidine": 2000})
    assert found.whatif["bled"].electrophysiology == {}


@pytest.mark.parametrize(
    ("in_tissue", "fault"),
    [
        ({"quinidine": "peak"}, "electrophysiology.drugs: expected the course of quinidine, whose peak is asked for"),
        ({"aspirin": "1 nmol/L"}, "electrophysiology.drugs: aspirin without block; known without: quinidine, "),
        ({"mine": "1 mm"}, "electrophysiology.drugs.mine.concentration: .*1 mm"),
    ],
)
def test_what_nothing_is_known_of_is_refused(in_tissue, fault):
    with pytest.raises(ConfigurationError, match=fault):
        study(in_tissue)


def test_a_drug_that_is_given_has_to_block_something_known():
    with pytest.raises(ConfigurationError, match=r"pharmacology\.drugs: aspirin without block; known without: "):
        study({}, given={"aspirin": COURSE})
