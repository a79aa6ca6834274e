"""Files and variables with secrets: what others may read is refused, and no content is ever in a message."""

import os
import stat
from pathlib import Path

from ..parameters import Dicomweb


class SecretRefused(PermissionError):
    """A secret is missing or open to others; no patient is to blame."""


def read(path: Path, what: str) -> bytes:
    """The content of a file of mode 600. Raises SecretRefused, naming ``what`` it is and not what it holds."""
    try:
        with path.open("rb") as stream:
            if mode := stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & 0o077:
                raise SecretRefused(f"{what}: others may use the file (mode ..{mode:02o}); expected mode 600")
            return stream.read()
    except SecretRefused:
        raise
    except OSError as error:
        raise SecretRefused(f"{what}: cannot be read ({error.strerror}); expected a file of mode 600") from None


def text(path: Path, what: str) -> str:
    """The text of a file of mode 600. Raises SecretRefused as ``read`` does."""
    try:
        return read(path, what).decode()
    except UnicodeDecodeError:
        raise SecretRefused(f"{what}: cannot be read (it is not UTF-8 text); expected a text file") from None


def password(pacs: Dicomweb, name: str) -> str:
    """The password of the user of a PACS."""
    what = f"password of PACS {name}"
    if pacs.password_file is not None:
        found, where = text(Path(pacs.password_file), what).strip("\r\n"), "its password_file"
    else:
        found, where = os.environ.get(pacs.password_variable, ""), f"environment variable {pacs.password_variable}"
    if not found:
        raise SecretRefused(f"{what}: {where} is empty; expected the password")
    return found
