"""The final scan: no identifying value that went in may be found in the bytes that come out.

It knows nothing of how the files were cleaned. Values of six and more characters are searched for anywhere, in several
encodings and in upper and lower case (in pixels from eight bytes on: noise is full of short words); shorter ones as
words of the text fields. It fails closed: a chance match stops the patient too.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ahocorasick_rs import BytesAhoCorasick
from pydicom import Dataset, dcmread

from ...verdicts import Rejected
from .. import files
from .cleaner import values
from .identifiers import SUBSTRING, WORDY, Identifiers, elements

SHORTEST_IN_PIXELS = 8
_OWN_UID = re.compile(rb"2\.25\.\d{20,39}")
_DOTTED = re.compile(rb"\d+(\.\d+)+")


class Scan:
    """Searches files for the identifiers of one patient; ``bytes`` were searched for ``values`` so far."""

    def __init__(self, identifiers: Identifiers) -> None:
        known = list(identifiers.patterns())
        spelt = {form: kind for kind, text in known for form in _spelt(text, identifiers.encodings)}
        long = [form for form in spelt if len(form) >= SHORTEST_IN_PIXELS]
        self._kinds, self._long_kinds = list(spelt.values()), [spelt[form] for form in long]
        self._anywhere, self._in_pixels = BytesAhoCorasick(list(spelt)), BytesAhoCorasick(long)
        self._words = {text: kind for kind, text in known if len(text) < SUBSTRING}
        self.values, self.bytes = len(known), 0

    def check(self, folder: Path) -> None:
        """Raises Rejected, without naming the value, where one is found in a file of ``folder``."""
        for path in sorted(folder.iterdir()):
            if kind := self._found(path):
                found = f"an identifying value (a {kind}) is still in the de-identified files"
                raise Rejected("identifier-survived", f"{found}; expected none; nothing was kept")

    def _found(self, path: Path) -> str | None:
        """The kind of the first value that a file holds, if there is one."""
        content = path.read_bytes().lower()
        self.bytes += len(content)
        with path.open("rb") as stream, files.quiet():
            dataset = dcmread(stream, stop_before_pixels=True)
            header = stream.tell()
        kinds = [
            *_hits(self._anywhere, content[:header], self._kinds),
            *_hits(self._in_pixels, content[header:], self._long_kinds),
        ]
        kinds += [self._words[word] for word in _words(dataset) if word in self._words]
        return kinds[0] if kinds else None


def _hits(search: BytesAhoCorasick, content: bytes, kinds: list[str]) -> Iterator[str]:
    for number, begin, end in search.find_matches_as_indexes(content, overlapping=True):
        found = content[begin:end]
        if _DOTTED.fullmatch(found):
            counts = not content[begin - 1 : begin].isdigit() and not content[end : end + 1].isdigit()
        else:
            counts = not found.isdigit() or _is_whole(content, begin, end)
        if counts:
            yield kinds[number]


def _is_whole(content: bytes, begin: int, end: int) -> bool:
    """Whether digits are a number of their own, a day before a time of day, or nine and more inside a longer number."""
    first, last = begin, end
    while first > 0 and content[first - 1 : first] in b"0123456789.":
        first -= 1
    while last < len(content) and content[last : last + 1] in b"0123456789.":
        last += 1
    if _OWN_UID.fullmatch(content[first:last].strip(b".")):
        return False
    alone, length = (first, last) == (begin, end), end - begin
    return alone or length > 8 or (length == 8 and last - end >= 6 and content[end : end + 6].isdigit())


def _words(dataset: Dataset) -> Iterator[str]:
    for element in elements(dataset):
        if element.VR in WORDY | {"PN", "CS"}:
            yield from (word for value in values(element) for word in re.split(r"[^\w]+", str(value).casefold()))


def _spelt(value: str, encodings: Iterable[str]) -> Iterator[bytes]:
    """A value in all encodings, its ASCII letters in lower case."""
    for text in (value, value.upper(), value.title()) if len(value) >= SUBSTRING else ():
        for encoding in encodings:
            try:
                yield text.encode(encoding).lower()
            except (UnicodeEncodeError, LookupError):
                continue
