"""From the configured drugs of a patient to concentrations and action potentials."""

import numpy as np
import pytest
import xarray as xr
from pytest import approx

from twinbeat import pharmacology, store
from twinbeat.parameters import ConfigurationError, Pharmacology, read
from twinbeat.pharmacology import KNOWN
from twinbeat.pharmacology import patient as stage
from twinbeat.verdicts import Quarantined

DOFETILIDE = {
    "dose": "0.5 mg", "molar_mass": "441.6 g/mol", "clearance": "21 L/h", "central_volume": "0.21 m^3",
    "fraction_unbound": 0.36,
}  # fmt: skip
OWN = DOFETILIDE | {
    "block": {"Na": {"ic50": "2 umol/L"}},
    "binding": {"kmax": 30, "ku": "0.02 1/s", "n": 1.1, "halfmax": 200, "vhalf": "-1 mV"},
}


def image(cycle: float = 600.4) -> xr.Dataset:
    return xr.Dataset({"cycle": ((), cycle)})


def section(drugs: dict, **others: object) -> Pharmacology:
    return Pharmacology(**{"drugs": drugs, "beats": 2, "moments": 3} | others)


@pytest.fixture(scope="module")
def found() -> xr.Dataset:
    """A bolus of 0.5 mg, then another one after 8 h, and what follows until 16 h."""
    return pharmacology.simulate(
        image(), section({"dofetilide": DOFETILIDE | {"route": "bolus", "number": 2, "interval": "8 h"}})
    )


def test_concentration_is_that_of_the_doses(found):
    """0.5 mg in 210 L, 36 % of it free, at 441.6 g/mol: 1.941 nmol/L, falling with k = 0.1 per h; then with another."""
    first = 0.36 * 0.5 / 210 / 441.6 * 1e6
    assert first == approx(1.941, abs=0.001)
    assert found.concentration[0, 0] == approx(first)
    assert float(found.concentration.max()) == approx(first * (1 + np.exp(-0.8)), rel=1e-6)
    assert found.hour[-1] == 16
    assert float(found.concentration[0, -1]) == approx(first * (1 + np.exp(-0.8)) * np.exp(-0.8), rel=1e-6)


def test_moments_are_even_and_at_the_peak(found):
    assert found.moment.values == approx([0, 8, 16])
    assert stage.moments(np.array([[0, 5, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0, 9]]), 3) == [0, 1, 3, 6]


def test_cell_is_that_of_the_patient(found, tmp_path):
    """At the patient's cycle, in whole ms; it can be stored."""
    assert float(found.cycle) == 600 and found.sizes["after_stimulus"] == 600
    assert found.repolarised.all()
    store.publish(found, tmp_path / "drug.zarr")
    assert store.open(tmp_path / "drug.zarr").drug.values.tolist() == ["dofetilide"]


def test_action_potential_follows_the_concentration():
    """A drug that blocks hERG at once falls from 1.9 to 0.4 nmol/L, with a half-blocking concentration of 1 nmol/L: the
    action potential shortens from moment to moment."""
    blocker = DOFETILIDE | {"route": "bolus", "interval": "16 h", "block": {"Kr": {"ic50": "1 nM"}}}
    durations = pharmacology.simulate(image(), section({"blocker": blocker})).duration.values
    assert (np.diff(durations) < -10).all()


def test_drug_of_the_study_acts_as_it_says():
    parameters = section({"new": OWN, "inert": DOFETILIDE | {"block": {}}, "quinidine": DOFETILIDE})
    new, inert, known = (stage.drug(name, one) for name, one in parameters.drugs.items())
    assert new.block["Na"].ic50 == 2000 and new.binding.ku == approx(2e-5) and new.binding.vhalf == -1
    assert inert.block == {} and inert.binding is None
    assert known is KNOWN["quinidine"]


def test_cell_that_does_not_repolarise_without_drugs_stops_the_patient(monkeypatch):
    class Never:
        def repolarised(self):
            return np.array([False])

    monkeypatch.setattr(stage, "control", lambda *_: Never())
    with pytest.raises(Quarantined, match="not-repolarised: a cell without drugs does not repolarise within 600 ms"):
        pharmacology.simulate(image(), section({"dofetilide": DOFETILIDE}))


def test_absent_by_default():
    default = Pharmacology()
    assert not default.given_to("p-01")
    assert section({"new": OWN}).given_to("p-01")
    assert not section({"new": OWN}, patients=["p-02"]).given_to("p-01")


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"dose": "0.5 mL"}, 'drugs.new.dose: expected a mass of drug such as "2 mg", got "0.5 mL"'),
        ({"inhibitors": {"other": "3 nM"}}, "new.inhibitors: expected other drugs of the study, got other"),
        ({"inhibitors": {"new": "3 nM"}}, "new.inhibitors: expected other drugs of the study, got new"),
        ({"block": None}, "drugs.new: binding without block"),
        ({"block": {"hERG": {"ic50": "3 nM"}}}, "hERG"),
        ({"block": {"Kr": {"ic60": "3 nM"}}}, "drugs.new.block.Kr.ic60: unknown key; known here: ic50, h"),
    ],
)
def test_faults_are_named(changed, line):
    with pytest.raises(ConfigurationError) as error:
        read({"pharmacology": {"drugs": {"new": OWN | changed}}})
    assert line in str(error.value)
