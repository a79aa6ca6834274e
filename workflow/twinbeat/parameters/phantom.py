"""Parameters of the virtual patients."""

from typing import Annotated, Literal

from pydantic import Field

from ..units import Length
from .section import Section

Phenotype = Literal["healthy", "dilated", "hypertrophic", "infarct"]


class Phantom(Section):
    """Virtual patients with a planted truth, imaged as a scanner would."""

    seed: int = 2026
    """Seed of all random choices."""

    phenotypes: tuple[Phenotype, ...] = ("healthy", "dilated", "hypertrophic", "infarct")
    """Patient i has phenotype i modulo their number."""

    frames: Annotated[int, Field(ge=10, le=60)] = 25
    """Frames per cardiac cycle."""

    slice_spacing: Length = "8 mm"
    """Distance between slices, and their thickness."""

    noise: Annotated[float, Field(ge=0)] = 0.04
    """Rician noise as a share of the blood signal."""

    trabeculae: Annotated[float, Field(ge=0, le=0.3)] = 0.0
    """Muscle of trabeculae, as a mean share of the wall's; people have 0.092 (Bentatou et al. 2018)."""

    around: Annotated[int, Field(ge=8, multiple_of=4)] = 16
    """Hexahedra about the long axis."""

    along: Annotated[int, Field(ge=2)] = 6
    """Rings of hexahedra from the apex to the base."""

    layers: Annotated[int, Field(ge=1)] = 2
    """Hexahedra across the wall."""

    beats: Annotated[int, Field(ge=1)] = 4
    """Most beats of the three-dimensional heart, each with the circulation at its limit cycle."""

    def phenotype(self, number: int) -> Phenotype:
        """That of the patient with a number, from 1."""
        return self.phenotypes[(number - 1) % len(self.phenotypes)]
