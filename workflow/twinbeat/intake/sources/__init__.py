"""Where a patient's DICOM comes from: a folder, a zip file, or a PACS that a request names.

A request (a ``.yaml`` file of mode 600) is the only place for a hospital's identifiers: none is in patients.tsv, so
none is in names of jobs, logs, stores and messages.
"""

import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...parameters import Retrieval
from ...verdicts import Rejected
from . import archive, request

SUFFIXES = {".zip": archive.unpack, ".yaml": request.fetch}


@contextmanager
def opened(source: Path, parameters: Retrieval) -> Iterator[Path]:
    """The folder with the DICOM files of a source; one that was made for it is private, and gone in the end.

    Raises Rejected where the source is not usable, OSError where the machine or the PACS is at fault.
    """
    if source.is_dir():
        yield source
        return
    fill = SUFFIXES.get(source.suffix.lower())
    if fill is None:
        raise Rejected("unknown-source", f"no such folder, {' or '.join(SUFFIXES)} file; expected one of them")
    with _ended_by_exception(), tempfile.TemporaryDirectory(prefix="twinbeat-") as folder:  # of mode 700
        fill(source, Path(folder), parameters)
        yield Path(folder)


@contextmanager
def _ended_by_exception() -> Iterator[None]:
    """SIGTERM (of a cancelled job, or at the end of its walltime) unwinds, so that nothing identifying stays behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
