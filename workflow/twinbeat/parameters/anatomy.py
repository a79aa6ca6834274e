"""Parameters of anatomy: mesh and fibres."""

from typing import Annotated, Literal

from pydantic import Field

from ..units import Angle, Length
from .section import Section

Share = Annotated[float, Field(gt=0, le=1)]


class Biventricle(Section):
    """Tetrahedra of both ventricles, made where mesh.ventricles says so."""

    size: Length = "3 mm"
    """Edge length where nothing asks for a smaller one."""

    across: Annotated[float, Field(ge=1, le=10)] = 1.5
    """Edges across a wall, at least: thin walls are meshed finer."""

    apex: Share = 0.8
    """Edge length at the apex, as a share of size."""

    scar: Share = 0.8
    """Edge length in scar, as a share of size."""

    wall: Length = "3 mm"
    """Thickness of the right ventricle's free wall: images label its blood only (normal at rest: 2 to 5 mm)."""

    blood: bool = False
    """Whether the blood of both ventricles is meshed too, conforming to the muscle: flow needs it."""


class Mesh(Section):
    """Tetrahedra of the end-diastolic left ventricle, and of both where they are wanted."""

    size: Length = "6 mm"
    """Edge length along the wall."""

    layers: Annotated[int, Field(ge=1, le=10)] = 2
    """Layers of elements across the wall."""

    smoothness: Annotated[float, Field(gt=0)] = 1e-3
    """Weight of the bending penalty when surfaces are fitted to the contours."""

    minimum_dihedral: Angle = "10 degree"
    """Smallest dihedral angle that a mesh may have; else it is made again, then the patient is quarantined."""

    maximum_aspect: Annotated[float, Field(gt=1)] = 10.0
    """Largest ratio of longest edge to (scaled) inscribed radius that a mesh may have."""

    percentile_dihedral: Angle = "20 degree"
    """First percentile that the smallest dihedral angles of the elements must reach."""

    maximum_volume_error: Share = 0.01
    """Largest share by which the volume of a label may differ from that of the smooth anatomy."""

    ventricles: Literal["left", "both"] = "left"
    """left: the mesh that mechanics needs. both: also biventricle.zarr."""

    biventricle: Biventricle = Biventricle()


class Fibers(Section):
    """Rule-based fibre angles (LDRB; Bayer et al. 2012), in degrees from the circumferential direction."""

    helix_endocardium: Angle = "60 degree"
    """Helix angle at the endocardium."""

    helix_epicardium: Angle = "-60 degree"
    """Helix angle at the epicardium."""
