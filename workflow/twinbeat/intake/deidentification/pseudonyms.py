"""Pseudonymous identifiers and dates from a secret key: the same input gives the same output, and none leads back."""

import base64
import hashlib
import hmac
import os
import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pydicom.uid import UID_dictionary

from ...parameters import Deidentification
from .. import private

VARIABLE = "TWINBEAT_KEY"
SHORTEST = 16
_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_CLOCK = re.compile(r"\d{2,6}(\.\d{1,6})?")


def secret(parameters: Deidentification) -> bytes:
    """The key from the file of the configuration, else from the environment. Raises SecretRefused."""
    if parameters.key_file is None:
        source, key = f"environment variable {VARIABLE}", os.environ.get(VARIABLE, "").strip().encode()
        if not key:
            raise private.SecretRefused(f"no key: set deidentification.key_file to a file of mode 600, or the {source}")
    else:
        source = f"deidentification.key_file {parameters.key_file}"
        key = private.read(Path(parameters.key_file), source).strip()
    if len(key) < SHORTEST:
        raise private.SecretRefused(f"{source}: the key has {len(key)} bytes; expected at least {SHORTEST}")
    return key


@dataclass(frozen=True)
class Pseudonyms:
    """What a key makes of the identifiers of one person, known by ``subject``, the original patient ID."""

    key: bytes
    subject: str
    longest_shift: int

    def _digest(self, purpose: str, text: str) -> bytes:
        return hmac.new(self.key, f"{purpose}:{text}".encode(), hashlib.sha256).digest()

    @property
    def name(self) -> str:
        """Pseudonym of the person: 80 bits of the keyed digest."""
        return "TB" + base64.b32encode(self._digest("subject", self.subject)[:10]).decode()

    @property
    def shift(self) -> timedelta:
        """How far the person's dates move back: 1 to ``longest_shift`` days."""
        return timedelta(days=1 + int.from_bytes(self._digest("days", self.subject)) % self.longest_shift)

    def uid(self, uid: str) -> str:
        """Pseudonymous UID under 2.25 (PS3.5 B.2); those that the standard itself defines stay."""
        if not uid or uid in UID_dictionary:
            return uid
        return f"2.25.{int.from_bytes(self._digest('uid', uid)[:16])}"

    def moment(self, text: str) -> str:
        """A DT value on its shifted day; the time of day stays, the offset from UTC, which tells of a place, goes."""
        day = self.date(text)
        clock = _CLOCK.match(text.strip()[8:]) if day else None
        return day + (clock[0] if clock else "")

    def date(self, text: str) -> str:
        """Shifted day of a DA or DT value; empty where it is no date (20120000)."""
        if not (found := _DATE.match(text.strip())):
            return ""
        try:
            return (date(*map(int, found.groups())) - self.shift).isoformat().replace("-", "")
        except (ValueError, OverflowError):
            return ""
