"""Compiled forms and how jobs share them: the first one that wants a form compiles it, the others wait for that.

FFCx marks a form that is being compiled by its source. A job that was killed meanwhile leaves the mark, on which all
later ones would wait for nothing.
"""

import time
from contextlib import suppress
from pathlib import Path

from dolfinx import jit

PATIENCE = 600
"""Seconds that a job waits for another one's form: on a busy node the largest takes minutes. DOLFINx has 10."""


def wait_longer() -> None:
    """Let every form be waited for as long as PATIENCE, and forget those that nobody finished."""
    jit.DOLFINX_DEFAULT_JIT_OPTIONS["timeout"] = (PATIENCE, "Timeout for JIT compilation")
    unblock(Path(jit.get_options()["cache_dir"]))


def unblock(cache: Path) -> None:
    """Remove sources older than PATIENCE from which no module was made."""
    finished, oldest = {ready.stem for ready in cache.glob("libffcx_*.c.cached")}, time.time() - PATIENCE
    for source in cache.glob("libffcx_*.c"):
        if source.name in finished:
            continue
        with suppress(FileNotFoundError):  # another job was here first
            if source.stat().st_mtime < oldest:
                source.unlink()
