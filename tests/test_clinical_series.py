"""Series of clinical values: units, clocks, duplicates, what cannot be, and which value counts."""

from datetime import UTC, datetime
from functools import partial

import pytest
from clinical_samples import EXAMINATION, USUAL, Row, bundle, clean, read, table
from dicom_samples import stopped
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from twinbeat.intake.clinical import mapping, ucum
from twinbeat.intake.clinical.records import instant
from twinbeat.verdicts import Rejected


def by_name(found):
    return {value.name: value for value in found.values}


def hourly(rate: float, hours: int) -> tuple[Row, ...]:
    """A heart rate at every full hour from 10 January 2020, 00:00 UTC on; ``hours`` later the last."""
    days = [f"2020-01-{10 + hour // 24:02d}T{hour % 24:02d}:00:00+00:00" for hour in range(hours + 1)]
    return tuple(Row("heart_rate", rate, "/min", day, "monitor") for day in days)


def test_the_usual_patient():
    """Examination on 31 January at noon: the monitor's value is 1 h = 0.04 d old (0.0 to a tenth), the catheter's 5 d,
    the laboratory's of 1 June 244 d. 1.1 mg/dL of creatinine over 113.12 g/mol is 97.24 umol/L."""
    found = clean(table(USUAL))
    values = by_name(found)
    assert found.systolic.value == approx(15.7320, abs=1e-4) and found.systolic.source == "measured"
    assert found.scar_segments == (7, 13)
    assert values["heart_rate"].age_days == 0.0 and values["heart_rate"].source == "monitor"
    assert values["lv_end_diastolic_pressure"].age_days == 5.0
    assert (values["creatinine"].value, values["creatinine"].unit) == (approx(97.24, abs=0.01), "umol/L")
    assert values["creatinine"].age_days == 244.0
    assert found.ages_from == "examination row" and found.mapping == mapping.load().version


def test_old_data_are_flagged():
    """244 days are more than the default of 183, and fewer than 300."""
    flags = by_name(clean(table(USUAL)))["creatinine"].flags
    assert flags == ("more than 183 days from the examination",)
    assert not by_name(clean(table(USUAL), oldest="300 day"))["creatinine"].flags
    assert not by_name(clean(table(USUAL)))["heart_rate"].flags


def test_a_value_without_a_time_says_so():
    """A year alone gives no age; the value counts, with a flag."""
    for time in ("", "2019", "2019-06"):
        value = by_name(clean(table((Row("heart_rate", 70, "/min", time),))))["heart_rate"]
        assert (value.age_days, value.flags) == (None, ("age unknown",))


def test_ages_count_from_the_latest_value_where_nothing_tells_of_the_examination():
    """Of 26, 30 and 31 January (11:00) the last is age 0, so that of 26 January, 12:00, is 4.96 days old."""
    found = clean(table(USUAL, examination=""))
    assert found.ages_from == "latest value"
    assert by_name(found)["lv_end_diastolic_pressure"].age_days == 5.0
    assert by_name(found)["heart_rate"].age_days == 0.0


def test_the_value_nearest_to_the_examination_counts():
    """2 days before, 1 day after, and one without a time, which counts only where it is alone."""
    rows = [("64", "2020-01-29T12:00:00Z"), ("72", "2020-02-01T12:00:00Z"), ("90", "")]
    found = by_name(clean(table(tuple(Row("heart_rate", value, "/min", time) for value, time in rows))))["heart_rate"]
    assert (found.value, found.age_days, found.measurements) == (72, -1.0, 3)


def test_clocks_are_corrected():
    """The monitor is 90 min ahead: its value of 13:00 was taken at 11:30, nearer to noon than that of 11:15."""
    rows = (
        Row("heart_rate", 70, "/min", "2020-01-31T11:15:00Z", "cuff"),
        Row("heart_rate", 80, "/min", "2020-01-31T13:00:00Z", "monitor"),
    )
    assert clean(table(rows)).heart_rate.value == 70
    assert clean(table(rows), clocks={"cuff": "0 s", "monitor": "90 minute"}).heart_rate.value == 80


def test_duplicates_are_one():
    """The same rate at the same moment, written by another source in another zone and, once its clock is right, too."""
    rows = (
        Row("heart_rate", 70, "/min", "2020-01-31T11:00:00+00:00", "monitor"),
        Row("heart_rate", 70.0, "{beats}/min", "2020-01-31T12:00:00+01:00", "ward system"),
        Row("heart_rate", 70.0, "bpm", "2020-01-31T11:00:30+00:00", "cuff"),
    )
    found = by_name(clean(table(rows), clocks={"monitor": "0 s", "cuff": "30 s"}))["heart_rate"]
    assert found.measurements == 1 and found.source in ("cuff", "monitor")


