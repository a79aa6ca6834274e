"""The linkage table, from pseudonym to hospital number: one encrypted file per patient, outside of the results.

It is encrypted (age, X25519) for a recipient whose secret key is with the trustee, so that not even the workflow can
read it again: ``age --decrypt --identity trustee.key FILE``.
"""

import json
import os
import stat
from pathlib import Path

import pyrage

from ...parameters import Deidentification
from ..private import SecretRefused

RESULTS = Path("results")


def check(parameters: Deidentification) -> None:
    """Raises SecretRefused where the linkage table is wanted and cannot be kept safe."""
    if parameters.linkage_folder is None:
        return
    _recipient(parameters)
    folder = Path(parameters.linkage_folder)
    if folder.resolve().is_relative_to(RESULTS.resolve()):
        raise SecretRefused(
            "deidentification.linkage_folder: lies within the results; expected a folder outside of them"
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if mode := stat.S_IMODE(folder.stat().st_mode) & 0o077:
        raise SecretRefused(f"deidentification.linkage_folder: others may enter it (mode ..{mode:02o}); expected 700")


def write(parameters: Deidentification, patient: str, pseudonym: str, number: str) -> None:
    """Leave the hospital number of a patient for the recipient alone, where the study wants it."""
    if parameters.linkage_folder is None:
        return
    check(parameters)
    line = json.dumps({"patient": patient, "pseudonym": pseudonym, "number": number}).encode()
    path = Path(parameters.linkage_folder) / f"{patient}.age"
    partial = path.with_suffix(".partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(pyrage.encrypt(line, [_recipient(parameters)]))
        stream.flush()
        os.fsync(stream.fileno())
    partial.rename(path)


def _recipient(parameters: Deidentification) -> pyrage.x25519.Recipient:
    try:
        return pyrage.x25519.Recipient.from_str(parameters.linkage_recipient or "")
    except Exception:
        expected = "expected a public key such as age1..., made by age-keygen"
        raise SecretRefused(f"deidentification.linkage_recipient: is no public key of age; {expected}") from None
