"""Write an anatomy for other tools: ``python -m twinbeat.mesh anatomy.zarr heart.msh``.

The source is a store (mesh.zarr, anatomy.zarr) or a file, the target a file; formats are those of ``mesh.export``.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import store
from ..verdicts import PatientStopped
from . import export


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 where the file was written."""
    parser = argparse.ArgumentParser(prog="python -m twinbeat.mesh", description=__doc__)
    parser.add_argument("source", type=Path, help=f"a .zarr store, or a file in {', '.join(export.SUFFIXES)}")
    parser.add_argument("target", type=Path, help=f"a file in {', '.join(export.SUFFIXES)}")
    options = parser.parse_args(arguments)
    try:
        source = store.open(options.source) if options.source.suffix == ".zarr" else export.read(options.source)
        export.write(source, options.target)
    except (PatientStopped, ValueError, OSError) as error:
        print(f"{options.source}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
