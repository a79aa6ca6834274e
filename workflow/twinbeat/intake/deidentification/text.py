"""Clean Descriptors (PS3.15 E.3.5): of a text those words stay that a vocabulary has, and numbers that say how much."""

import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files

_PARTS = re.compile(r"[^\W_]+(?:[.,]\d+)?[^\W_]*")
_AMOUNT = re.compile(
    r"[t]?\d{1,3}(?:[.,]\d{1,2})?(?:x\d{1,3})*(?:mm|cm|ms|s|t|deg|bpm|ph|sl|kv|kvp|mas|ml|mg|hz|d|ch|c)"
)
_COUNT = re.compile(r"[1-8]?[0-9]")  # below 90: more years than that must not be told apart
_LETTER = re.compile(r"[^\W\d_]")

Named = Callable[[str], bool]
"""Tells whether a text names the person, the institution or the device."""


@cache
def _standard() -> frozenset[str]:
    lines = files(__package__).joinpath("vocabulary.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


class Vocabulary:
    """The words that may stay; ``more`` are those of a study."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._words = _standard() | {word.lower() for word in more}

    def clean(self, text: str, named: Named) -> str:
        """The text itself where all of it may stay, else those of its words that may, each after a space."""
        words = _PARTS.findall(text)
        kept = [word for i, word in enumerate(words) if self._may(words, i) and not named(word)]
        if len(kept) < len(words) or not text.isascii():
            return self.clean(" ".join(kept), named)  # numbers may stand side by side now
        return "" if named(text) or not _LETTER.search(text) else text

    def allows(self, text: str) -> bool:
        """Whether all of a text may stay."""
        return self.clean(text, lambda _: False) == text

    def clean_code(self, value: str, named: Named) -> str:
        """A coded value, or nothing where it is no code that is known: a code is never cut.

        Codes of up to three letters stay even where somebody has such initials: an image without a modality is none.
        """
        words = _PARTS.findall(value)
        unknown = [word for word in words if not self._is_word(word)]
        known = not unknown or (len(unknown) == 1 and len(unknown[0]) <= 2)  # several can spell a name or a day
        return value if known and value.isascii() and (len(value) <= 3 or not named(value)) else ""

    def _may(self, words: list[str], i: int) -> bool:
        """A number stays where no other number stands beside it, as in a date or a telephone number."""
        if not _COUNT.fullmatch(words[i]):
            return self._is_word(words[i])
        beside = words[max(i - 1, 0) : i] + words[i + 1 : i + 2]
        return not any(other[:1].isdigit() or other[-1:].isdigit() for other in beside)

    def _is_word(self, word: str) -> bool:
        return word.isascii() and (word.lower() in self._words or bool(_AMOUNT.fullmatch(word.lower())))
