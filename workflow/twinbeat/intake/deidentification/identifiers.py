"""What identifies a patient in the original files: the values that may not come out of de-identification."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import DataElement, Dataset
from pydicom.charset import convert_encodings

from .profile import DEVICE_TEXT, TABLE, values
from .pseudonyms import STANDARD_ROOT

SHORTEST, SUBSTRING = 4, 6
OWN_DUMMY = "anonymized"
WORDY = {"SH", "LO", "ST", "LT", "UT", "UC", "AE"}
PERSONAL = re.compile(
    r"Patient|Person|Institution|Accession|Physician|Operator|Address|Telephone|Serial|Admission|Issuer"
)
_STRONG = "person, institution or device"
_EIGHT_DIGITS = re.compile(r"\d{8}")


@dataclass
class Identifiers:
    """Identifying values of one patient: ``{kind: values}``, and the words of the devices, which identify nobody."""

    found: dict[str, set[str]] = field(default_factory=dict)
    device: set[str] = field(default_factory=set)
    encodings: set[str] = field(default_factory=lambda: {"utf-8", "latin-1", "utf-16-le"})

    def add(self, kind: str, *texts: str) -> None:
        """Take in values of at least four characters."""
        cut = {text.strip(" \0\r\n").casefold() for text in texts} - {OWN_DUMMY}
        self.found.setdefault(kind, set()).update(text for text in cut if len(text) >= SHORTEST)

    def add_file(self, name: str) -> None:
        """Take in the name of a file or folder."""
        if _is_special(stem := Path(name).stem):
            self.add("file name", stem)

    def add_dataset(self, dataset: Dataset) -> None:
        """Take in the identifying values at every depth of an original dataset."""
        self.encodings.update(convert_encodings(dataset.get("SpecificCharacterSet") or "ISO_IR 6"))
        for element in elements(dataset):
            if element.tag in DEVICE_TEXT:
                self.device.update(str(value).casefold() for value in values(element))
            for value in values(element) if element.VR != "SQ" else ():
                self._add_value(element, value)

    def _add_value(self, element: DataElement, value: object) -> None:
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if element.VR == "PN":
            self.add("name", text, *re.split(r"[\^= ,]+", text))
        elif element.VR == "UI" and not text.startswith(STANDARD_ROOT):
            self.add("UID", text)
        elif element.VR in ("DA", "DT"):
            self.add("date", *_spellings(text))
        elif element.VR in WORDY and element.tag not in DEVICE_TEXT:
            self._add_text(element, text)

    def _add_text(self, element: DataElement, text: str) -> None:
        if TABLE.get(element.tag) and PERSONAL.search(element.keyword):
            self.add(_STRONG, text)
        elif (TABLE.get(element.tag) or element.tag.is_private) and _is_special(text):
            self.add("text", text)

    def allow_dates(self, shifted: Iterable[str]) -> None:
        """A day that the shift gives to another one of the same person tells nothing."""
        self.found.get("date", set()).difference_update(spelt for day in shifted for spelt in _spellings(day))

    def mentions(self, text: str) -> bool:
        """Whether a text holds a name or number of the person, the institution or the device."""
        text = text.casefold()
        words = set(re.split(r"[^\w]+", text))
        named = self.found.get("name", set()) | self.found.get(_STRONG, set())
        return any(value in words or (len(value) >= SUBSTRING and value in text) for value in named)

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Kind and value of all that must not be found."""
        for kind, texts in self.found.items():
            weak = kind in ("text", "file name")
            yield from ((kind, text) for text in texts if not weak or not any(text in word for word in self.device))


def _is_special(text: str) -> bool:
    """Whether a text is more than one plain word or number, which may be any word or number."""
    stripped = text.strip()
    return len(stripped) >= SUBSTRING and bool(re.search(r"[^\W\d_]", stripped)) and not stripped.isalpha()


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
