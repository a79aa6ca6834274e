"""Identifying values that are unmistakable: each occurs nowhere else, so that a leak tells where it came from."""

import struct
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import product

SYLLABLES = ["".join(pair) for pair in product("bdgkprvz", "aiou")]
FIRST_DAY, APART = date(1001, 1, 3), timedelta(days=4000)
"""Days further apart than dates are moved, so that none is moved to where another one was."""
ROOT = "1.3.12.2.1107.5.2.19"
NUMBERS = {"FD": "<d", "FL": "<2f", "SL": "<2i", "UL": "<2I", "SS": "<4h", "US": "<4H", "SV": "<q", "UV": "<Q"}


@dataclass(frozen=True)
class Plant:
    """An identifying value: where it stands, as what, and the texts by which it would be known again."""

    where: str
    kind: str
    secrets: tuple[str, ...]


@dataclass
class Planter:
    """Gives values for any value representation, and keeps a list of them."""

    plants: list[Plant] = field(default_factory=list)

    def add(self, where: str, kind: str, *secrets: str) -> None:
        """Note what is planted by hand."""
        self.plants.append(Plant(where, kind, secrets))

    def value(self, where: str, kind: str) -> object:
        """A value of a representation that identifies somebody."""
        number = len(self.plants)
        secret, value = self._made(kind, number)
        self.add(where, kind, secret)
        return value

    def _made(self, kind: str, number: int) -> tuple[str, object]:
        word = _unique(number)
        if kind in ("OB", "OW", "UN", "OF", "OD", "OL", "OV"):
            return word, word.encode()
        if kind in NUMBERS:
            found = struct.unpack(NUMBERS[kind], word.encode())
            return word, found[0] if len(found) == 1 else list(found)
        if kind == "AT":
            group, element, *more = struct.unpack("<4H", word.encode())
            return word, [(group << 16) + element, (more[0] << 16) + more[1]]
        return self._text(kind, number, word)

    def _text(self, kind: str, number: int, word: str) -> tuple[str, str]:
        if kind in ("DA", "DT"):
            day = f"{FIRST_DAY + APART * sum(plant.kind in ('DA', 'DT') for plant in self.plants):%Y%m%d}"
            return day, day if kind == "DA" else f"{day}101500.000000"
        made = {
            "UI": f"{ROOT}.{40000000 + number}.20190412.{number}",
            "TM": f"{number % 24:02d}{number % 60:02d}31.{number:06d}",
            "DS": f"{61000000 + 37 * number}",
            "IS": f"{71000000 + 37 * number}",
            "AS": "097Y",
            "CS": word.upper(),
            "UR": f"https://{word}.example/p",
            "PN": f"{word.title()}^A",
        }
        texts = (word.title(), f"cine {word} 4ch", f"{word.title()}, Station 7")
        value = made.get(kind) or texts[number % 3 if kind in ("LO", "LT", "ST", "UT", "UC") else 0]
        return (word if kind in ("CS", "UR", "PN") or kind not in made else value), value


def _unique(number: int) -> str:
    """Eight letters, another word for each number."""
    digits = [(number // len(SYLLABLES) ** k) % len(SYLLABLES) for k in range(3)]
    check = (sum((k + 2) * digit for k, digit in enumerate(digits)) + 11) % len(SYLLABLES)
    return "".join(SYLLABLES[digit] for digit in (*digits, check))