def test_a_rate_of_250_for_48_hours_is_set_aside():
    """49 values at full hours from 250 /min: each may be, all together not; the rate is then that of the image, 75 /min
    for a cycle of 800 ms."""
    found = clean(table(hourly(250, 48)))
    assert len(found.set_aside) == 49 and found.heart_rate.value == approx(75)
    assert found.set_aside[0].reason == "220 /min or more for 48 hours; expected less than 6 hours"
    assert stopped(partial(clean, implausible="reject"), table(hourly(250, 48))).code == "clinical-value"


def test_a_short_run_stays():
    """Five hours of 225 /min may be a tachycardia, and so may two runs of four hours with a rest between, and two
    single values two days apart."""
    assert not clean(table(hourly(225, 5))).set_aside
    assert not clean(table(hourly(225, 48)[::48])).set_aside
    rest = Row("heart_rate", 80, "/min", "2020-01-10T04:30:00Z", "monitor")
    assert not clean(table((*hourly(225, 4), rest, *hourly(225, 8)[5:]))).set_aside


def test_one_value_may_hold_for_a_period():
    """A single observation of 250 /min from 1 to 3 January."""
    row = Row("heart_rate", 250, "/min", "2020-01-01T00:00:00Z", "monitor", "2020-01-03T00:00:00Z")
    assert [one.value for one in clean(bundle((row,))).set_aside] == [250]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (Row("systolic", 1180, "mm[Hg]"), "1180 mm[Hg] is outside of 50 to 300 mm[Hg]"),
        (Row("systolic", "118,5", "mm[Hg]"), "it is no number"),
        (Row("systolic", "nan", "mm[Hg]"), "it is no number"),
        (Row("systolic", "9" * 5000, "mm[Hg]"), "it is no number"),
        (Row("systolic", 118, "Grünwald"), "its unit is not known"),
        (Row("systolic", 118, "mmol/L"), "its unit does not go with mm[Hg]"),
        (Row("systolic", 118, "mm[Hg]", "yesterday"), "its time is no ISO 8601 date"),
        (Row("systolic", 118, "mm[Hg]", "0001-01-01"), "its time is not between the years 1900 and 2199"),
        (Row("potassium", 4, "mg/dL"), "its unit does not go with mmol/L"),
    ],
)
def test_what_cannot_be_used_is_named(row, reason):
    found = clean(table((row,)))
    assert [(one.name, one.reason) for one in found.set_aside] == [(row.name, reason)]
    assert not found.values and found.systolic.source == "assumed"


def test_pressures_that_contradict_each_other_give_way_to_the_next_pair():
    """130 over 118 of the same day cannot be; the pair of the day before counts."""
    rows = (
        Row("systolic", 118, "mm[Hg]", "2020-01-31"), Row("diastolic", 130, "mm[Hg]", "2020-01-31"),
        Row("systolic", 121, "mm[Hg]", "2020-01-30"), Row("diastolic", 79, "mm[Hg]", "2020-01-30"),
    )  # fmt: skip
    found = clean(table(rows))
    assert [one.value for one in found.set_aside] == [118, 130]
    assert found.systolic.value / found.diastolic.value == approx(121 / 79)


@pytest.mark.parametrize(
    ("value", "unit", "wanted", "expected"),
    [
        (60, "/min", "/min", 60),
        (1, "/s", "/min", 60),
        (16, "kPa", "mm[Hg]", 120.009),  # 7.500617 mmHg in 1 kPa
        (70, "[in_i]", "cm", 177.8),
        (154, "[lb_av]", "kg", 69.853),  # 0.45359237 kg in a pound
        (140, "g/L", "g/dL", 14),
        (4.1, "meq/L", "mmol/L", 4.1),  # an equivalent is a mole in UCUM
        (300, "ng/L", "pg/mL", 300),
    ],
)
def test_units_of_the_clinic(value, unit, wanted, expected):
    assert ucum.number(value, unit, wanted) == approx(expected, rel=1e-4)


def test_qrs_duration_comes_in_ms():
    """By its LOINC code, 0.096 s; 960 ms cannot be."""
    found = clean(table((Row("qrs_duration", 0.096, "s"),)))
    assert found.measured("qrs_duration") == approx(96.0) and found.measured("potassium") is None
    assert (
        clean(table((Row("qrs_duration", 960, "ms"),))).set_aside[0].reason.startswith("960 ms is outside of 40 to 300")
    )


def test_the_mapping_is_sound():
    """Each code means one quantity, each unit is known, each lower bound is below the upper one."""
    quantities = mapping.load().quantities.values()
    codes = [code for quantity in quantities for code in quantity.codes]
    assert len(codes) == len(set(codes))
    assert all(ucum.number(1.0, one.unit, one.unit) == 1 and one.bounds[0] < one.bounds[1] for one in quantities)


