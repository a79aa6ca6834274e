"""What both ways to a PACS have in common: faults without identifiers, and a check of each answer."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pydicom import Dataset

from ...verdicts import PatientStopped
from ..private import SecretRefused

for _name in ("dicomweb_client", "pynetdicom", "requests", "retrying", "urllib3"):  # they log what they ask for
    logging.getLogger(_name).propagate = False
    logging.getLogger(_name).addHandler(logging.NullHandler())


class RetrievalFailed(ConnectionError):
    """A PACS did not deliver what it should; the job may be tried again."""


@contextmanager
def of(name: str) -> Iterator[None]:
    """Whatever goes wrong with a PACS becomes RetrievalFailed: messages of libraries quote URLs and values."""
    try:
        yield
    except (PatientStopped, SecretRefused):
        raise
    except RetrievalFailed as failure:
        raise RetrievalFailed(f"PACS {name}: {failure}") from None
    except Exception as error:
        raise RetrievalFailed(f"PACS {name}: {_words(error)}; expected it to deliver") from None


def _words(error: Exception) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return f"user and password are refused (HTTP {status})"
    if status:
        return f"it answered HTTP {status}"
    return getattr(error, "strerror", None) or type(error).__name__


def check(found: Dataset, keys: Mapping[str, str]) -> None:
    """A study must have the values that were asked for: some PACS overlook a key, and then offer all they have."""
    for keyword, value in keys.items():
        if str(found.get(keyword, "")).strip() != value:
            raise RetrievalFailed(f"it offers a study with another {keyword}; expected the one asked for")
