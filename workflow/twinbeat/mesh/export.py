"""The anatomy as a file for other tools, and back.

=======  ====================  =======================================  ==========================================
suffix   tool                  tags                                     fields of points and cells
=======  ====================  =======================================  ==========================================
.vtu     ParaView              ``cell_tags``, ``facet_tags``            all
.xdmf    ParaView              the same                                 all
.msh     Gmsh (format 2.2)     physical groups, with names              all, as floating-point numbers
.inp     Abaqus                element sets, by name                    none
.pts     openCARP              numbers in .elem, a .surf of each name   ``fiber`` and ``sheet`` (.lon)
=======  ====================  =======================================  ==========================================

All hold points in LPS mm (openCARP in LPS μm), tetrahedra and the triangles of the boundary. Directions are in LPS too.
Where a format has the same fields for all elements, a triangle has those of its tetrahedron, of muscle before blood.
"""

from pathlib import Path

import numpy as np
import xarray as xr

from . import carp, formats

SUFFIXES = (*formats.WAYS, carp.SUFFIX)


def write(anatomy: xr.Dataset, path: str | Path) -> None:
    """Write the anatomy in the format of the suffix. Raises ValueError for one that is not in the table."""
    _way(path).write(in_lps(anatomy), Path(path))


def read(path: str | Path) -> xr.Dataset:
    """Points, cells, facets, their tags and the fields that the file has; all in LPS, so ``to_lps`` is the identity.

    Raises ValueError for a suffix that is not in the table and for a file without tetrahedra.
    """
    found = _way(path).read(Path(path))
    return found.assign(to_lps=(("row", "column"), np.eye(4)))


def in_lps(anatomy: xr.Dataset) -> xr.Dataset:
    """The mesh and its fields of points and cells with positions and directions in LPS, and tags for all cells."""
    to_lps = anatomy["to_lps"].values
    fields = [name for name in anatomy.data_vars if anatomy[name].dims[:1] in (("point",), ("cell",), ("facet",))]
    turned = {
        name: (anatomy[name].dims, anatomy[name].values @ to_lps[:3, :3].T)
        for name in fields
        if anatomy[name].dims[1:] == ("component",)
    }
    exported = anatomy[fields].assign(turned)
    exported["points"] = exported["points"] + to_lps[:3, 3]
    return (
        exported
        if "cell_tags" in exported
        else exported.assign(cell_tags=("cell", np.ones(anatomy.sizes["cell"], int)))
    )


def _way(path: str | Path):
    suffix = Path(path).suffix
    if suffix not in SUFFIXES:
        raise ValueError(f"{Path(path).name}: expected a file name in {', '.join(SUFFIXES)}, found {suffix!r}")
    return carp if suffix == carp.SUFFIX else formats
