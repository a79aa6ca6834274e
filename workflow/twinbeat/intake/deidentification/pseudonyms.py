"""Pseudonymous identifiers and dates from a secret key: the same input gives the same output, and none leads back."""

import base64
import hashlib
import hmac
import os
import re
import stat
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from ...parameters import Deidentification

VARIABLE = "TWINBEAT_KEY"
SHORTEST = 16
STANDARD_ROOT = "1.2.840.10008."
_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_CLOCK = re.compile(r"\d{2,6}(\.\d{1,6})?")


class KeyRefused(PermissionError):
    """There is no usable secret key; no patient can be de-identified, and no patient is to blame."""


def secret(parameters: Deidentification) -> bytes:
    """The key from the file of the configuration, else from the environment. Raises KeyRefused."""
    if parameters.key_file is None:
        source, key = f"environment variable {VARIABLE}", os.environ.get(VARIABLE, "").strip().encode()
        if not key:
            raise KeyRefused(f"no key: set deidentification.key_file to a file of mode 600, or the {source}")
    else:
        source, key = parameters.key_file, _from_file(Path(parameters.key_file))
    if len(key) < SHORTEST:
        raise KeyRefused(f"{source}: the key has {len(key)} bytes; expected at least {SHORTEST}")
    return key


def _from_file(path: Path) -> bytes:
    try:
        found = path.stat()
        if mode := stat.S_IMODE(found.st_mode) & 0o077:
            raise KeyRefused(f"{path}: others may use the key (mode ..{mode:02o}); expected 600: chmod 600 {path}")
        return path.read_bytes().strip()
    except KeyRefused:
        raise
    except OSError as error:
        raise KeyRefused(f"{path}: the key cannot be read ({error.strerror}); expected a file of mode 600") from None


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
        if not uid or uid.startswith(STANDARD_ROOT):
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
