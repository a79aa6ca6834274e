"""Drugs in tissue: how much of each current is left, and what that does to the action potential."""

import numpy as np
import pytest
from pytest import approx

from twinbeat import ionic, pharmacology
from twinbeat.electrophysiology import block, reaction
from twinbeat.electrophysiology.mosaic import Patch
from twinbeat.parameters import ConfigurationError, Electrophysiology, InPlasma, read

DOFETILIDE = pharmacology.KNOWN["dofetilide"].block["Kr"].ic50


def at(**concentrations: float) -> dict[str, InPlasma]:
    """Drugs of CiPA at concentrations in nM."""
    return {name: InPlasma(concentration=f"{value} nmol/L") for name, value in concentrations.items()}


@pytest.mark.parametrize("name", ["tentusscher_panfilov_2006_epi", "torord_dyncl_mid"])
def test_channels_have_parameters_in_every_model(name):
    """Half of hERG is left at the half-blocking concentration, of the others what Hill's law says; shares multiply."""
    cell = ionic.load(name)
    conductances = block.CONDUCTANCES[name.rsplit("_", 1)[0]]
    assert set(conductances.values()) <= set(cell.parameters)
    assert set(conductances) <= set(pharmacology.CHANNELS)
    alone = block.left(cell, at(dofetilide=DOFETILIDE))
    assert alone[conductances["Kr"]] == approx(0.5)
    other = block.left(cell, at(quinidine=3237.0))
    both = block.left(cell, at(dofetilide=DOFETILIDE, quinidine=3237.0))
    assert both == approx({parameter: alone[parameter] * other[parameter] for parameter in both})
    assert other[conductances["Na"]] == approx(1 / (1 + (3237 / 12330) ** 1.494))


def test_scaled_parameters_multiply_and_others_stay():
    cell = ionic.load("torord_dyncl_endo")
    values = dict(zip(cell.parameters, block.scaled(cell, {"GNa": 0.5}, {"GNa": 0.5, "GKr_b": 0.3}), strict=True))
    unpaced = dict(zip(cell.parameters, cell.unpaced(), strict=True))
    changed = {"GNa": 0.25 * cell.parameters["GNa"], "GKr_b": 0.3 * cell.parameters["GKr_b"]}
    assert values == approx(unpaced | changed)


def test_half_of_herg_prolongs_the_action_potential():
    """In ToR-ORd IKr carries most of the late repolarising current: half of it takes longer by far more than the error
    of a duration (2 ms of 266), and less than twice as long, since the other currents grow meanwhile."""
    cell, parameters = ionic.load("torord_dyncl_endo"), Electrophysiology(cell="torord_dyncl_endo")
    shares = [{}, block.left(cell, at(dofetilide=DOFETILIDE))]
    kinds = [Patch(cell, block.scaled(cell, share), np.array([index])) for index, share in enumerate(shares)]
    usual, longer = reaction.courses(kinds, parameters).duration
    assert usual == approx(266, abs=15)
    assert 1.1 < longer / usual < 2


def test_a_drug_of_your_own_blocks_what_it_says():
    """Half of IKr and, at a third of 3 umol/L with h = 2, a tenth of INa; hERG alone is what its name's drug blocks."""
    block_ = {"Kr": {"ic50": "1 umol/L"}, "Na": {"ic50": "3 umol/L", "h": 2}}
    cell = ionic.load("torord_dyncl_endo")
    found = block.left(cell, {"dofetilide": InPlasma(concentration="1 umol/L", block=block_)})
    assert (found["GKr_b"], found["GNa"]) == approx((0.5, 0.9))
    assert found["PCa_b"] == 1


def test_a_peak_that_nobody_said_is_refused():
    with pytest.raises(ValueError, match="dofetilide: expected a concentration, got the peak of a course"):
        block.left(ionic.load("torord_dyncl_endo"), {"dofetilide": InPlasma()})


def test_bueno_orovio_has_no_channels():
    config = {"electrophysiology": {"cell": "bueno_orovio_2008_epi", "drugs": {"dofetilide": "2 nmol/L"}}}
    with pytest.raises(ConfigurationError, match="drugs: expected cells with ion channels, got bueno_orovio_2008_epi"):
        read(config)