def test_the_longest_beginning_of_a_code_counts():
    table = mapping.load().model_copy(update={"medication": {"C0": "short", "C07": "long"}})
    assert table.event("medication", ["icd-10:C07", "atc:C07AB02"]) == ("C07", "long")
    assert table.event("medication", ["atc:X01"]) is None


def test_a_day_is_its_midnight_and_a_zone_is_kept():
    assert instant("2020-01-31") == datetime(2020, 1, 31, tzinfo=UTC)
    assert instant("2020-01-31T01:00:00+02:00", 60.0) == datetime(2020, 1, 30, 22, 59, tzinfo=UTC)


@given(st.text(max_size=30))
def test_no_unit_reaches_pint_unread(text):
    """Any text is a unit that we know, or an error that does not quote it."""
    try:
        assert set(ucum.pint_unit(text)) <= set("abcdefghijklmnopqrstuvwxyzPH()*/0123456789")
    except ValueError as error:
        assert str(error) == "its unit is not known"


times = st.datetimes(datetime(2019, 1, 1), datetime(2021, 1, 1)).map(lambda time: time.isoformat() + "+00:00")
names = st.sampled_from([name for name in mapping.load().quantities if name != "scar_segment"])


@st.composite
def rows(draw):
    name = draw(names)
    low, high = mapping.load().quantities[name].bounds
    value = draw(st.floats(low, high).map(lambda x: float(f"{x:.6g}")))
    return Row(name, value, mapping.load().quantities[name].unit, draw(times), draw(st.sampled_from(["cuff", "?"])))


@given(st.lists(rows(), max_size=12).map(tuple))
def test_a_table_and_a_bundle_of_the_same_rows_give_the_same(rows):
    """All but what tells of the examination, which is a row in one and an imaging study in the other."""
    of_table, of_bundle = clean(table(rows)), clean(bundle(rows))
    assert (of_table.ages_from, of_bundle.ages_from) == ("examination row", "imaging study")
    assert of_table.model_copy(update={"ages_from": "imaging study"}) == of_bundle


@given(st.text() | st.lists(st.lists(st.text(max_size=6), min_size=6, max_size=6)).map(str))
def test_no_table_does_anything_but_be_cleaned_or_refused(text):
    for content in (text, table(USUAL) + text):
        try:
            assert clean(content).systolic.sigma > 0
        except Rejected as error:
            assert error.code.startswith("clinical-")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the clinical table has other columns; expected code, name, value, unit, time, source"),
        ("value,unit\n", "the clinical table has other columns"),
        ("code,value,unit,code\n", "the clinical table has other columns"),
        ("code,valu,unit\n", "the clinical file has a key that is nearly value"),
        ("name,value,unit\nsystolc,118,mm[Hg]\n", "the clinical file has a key that is nearly systolic"),
        ("code,value,unit\n8867-4,70\n", "row 2: 2 cells; expected 3"),
        ('code,value,unit\n"8867-4,70,/min\n', "the clinical table cannot be read as CSV"),
        (table(USUAL) + ",examination,,,2020-02-01,\n", "2 rows tell when the examination was; expected one"),
        (table(USUAL, "31.1.2020"), "the time of the examination: its time is no ISO 8601 date"),
        (b"\xff\xfe", "the clinical file is not UTF-8 text"),
    ],
)
def test_a_table_that_is_none_is_refused(text, message):
    error = stopped(lambda: read(text, "c.csv") if isinstance(text, bytes) else clean(text))
    assert error.message.startswith(message)


def test_spreadsheet_habits_are_understood():
    """A byte order mark, semicolons, Windows line ends, capitals in the header, other columns, an empty line."""
    lines = ["Name;VALUE;Unit;Nurse", "Heart_Rate;70;/min;Grünwald", "", ";1;/min;", "systolic;;mm[Hg];"]
    content = read("\ufeff" + "\r\n".join(lines), "values.CSV")
    assert [(raw.name, raw.value) for raw in content.values] == [("heart_rate", "70")]


def test_a_row_of_two_quantities_is_set_aside():
    found = clean("code,name,value,unit\n8867-4,systolic,118,mm[Hg]\n")
    assert [one.reason for one in found.set_aside] == ["its code and its name mean two quantities"]


def test_events_of_a_table():
    """A beta blocker 90 days before and heart failure 121 days after 31 January 2020, once each; what has no class or
    no readable time is set aside."""
    events = ["C07AB02,medication,,,2019-11-02T12:00:00Z,"] * 2 + ["I50.1,outcome,,,2020-05-31T12:00:00Z,"]
    odd = ["atc:V99,medication,,,,", "death,outcome,,,soon,"]
    found = clean(table((), EXAMINATION) + "\n".join(events + odd) + "\n")
    assert [(one.words, one.age_days) for one in found.events] == [("beta blocker", 90.0), ("heart failure", -121.0)]
    reasons = [one.reason for one in found.set_aside]
    assert reasons == ["its code is not in the mapping", "its time is no ISO 8601 date"]
