"""What identifies a patient in the original files: the values that may not come out of de-identification."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from unicodedata import combining, normalize

from ahocorasick_rs import AhoCorasick
from pydicom import DataElement, Dataset
from pydicom.charset import convert_encodings
from pydicom.uid import UID_dictionary

from .cleaner import DUMMY, values
from .profile import TABLE, Profile
from .text import Vocabulary

SHORTEST, SUBSTRING = 4, 6
INITIALS = 2
WORDY = {"SH", "LO", "ST", "LT", "UT", "UC", "AE", "UR"}
PERSONAL = re.compile(
    r"Patient|Person|Institution|Accession|Physician|Operator|Address|Telephone|Telecom|Serial|Admission|Issuer|Station"
)
STRONG = "person, institution or device"
WEAK = ("text", "file name")
TRANSCRIBED = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d"}
)
_WORDS = re.compile(r"[^\W_]+")
_EIGHT_DIGITS = re.compile(r"\d{8}")


@dataclass
class Identifiers:
    """Identifying values of one patient: ``{kind: values}``, and texts that identify nobody, such as a maker's name."""

    profile: Profile
    vocabulary: Vocabulary
    found: dict[str, set[str]] = field(default_factory=dict)
    harmless: set[str] = field(default_factory=set)
    encodings: set[str] = field(default_factory=lambda: {"utf-8", "latin-1", "utf-16-le", "utf-16-be"})

    def add(self, kind: str, *texts: str, shortest: int = SHORTEST) -> None:
        """Take in values of at least so many characters."""
        cut = {text.strip(" \0\r\n").casefold() for text in texts} - {DUMMY.casefold()}
        self.found.setdefault(kind, set()).update(text for text in cut if len(text) >= shortest)

    def add_file(self, name: str) -> None:
        """Take in the name of a file or folder."""
        if _is_special(stem := Path(name).stem):
            self.add("file name", stem)

    def add_dataset(self, dataset: Dataset) -> None:
        """Take in the identifying values at every depth of an original dataset."""
        with suppress(Exception):  # a character set that nobody knows
            self.encodings.update(convert_encodings(dataset.get("SpecificCharacterSet") or "ISO_IR 6"))
        for element in elements(dataset):
            if self.profile.keeps(element.tag):
                self.harmless.update(str(value).casefold() for value in values(element) if element.VR != "SQ")
            else:
                self._add_element(element)

    def _add_element(self, element: DataElement) -> None:
        for value in values(element) if element.VR != "SQ" else ():
            self._add_value(element, value.decode("latin-1") if isinstance(value, bytes) else str(value))

    def _add_value(self, element: DataElement, text: str) -> None:
        if element.VR == "PN":
            parts = [text, *re.split(r"[\^= ,]+", text)]
            self.add("name", *parts, *(plain for part in parts for plain in _plain(part)), shortest=INITIALS)
        elif element.VR == "UI" and text not in UID_dictionary:
            self.add("UID", text)
        elif element.VR in ("DA", "DT"):
            self.add("date", *_spellings(text))
        elif element.VR in WORDY and not self.vocabulary.allows(text):
            self._add_text(element, text)

    def _add_text(self, element: DataElement, text: str) -> None:
        if TABLE.get(element.tag) and PERSONAL.search(element.keyword):
            self.add(STRONG, text)
        elif (TABLE.get(element.tag) or element.tag.is_private) and _is_special(text):
            self.add("text", text)

    def allow_dates(self, shifted: Iterable[str]) -> None:
        """A day that the shift gives to another one of the same person tells nothing."""
        self.found.get("date", set()).difference_update(spelt for day in shifted for spelt in _spellings(day))

    def mentions(self, text: str) -> bool:
        """Whether a text holds an identifying value: a short one as a word, a longer one anywhere."""
        text = text.casefold()
        return not self._short.isdisjoint(_WORDS.findall(text)) or bool(self._long.find_matches_as_indexes(text))

    @cached_property
    def _short(self) -> set[str]:
        return {text for kind, text in self._sure() if len(text) < SUBSTRING}

    @cached_property
    def _long(self) -> AhoCorasick:
        return AhoCorasick(sorted({text for _, text in self._sure() if len(text) >= SUBSTRING}))

    def _sure(self) -> Iterator[tuple[str, str]]:
        return ((kind, text) for kind, texts in self.found.items() if kind not in WEAK for text in texts)

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Kind and value of all that must not be found."""
        for kind, texts in self.found.items():
            long = (text for text in texts if len(text) >= SHORTEST)
            yield from ((kind, text) for text in long if kind not in WEAK or not self._is_harmless(text))

    def _is_harmless(self, text: str) -> bool:
        return any(text in known for known in self.harmless)


def _is_special(text: str) -> bool:
    """Whether a text is more than one plain word or number, which may be any word or number."""
    stripped = text.strip()
    return len(stripped) >= SUBSTRING and bool(re.search(r"[^\W\d_]", stripped)) and not stripped.isalpha()


def _plain(name: str) -> list[str]:
    """A name as somebody writes it who lacks its letters: Muller and Mueller for Müller."""
    folded = normalize("NFC", name.casefold())
    bare = "".join(letter for letter in normalize("NFKD", folded) if not combining(letter))
    return [text.translate(TRANSCRIBED) for text in (bare, folded)]


def elements(dataset: Dataset) -> Iterator[DataElement]:
    """The elements of a dataset at every depth, without those that cannot be parsed (the profile removes them)."""
    for tag in list(dataset.keys()):
        with suppress(Exception):
            element = dataset[tag]
            found = [element, *_inside(element)]
            yield from found


def _inside(element: DataElement) -> Iterator[DataElement]:
    for item in element.value if element.VR == "SQ" else ():
        yield from elements(item)


def _spellings(text: str) -> list[str]:
    """The day of a DA or DT value as it is usually written; nothing for 00000000."""
    digits = text.replace(".", "")[:8]
    if not _EIGHT_DIGITS.fullmatch(digits) or digits == "00000000":
        return []
    y, m, d = digits[:4], digits[4:6], digits[6:]
    return [digits, f"{y}-{m}-{d}", f"{y}.{m}.{d}", f"{d}.{m}.{y}", f"{m}/{d}/{y}", f"{d}/{m}/{y}", f"{y}/{m}/{d}"]
