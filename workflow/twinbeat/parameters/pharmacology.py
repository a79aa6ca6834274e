"""Parameters of drugs: what is given, what a body makes of it, and what it does to ion channels."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ..units import (
    AbsorptionRate,
    Clearance,
    Concentration,
    DistributionVolume,
    Dose,
    Hours,
    MolarMass,
    Potential,
    UnbindingRate,
)
from .section import Section

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Channel = Literal["Na", "NaL", "to", "CaL", "Kr", "Ks", "K1"]


class Block(Section):
    """Block of a channel."""

    ic50: Annotated[Concentration, Field(gt=0)]
    """Concentration that blocks half of the channels."""

    h: Positive = 1.0
    """Hill coefficient."""


class Binding(Section):
    """Binding to hERG (Li et al. 2017, doi 10.1161/CIRCEP.116.004628)."""

    kmax: Positive
    """Largest rate of binding, over that of unbinding."""

    ku: Annotated[UnbindingRate, Field(gt=0)]
    """Rate of unbinding."""

    n: Positive
    """Hill coefficient of binding."""

    halfmax: Positive
    """The concentration that binds half as fast as the largest, to the power n, in nM^n."""

    vhalf: Potential
    """Channels that close well below it trap the drug."""


class InPlasma(Section):
    """A drug in the tissue: ``peak``, a free concentration, or both what is there and what it blocks."""

    concentration: Annotated[Concentration, Field(ge=0)] | None = None
    """Free concentration in plasma; none means the peak of the course that pharmacology.drugs describes."""

    block: dict[Channel, Block] | None = None
    """Channels that a drug of your own blocks; none means as pharmacology.drugs or the 28 of CiPA have it."""

    @model_validator(mode="before")
    @classmethod
    def _may_be_one_word(cls, value: Any) -> Any:
        if isinstance(value, Mapping | cls):
            return value
        return {"concentration": None if value == "peak" else value}


class Medication(Section):
    """A drug that patients are given; without ``block`` it acts as the drug of that name among the 28 of CiPA."""

    route: Literal["oral", "bolus", "infusion"] = "oral"
    """Swallowed, injected or infused."""

    dose: Annotated[Dose, Field(gt=0)]
    """Mass of a dose."""

    number: Annotated[int, Field(ge=1, le=1000)] = 1
    """Doses."""

    interval: Annotated[Hours, Field(gt=0)] = "24 h"
    """Time between doses."""

    start: Annotated[Hours, Field(ge=0)] = "0 h"
    """Time of the first dose."""

    infusion: Annotated[Hours, Field(gt=0)] = "1 h"
    """How long an infusion flows."""

    molar_mass: Annotated[MolarMass, Field(gt=0)]
    """Molar mass."""

    clearance: Annotated[Clearance, Field(gt=0)]
    """Clearance from plasma."""

    central_volume: Annotated[DistributionVolume, Field(gt=0)]
    """Volume of distribution of plasma and what equilibrates with it at once."""

    intercompartmental_clearance: Annotated[Clearance, Field(ge=0)] = "0 L/h"
    """Exchange with the second compartment; 0 means that there is one compartment."""

    peripheral_volume: Annotated[DistributionVolume, Field(gt=0)] = "1 L"
    """Volume of distribution of the second compartment."""

    absorption_rate: Annotated[AbsorptionRate, Field(gt=0)] = "1 1/h"
    """Rate at which a swallowed dose is absorbed."""

    bioavailability: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of a swallowed dose that reaches plasma."""

    fraction_unbound: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share in plasma that is free, and acts."""

    inhibited_fraction: Share = 0.0
    """Share of the clearance that the inhibitors act on."""

    inhibitors: dict[str, Annotated[Concentration, Field(gt=0)]] = Field(default_factory=dict)
    """Other drugs of the study: the free concentration of each that halves that share (competitive inhibition)."""

    block: dict[Channel, Block] | None = None
    """Channels that a drug of your own blocks."""

    binding: Binding | None = None
    """How a drug of your own binds to hERG; without it, hERG is blocked as the other channels are."""

    @model_validator(mode="after")
    def _binding_comes_with_block(self) -> Self:
        if self.binding and self.block is None:
            raise ValueError("binding without block; expected the block of other channels too, {} where there is none")
        return self


class Pharmacology(Section):
    """Drugs: concentration in plasma, block of ion channels, action potential of a cell at the patient's heart rate."""

    drugs: dict[str, Medication] = Field(default_factory=dict)
    """What patients are given, by name; none means that nothing is simulated. docs/pharmacology.md has an example."""

    patients: list[str] | None = None
    """Patients who are given it; none means all."""

    beats: Annotated[int, Field(ge=1, le=10000)] = 1000
    """Beats that a cell is paced without drugs, and then at each concentration."""

    moments: Annotated[int, Field(ge=2, le=200)] = 15
    """Times, evenly spaced over the course, at which the action potential is simulated, besides those of the peaks."""

    @model_validator(mode="after")
    def _inhibitors_are_given(self) -> Self:
        for name, drug in self.drugs.items():
            if strangers := sorted((set(drug.inhibitors) - set(self.drugs)) | (set(drug.inhibitors) & {name})):
                raise ValueError(f"{name}.inhibitors: expected other drugs of the study, got {', '.join(strangers)}")
        return self

    def given_to(self, patient: str) -> bool:
        """Whether a patient is given any."""
        return bool(self.drugs) and (self.patients is None or patient in self.patients)
