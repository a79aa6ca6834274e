"""The one walk through a dataset, at every depth, that does with each attribute what the profile says."""

import re
from collections import Counter
from collections.abc import Callable

from pydicom import DataElement, Dataset, Sequence
from pydicom.charset import python_encoding
from pydicom.dataset import FileMetaDataset
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from .profile import TABLE, TEXT, Action, Profile
from .pseudonyms import Pseudonyms
from .text import Named, Vocabulary

CHARACTER_SET = 0x00080005
DUMMY = "ANONYMIZED"
OLDEST = 90
PUBLISHED_SCHEMES = {"DCM", "FMA", "LN", "MA", "NCIt", "RADLEX", "SCT", "SNM3", "SRT", "UMLS"}
_AGE = re.compile(r"(\d{3})([DWMY])")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_CODE = re.compile(r"(?=.*\d)[A-Z0-9.-]{1,18}")
_VERSION = re.compile(r"((?=.*\d)[A-Za-z0-9._-]{1,16})?")
_UNIT = re.compile(r"[a-zA-Z0-9%{}\[\]/*.']{1,8}")
_CLOCK = re.compile(r"\d{2}(?::?\d{2}(?::?\d{2}(?:\.\d{1,6})?)?)?")


class Cleaner:
    """De-identifies datasets of one person; ``counts`` says how many attributes met with which action."""

    def __init__(self, profile: Profile, vocabulary: Vocabulary, pseudonyms: Pseudonyms, named: Named) -> None:
        self.profile, self.counts = profile, Counter[Action]()
        self._vocabulary, self._pseudonyms, self._named = vocabulary, pseudonyms, named
        self._how: dict[Action, Callable[[Dataset, DataElement], None]] = {
            Action.EMPTY: lambda _, element: element.clear(),
            Action.REPLACE: _replace,
            Action.UID: self._uid,
            Action.SHIFT: self._shift,
            Action.CLEAN: self._clean_values,
            Action.CHECK: self._check,
            Action.WALK: self._walk,
            Action.KEEP: _keep,
        }

    def clean(self, dataset: Dataset, top: bool = True) -> None:
        """De-identify a dataset and its sequences in place."""
        for tag in list(dataset.keys()):
            element = _parsed(dataset, tag)
            action = Action.REMOVE if element is None else self.profile.action(element, top)
            self.counts[action] += 1
            if action is Action.REMOVE:
                del dataset[tag]
            else:
                self._how[action](dataset, element)

    def declare(self, dataset: Dataset) -> None:
        """Name the person by pseudonym and say what was done (PS3.15 E.3, PS3.3 C.12.1)."""
        dataset.PatientName = dataset.PatientID = self._pseudonyms.name
        dataset.PatientIdentityRemoved = "YES"
        dataset.LongitudinalTemporalInformationModified = "MODIFIED"
        dataset.DeidentificationMethod = f"Twinbeat: PS3.15 {self.profile.edition}"
        dataset.DeidentificationMethodCodeSequence = Sequence([_code(*code) for code in self.profile.codes])
        dataset.file_meta, dataset.preamble = _meta(dataset), bytes(128)

    def _uid(self, _: Dataset, element: DataElement) -> None:
        _set(element, [self._pseudonyms.uid(str(uid)) for uid in values(element)])

    def _shift(self, dataset: Dataset, element: DataElement) -> None:
        """Days move, times of day stay; what is no time goes."""
        texts = [str(value) for value in values(element)]
        if element.VR == "TM":
            _set(element, [text for text in texts if _CLOCK.fullmatch(text)])
        else:
            moved = self._pseudonyms.date if element.VR == "DA" else self._pseudonyms.moment
            _set(element, [shifted for text in texts if (shifted := moved(text))])
        if not element.value and TABLE.get(element.tag) is Action.REMOVE:
            del dataset[element.tag]

    def _clean_values(self, dataset: Dataset, element: DataElement) -> None:
        if element.tag == CHARACTER_SET:
            return _check_character_set(element)
        if element.VR in TEXT:
            known = [kept for text in values(element) if (kept := self._vocabulary.clean(str(text), self._named))]
        elif element.VR == "AS":
            known = [_age(str(text)) for text in values(element)]
        else:
            known = [self._vocabulary.clean_code(str(value), self._named) for value in values(element)]
        _set(element, [value for value in known if value])

    def _check(self, dataset: Dataset, element: DataElement) -> None:
        """Foreign letters go too: names in them may be shorter than what can be searched for."""
        if element.VR in ("CS", "AS"):
            self._clean_values(dataset, element)
        else:
            _set(element, [value for value in values(element) if str(value).isascii() and not self._named(str(value))])
            _keep(dataset, element)

    def _walk(self, dataset: Dataset, element: DataElement) -> None:
        found = len(element.value)
        element.value = Sequence([item for item in element.value if _is_published(item)])
        if found and not element.value:
            del dataset[element.tag]
        for item in element.value:
            self.clean(item, top=False)


def values(element: DataElement) -> list:
    """The values of an element of any multiplicity, without empty ones."""
    several = element.value if element.VM > 1 else [element.value]
    return [value for value in several if value not in (None, "")]


def _set(element: DataElement, found: list) -> None:
    if found:
        element.value = found if len(found) > 1 else found[0]
    else:
        element.clear()


def _parsed(dataset: Dataset, tag: BaseTag) -> DataElement | None:
    """None where a value cannot be parsed: it tells nothing that may stay."""
    try:
        return dataset[tag]
    except Exception:
        return None


def _replace(_: Dataset, element: DataElement) -> None:
    if element.VR in TEXT | {"PN"}:
        element.value = DUMMY
    else:
        element.clear()


def _keep(_: Dataset, element: DataElement) -> None:
    """Numbers in letters must be numbers: pydicom hands out whatever stands there."""
    if element.VR in ("DS", "IS") and not all(_NUMBER.fullmatch(str(value).strip()) for value in values(element)):
        element.clear()


def _check_character_set(element: DataElement) -> None:
    """Encodings that are known stay as they are, empty ones with their meaning; else there is none."""
    if not all(value in python_encoding for value in values(element)):
        element.clear()


def _age(text: str) -> str:
    """Nobody is older than 90 years (45 CFR 164.514 (b)(2)(i)(C))."""
    if not (found := _AGE.fullmatch(text)):
        return ""
    return f"{min(int(found[1]), OLDEST):03d}Y" if found[2] == "Y" else text


def _is_published(item: Dataset) -> bool:
    """Whether an item is no code, or one of a scheme that everybody knows, in the form that its codes have."""
    scheme = str(item.get("CodingSchemeDesignator") or "")
    code = str(item.get("CodeValue") or item.get("LongCodeValue") or "")
    if not scheme and not code:
        return True
    version = str(item.get("CodingSchemeVersion") or "")
    known = scheme in PUBLISHED_SCHEMES | {"UCUM"} and bool(_VERSION.fullmatch(version))
    return known and bool((_UNIT if scheme == "UCUM" else _CODE).fullmatch(code))


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code


def _meta(dataset: Dataset) -> FileMetaDataset:
    """A new file meta header, without application titles and private information; never deflated."""
    found = ImplicitVRLittleEndian if dataset.original_encoding[0] else ExplicitVRLittleEndian
    old = getattr(dataset, "file_meta", Dataset()).get("TransferSyntaxUID", found)
    new = FileMetaDataset()
    new.MediaStorageSOPClassUID, new.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    new.TransferSyntaxUID = ExplicitVRLittleEndian if old == DeflatedExplicitVRLittleEndian else old
    return new
