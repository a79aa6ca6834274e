"""Units of the clinic: the part of UCUM that clinical files use, for pint. Only known atoms reach pint."""

import re
from contextlib import suppress
from functools import lru_cache

from ...units import convert

WHOLE = {
    "mm[Hg]": "mmHg",
    "mmHg": "mmHg",
    "[lb_av]": "pound",
    "[in_i]": "inch",
    "%": "percent",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "beat": "1",
    "beats": "1",
    "1": "1",
    "": "1",
}
METRIC = {
    "m": "meter",
    "g": "gram",
    "L": "liter",
    "l": "liter",
    "mol": "mole",
    "eq": "mole",
    "Pa": "pascal",
    "s": "second",
}
PREFIXES = {"k": "kilo", "d": "deci", "c": "centi", "m": "milli", "u": "micro", "n": "nano", "p": "pico", "": ""}
ALIASES = {"bpm": "/min"}
_ANNOTATION = re.compile(r"\{[^{}]*\}")
_METRIC = re.compile(rf"([{''.join(PREFIXES)}]?)({'|'.join(METRIC)})(\d?)")


def pint_unit(ucum: str) -> str:
    """The unit for pint. Raises ValueError, which does not quote it, where it is none that we know."""
    terms = _ANNOTATION.sub("", ALIASES.get(ucum, ucum)).split("/")
    return "/".join("*".join(f"({_atom(atom)})" for atom in term.split(".")) for term in terms)


def _atom(text: str) -> str:
    if text in WHOLE:
        return WHOLE[text]
    if (found := _METRIC.fullmatch(text)) is None:
        raise ValueError("its unit is not known")
    prefix, atom, power = found.groups()
    return f"{PREFIXES[prefix]}{METRIC[atom]}" + (f"**{power}" if power else "")


def number(value: float, unit: str, wanted: str, molar_mass: float | None = None) -> float:
    """``value`` in another UCUM unit; with a ``molar_mass`` (g/mol) also between mass and amount of substance.

    Raises ValueError where the units do not go together. No unit that we know has another zero.
    """
    return float(f"{value * _factor(unit, wanted, molar_mass):.12g}")


@lru_cache(maxsize=1024)
def _factor(unit: str, wanted: str, molar_mass: float | None) -> float:
    given, target = f"1 * {pint_unit(unit)}", pint_unit(wanted)
    for divisor in ("", f" / ({molar_mass!r} gram/mole)") if molar_mass else ("",):
        with suppress(ValueError):
            return convert(given + divisor, target)
    raise ValueError(f"its unit does not go with {wanted}")
