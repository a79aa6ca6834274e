"""The key, pseudonyms, UIDs and shifts of dates."""

from datetime import date

import pydicom
import pytest
from dicom_samples import KEY
from hypothesis import given
from hypothesis import strategies as st

from twinbeat.intake.deidentification.pseudonyms import Pseudonyms, secret
from twinbeat.intake.private import SecretRefused
from twinbeat.parameters import Deidentification


def test_the_key_comes_from_a_file_or_the_environment(tmp_path, monkeypatch):
    path = tmp_path / "key"
    path.write_bytes(KEY + b"\n")
    path.chmod(0o600)
    assert secret(Deidentification(key_file=str(path))) == KEY
    monkeypatch.setenv("TWINBEAT_KEY", KEY.decode())
    assert secret(Deidentification()) == KEY


def test_without_a_good_key_nothing_starts(tmp_path, monkeypatch):
    """No key, loose permissions, no file and a short key are each refused with a line that says what to do."""
    path = tmp_path / "key"
    monkeypatch.delenv("TWINBEAT_KEY", raising=False)
    with pytest.raises(
        SecretRefused, match=r"no key: set deidentification.key_file .* or the environment variable TWINBEAT_KEY"
    ):
        secret(Deidentification())
    with pytest.raises(
        SecretRefused, match=r"cannot be read \(No such file or directory\); expected a file of mode 600"
    ):
        secret(Deidentification(key_file=str(path)))
    path.write_bytes(KEY)
    path.chmod(0o640)
    with pytest.raises(SecretRefused, match=r"key: others may use the file \(mode ..40\); expected mode 600"):
        secret(Deidentification(key_file=str(path)))
    path.write_bytes(b"short")
    path.chmod(0o600)
    with pytest.raises(SecretRefused, match="the key has 5 bytes; expected at least 16"):
        secret(Deidentification(key_file=str(path)))


def pseudonyms(key: bytes = KEY, subject: str = "MRN1") -> Pseudonyms:
    return Pseudonyms(key, subject, 3650)


@given(
    st.from_regex(r"[0-2](\.[0-9]{1,12}){1,4}", fullmatch=True),
    st.from_regex(r"[0-2](\.[0-9]{1,12}){1,4}", fullmatch=True),
)
def test_uids_are_valid_consistent_and_keyed(one, two):
    """PS3.5 9.1: at most 64 characters, no leading zero in a component; equal exactly where the originals are."""
    new = pseudonyms().uid(one)
    assert pydicom.uid.UID(new).is_valid and len(new) <= 64
    assert (new == pseudonyms(subject="other").uid(two)) == (one == two)
    assert new != pseudonyms(key=KEY[::-1]).uid(one)


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.text(max_size=9))
def test_shifts_keep_intervals_and_differ_between_persons(one, two, subject):
    person = pseudonyms(subject=subject)
    new = [date.fromisoformat(person.date(f"{day:%Y%m%d}")) for day in (one, two)]
    assert new[1] - new[0] == two - one
    assert 1 <= (one - new[0]).days <= 3650


@given(st.text(max_size=12) | st.from_regex(r"[0-9]{8}", fullmatch=True))
def test_no_text_crashes_the_shift(text):
    """What is no day gives nothing, and never the original back."""
    new = pseudonyms().date(text)
    assert new == "" or (len(new) == 8 and new.isdigit() and new not in text)


@pytest.mark.parametrize("text", ["20120000", "00000000", "20230229", "2023", "", "00010101", "today"])
def test_what_is_no_day_is_emptied(text):
    """29 February 2023 does not exist; 1 January 1 cannot move further back."""
    assert pseudonyms().date(text) == ""


def test_days_in_other_spellings():
    """An old DA with dots, and a DT: all are the same day."""
    days = {pseudonyms().date(text) for text in ("20240229", "2024.02.29", "20240229101112.5+0100")}
    assert len(days) == 1 and days != {""}
