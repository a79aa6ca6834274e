"""Parameters of anatomy: mesh and fibres."""

from typing import Annotated

from pydantic import Field

from ..units import Angle, Length
from .section import Section


class Mesh(Section):
    """Tetrahedra of the end-diastolic left ventricle."""

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


class Fibers(Section):
    """Rule-based fibre angles (LDRB; Bayer et al. 2012), in degrees from the circumferential direction."""

    helix_endocardium: Angle = "60 degree"
    """Helix angle at the endocardium."""

    helix_epicardium: Angle = "-60 degree"
    """Helix angle at the epicardium."""
