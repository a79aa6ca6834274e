"""Clean Descriptors: what is kept of descriptions and codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbeat.intake.deidentification.text import Vocabulary

KEPT = [
    "cine_sax_8mm", "TRUFI retro 4ch", "T1 map MOLLI 5s", "Cardiac MRI", "SAX stack 25ph FOV 360mm", "LVOT cine", 
    "flip 55deg", "CTA 0.6mm B26f", "PSIR LGE sax 10 min post Gadovist", "HEART", "2-chamber view",
]  # fmt: skip
CUT = [
    ("cine sax of Grünwald", "cine sax of"),
    ("CINE John Smith 4CH", "CINE 4CH"),
    ("sax 12.03.1961", "sax"),
    ("call 0176 123 45 67", ""),
    ("MRN 48291734 cine", "cine"),
    ("aged 94, cine", "cine"),
    ("see https://pacs.example/4711", ""),
    ("4711", ""),
    ("7", ""),
    ("Ward 12", ""),
]


def nobody(text: str) -> bool:
    return False


@pytest.mark.parametrize("text", KEPT)
def test_the_words_of_cardiac_imaging_stay(text):
    assert Vocabulary(["min"]).clean(text, nobody) == text


@pytest.mark.parametrize(("text", "left"), CUT)
def test_all_other_words_go(text, left):
    """Names, dates, telephone and hospital numbers, ages over 89 and addresses are no words of the vocabulary."""
    assert Vocabulary(["of"]).clean(text, nobody) == left


def test_a_word_that_is_the_patients_name_goes():
    """Mrs Long has a long axis, too; better an axis without a length than with her name."""
    assert Vocabulary().clean("long axis cine", lambda text: "long" in text.lower().split()) == "axis cine"


def test_a_study_may_know_more_words():
    assert Vocabulary().clean("Fontan cine", nobody) == "cine"
    assert Vocabulary(["fontan"]).clean("Fontan cine", nobody) == "Fontan cine"


@pytest.mark.parametrize("code", ["HEART", "ORIGINAL", "ISO_IR", "HFS", "T1_MAP", "M", "DIS2D", "MONOCHROME2"])
def test_codes_stay_or_go_as_a_whole(code):
    assert Vocabulary().clean_code(code, nobody) == code
    assert Vocabulary().clean_code(f"{code} SMITH", nobody) == Vocabulary().clean_code("HEARTSMITH", nobody) == ""


@pytest.mark.parametrize("code", ["17 01 24", "48_29_17_34", "MU LL ER"])
def test_a_code_of_short_words_that_are_not_known_goes(code):
    """One may be a mode of a maker; several spell a day, a number or a name."""
    assert Vocabulary().clean_code("CINE_XQ", nobody) == "CINE_XQ"
    assert Vocabulary().clean_code(code, nobody) == ""


@given(st.text(max_size=40))
def test_what_is_left_was_there_and_cleaning_twice_is_once(text):
    """Every word of what is left is a word of the text; nothing is ever added, and what is clean stays as it is."""
    left = Vocabulary().clean(text, nobody)
    assert all(word in text for word in left.split())
    assert Vocabulary().clean(left, nobody) == left
    assert left.isascii()


@given(st.from_regex(r"[A-Z][a-z]{2,9} [A-Z][a-z]{3,9}", fullmatch=True), st.dates())
def test_no_name_beside_a_date_survives(name, day):
    """Whatever of a name stays is a word of the vocabulary, and where the patient has that name, it goes, too."""
    words = set(name.lower().split())
    left = Vocabulary().clean(f"cine {name} {day:%d.%m.%Y} sax", lambda text: bool(words & set(text.lower().split())))
    assert left in ("cine sax", "sax", "cine", "")
