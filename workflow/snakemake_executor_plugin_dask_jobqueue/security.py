"""Certificates for one run: driver and pilots trust these alone, and they are gone with the run."""

import os
import shutil
from pathlib import Path

from distributed.security import Security


def certificates(folder: Path) -> Security:
    """TLS for all parts with a fresh self-signed certificate, in files of ``folder`` that only its owner can read."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    made = Security.temporary()
    certificate = _written(folder / "certificate.pem", made.tls_ca_file)
    key = _written(folder / "key.pem", made.tls_scheduler_key)
    roles = {
        f"tls_{role}_{part}": path
        for role in ("client", "scheduler", "worker")
        for part, path in (("cert", certificate), ("key", key))
    }
    return Security(tls_ca_file=certificate, require_encryption=True, **roles)


def _written(path: Path, text: str) -> str:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return str(path)
