"""The gate behind de-identification: no identifying value that went in may be found in the bytes that come out.

It knows nothing of how the files were cleaned. Values of six and more characters are searched for as substrings of all
bytes, shorter ones as words of the text fields. It fails closed: a chance match stops the patient too.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydicom import dcmread

from ...verdicts import Rejected
from .. import files
from .identifiers import SUBSTRING, WORDY, Identifiers, elements
from .profile import values

_RUNS = re.compile(rb"[\x1b\x20-\x7e\x80-\xff]{4,}")
_WIDE = re.compile(rb"(?:[\x20-\x7e]\0){6,}")
_OWN_UID = re.compile(rb"2\.25\.\d{20,39}")


def check(folder: Path, identifiers: Identifiers) -> None:
    """Raises Rejected, without naming the value, where one is found in a file of ``folder`` or in its name."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    haystack = b"\n".join(_text(path) for path in paths)
    words = " ".join(f" {word} " for path in paths for word in _words(path))
    for kind, value in identifiers.patterns():
        if _survives(value, haystack, words, identifiers.encodings):
            found = f"an identifying value (a {kind}) is still in the {len(paths)} de-identified files"
            raise Rejected("identifier-survived", f"{found}; expected none; nothing was kept")


def _text(path: Path) -> bytes:
    """The stretches of a file and of its name that may be text, in lower case, without our own UIDs."""
    content = path.name.encode() + b"\n" + path.read_bytes()
    return _OWN_UID.sub(b" ", b"\n".join([*_RUNS.findall(content), *_WIDE.findall(content)]).lower())


def _words(path: Path) -> Iterator[str]:
    with files.quiet():
        dataset = dcmread(path, stop_before_pixels=True)
        for element in elements(dataset):
            if element.VR in WORDY | {"PN", "CS"}:
                yield from (word for value in values(element) for word in re.split(r"[^\w]+", str(value).casefold()))


def _survives(value: str, haystack: bytes, words: str, encodings: Iterable[str]) -> bool:
    if len(value) < SUBSTRING:
        return f" {value} " in words
    if value.isdigit():
        return bool(
            re.search(rb"(?<![\d.])" + value.encode("ascii", "ignore") + rb"(?![\d.])|" + _stamp(value), haystack)
        )
    return any(spelt in haystack for spelt in _encoded(value, encodings))


def _stamp(digits: str) -> bytes:
    """A day followed by a time of day, and a long number also inside another one."""
    return digits.encode("ascii", "ignore") + (rb"\d{6}" if len(digits) == 8 else rb"" if len(digits) > 8 else rb"(?!)")


def _encoded(value: str, encodings: Iterable[str]) -> set[bytes]:
    spelt = set()
    for text in (value, value.upper(), value.title()):
        for encoding in encodings:
            try:
                spelt.add(text.encode(encoding).lower())
            except (UnicodeEncodeError, LookupError):
                continue
    return spelt
