"""A measurement of a benchmark in a process of its own, on one core."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def apart(module: str, *arguments: str, paths: Sequence[Path] = ()) -> dict[str, Any]:
    """What ``measure`` of a module beside this one prints in its last line; it finds ``arguments`` in argv and sees
    ``paths`` before all else."""
    start = [sys.executable, "-c", f"import {module}; {module}.measure()", *arguments]
    seen = os.pathsep.join([*map(str, paths), str(Path(__file__).parent), os.environ["PYTHONPATH"]])
    environment = os.environ | {"PYTHONPATH": seen, "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(start, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ran.stdout.splitlines()[-1])
