"""The table of patients: what it accepts, and that each fault gives one clear line and starts nothing."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbeat.cohort import COLUMNS, PSEUDONYM, read_patients
from twinbeat.parameters import ConfigurationError

HEADER = "\t".join(COLUMNS)
GOOD = "p-1\tdata/phantoms/p-1/dicom\t\t\tphantom"


def write(folder: Path, *lines: str) -> Path:
    path = folder / "patients.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def fault(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_patients(path)
    return str(caught.value).replace(str(path), "patients.tsv")


def test_rows_come_back_by_pseudonym(tmp_path):
    (tmp_path / "scan").mkdir()
    table = read_patients(write(tmp_path, HEADER, GOOD, "", f"x2\t{tmp_path}/scan\t\t\t"))
    assert list(table) == ["p-1", "x2"]
    assert table["p-1"] == dict(zip(COLUMNS, ["p-1", "data/phantoms/p-1/dicom", "", "", "phantom"], strict=True))


def test_spreadsheet_habits_are_understood(tmp_path):
    """A byte order mark, Windows line ends and another order of the columns change nothing."""
    path = tmp_path / "patients.tsv"
    path.write_bytes(b"\xef\xbb\xbfgroup\tpatient\tdicom\tclinical\ttruth\r\ng\tp-1\tdata/phantoms/p/dicom\t\t\r\n")
    assert read_patients(path)["p-1"]["group"] == "g"


def test_further_measurements_have_columns_of_their_own(tmp_path):
    (tmp_path / "map.csv").touch()
    path = write(tmp_path, HEADER + "\tactivation", f"{GOOD}\t{tmp_path}/map.csv", GOOD.replace("p-1", "p-2") + "\t")
    assert [row["activation"] for row in read_patients(path).values()] == [f"{tmp_path}/map.csv", ""]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([HEADER], "patients.tsv: no patients; expected a row below the header"),
        ([HEADER, GOOD, GOOD], "patients.tsv: line 3: pseudonym 'p-1' is there already, in line 2"),
        ([HEADER, "p 1\tdata/phantoms/x\t\t\t"], "patients.tsv: line 2: patient: expected letters, digits and hyphens"),
        ([HEADER, "p1\t\t\t\t"], "patients.tsv: line 2: dicom: empty; expected a folder, .zip or .yaml"),
        (
            [HEADER, "p1\tno/such\t\t\t"],
            "patients.tsv: line 2: dicom: no such folder, .zip or .yaml (request to a PACS) 'no/such'",
        ),
        ([HEADER, f"{GOOD[:27]}\tno.json\t\t"], "patients.tsv: line 2: clinical: no such file 'no.json'"),
        ([HEADER, "p1\tdata/phantoms/x\t\t"], "patients.tsv: line 2: 4 cells; expected 5"),
        (["patient\tdicom\tclinical\ttruth\tgroup\tage"], "patients.tsv: unknown column 'age'; expected the columns"),
        (
            [HEADER + "\tactivation", GOOD + "\tno.csv"],
            "patients.tsv: line 2: activation: no such file 'no.csv'",
        ),
        (["patient\tdicom\tclinical\ttruth"], "patients.tsv: no column 'group'; expected the columns patient, dicom"),
        ([HEADER + "\tgroup"], "patients.tsv: column 'group' is there 2 times; expected the columns"),
    ],
)
def test_a_fault_is_one_clear_line(tmp_path, lines, expected):
    found = fault(write(tmp_path, *lines))
    assert found.startswith(expected)
    assert "\n" not in found


def test_all_faults_are_collected(tmp_path):
    assert len(fault(write(tmp_path, HEADER, GOOD, GOOD, "a/b\tno/such\t\t\t")).splitlines()) == 3


def test_a_table_that_cannot_be_read(tmp_path):
    assert fault(tmp_path / "patients.tsv").startswith("patients.tsv: cannot be read (No such file or directory)")
    (tmp_path / "patients.tsv").write_bytes(b"patient\tdicom\xff\xfe")
    assert fault(tmp_path / "patients.tsv") == "patients.tsv: is not UTF-8 text; expected a tab-separated table"


names = st.text(min_size=1, max_size=12).filter(lambda name: not re.search(r"[\s\x00-\x1f\x7f-\x9f\ufeff]", name))


@given(names)
def test_only_pseudonyms_pass(tmp_path_factory, name):
    """Any visible text in the first column is either a pseudonym that comes back, or a fault that names its line."""
    path = write(tmp_path_factory.mktemp("table"), HEADER, f"{name}\tdata/phantoms/x\t\t\t")
    if PSEUDONYM.fullmatch(name):
        assert list(read_patients(path)) == [name]
    else:
        assert fault(path).startswith("patients.tsv: line 2: patient: expected letters, digits and hyphens")
