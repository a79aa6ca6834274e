"""Units at the door."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbeat import units


def test_spelling_of_a_unit_does_not_matter():
    """0.4 cm = 4 mm exactly, although 0.4 * 10 is not 4 in every route through binary floats."""
    assert units.convert("0.4 cm", "mm") == units.convert("4 mm", "mm") == units.convert("4000 um", "mm") == 4.0


def test_internal_units_need_no_factor_in_mechanics():
    """1 kPa = 1 mN/mm^2, so that stress times area is force without a factor."""
    assert units.convert("1 kPa", "mN/mm^2") == 1.0
    assert units.convert("1 mmHg", "kPa") == pytest.approx(units.KPA_PER_MMHG, rel=1e-11)


@pytest.mark.parametrize("value", ["2 ms", "mm", "two mm", "", 2, 2.0, None, True, ["2 mm"], "nan mm", "inf mm"])
def test_what_is_no_length_is_named(value):
    with pytest.raises(ValueError, match='expected a length such as "2 mm", got'):
        units.convert(value, "mm", "length")


@given(st.floats(min_value=1e-6, max_value=1e6), st.sampled_from(["mm", "kPa", "ms", "mmHg*s/mL"]))
def test_text_round_trip(number, unit):
    """Twelve digits are kept, and reading the written text again changes nothing."""
    written = units.text(number, unit)
    read = units.convert(written, unit)
    assert read == pytest.approx(number, rel=1e-11)
    assert units.text(read, unit) == written
