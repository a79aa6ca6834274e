"""Parameters of anatomy: mesh and fibres."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ..units import Angle, Length
from .section import Section

Share = Annotated[float, Field(gt=0, le=1)]


class Biventricle(Section):
    """Tetrahedra of both ventricles, made where mesh.ventricles says so."""

    size: Length = "3 mm"
    """Edge length where nothing asks for a smaller one."""

    across: Annotated[float, Field(ge=0.5, le=10)] | None = None
    """Edges across a wall, at least: thin walls are meshed finer. None: 1.5, and fewer in a mesh whose size is more
    than the right wall, whose edges there are two thirds of it."""

    apex: Share = 0.8
    """Edge length at the apex, as a share of size."""

    scar: Share = 0.8
    """Edge length in scar, as a share of size."""

    wall: Length = "3 mm"
    """Thickness of the right ventricle's free wall: images label its blood only (normal at rest: 2 to 5 mm)."""

    chord: Length | None = None
    """Most by which facets may be off a curved surface; a tenth of the shortest edge where that is less. None: 0.1 mm,
    or a thirtieth of the longest edge where that is more."""

    blood: bool = False
    """Whether the blood of both ventricles is meshed too, conforming to the muscle: flow needs it."""

    generator: Literal["stuffing", "cgal"] = "stuffing"
    """What makes the first tetrahedra: isosurface stuffing, or CGAL in a process of its own, where python3-pygalmesh is
    installed (GPL); without blood."""

    @model_validator(mode="after")
    def _cgal_makes_muscle(self) -> Self:
        if self.generator == "cgal" and self.blood:
            raise ValueError("generator cgal makes no blood; expected stuffing, or blood: false")
        return self

    def edges_across(self) -> float:
        """``across``, or what follows from size."""
        return 1.5 * min(1.0, self.wall / self.size) if self.across is None else self.across


class Mesh(Section):
    """Tetrahedra of the end-diastolic left ventricle, and of both where they are wanted."""

    size: Length = "6 mm"
    """Edge length along the wall."""

    layers: Annotated[int, Field(ge=1, le=10)] = 2
    """Layers of elements across the wall."""

    smoothness: Annotated[float, Field(gt=0)] = 1e-3
    """Weight of the bending penalty when surfaces are fitted to the contours; less of it where they would lie farther
    from them than misfit."""

    misfit: Length = "1 mm"
    """Root mean square distance from its contours beyond which a surface is less smooth: what contours are good to."""

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
    """Rule-based fibres (LDRB; Bayer et al. 2012), their angles seen from the cavity; and the tissue they run in."""

    helix_endocardium: Angle = "60 degree"
    """Helix angle at the left endocardium, from the circumferential direction towards the base."""

    helix_epicardium: Angle = "-60 degree"
    """Helix angle at the epicardium of the left ventricle."""

    helix_endocardium_rv: Angle = "60 degree"
    """Helix angle at the right endocardium; as on the left, so that the septum turns as free walls do."""

    helix_epicardium_rv: Angle = "-60 degree"
    """Helix angle at the epicardium of the right ventricle."""

    sheet_endocardium: Angle = "0 degree"
    """Angle of the sheets from the transmural axis about the fibre, at both endocardia."""

    sheet_epicardium: Angle = "0 degree"
    """The same at the epicardium."""

    rotation: Literal["linear", "bayer"] = "linear"
    """Course of the angles across the walls of both ventricles: linear in the shares of the surfaces, or as published
    (quadratic across free walls, with a jump beyond 90 degree); the left ventricle alone is always linear."""

    border_zone: Length = "5 mm"
    """Width of the border zone around scar; it is shown, contracts like healthy muscle, and conducts as
    electrophysiology.scar says."""
