"""The whole configuration of a study, its errors and its default text."""

import json
import textwrap
from collections.abc import Mapping
from types import NoneType
from typing import Annotated, Any, Self, get_args

from pydantic import Field, ValidationError, model_validator

from .anatomy import Fibers, Mesh
from .beat import Beat
from .calibration import Calibration
from .electrophysiology import Electrophysiology
from .intake import ClinicalData, Deidentification, Imaging
from .mechanics import Mechanics
from .phantom import Phantom
from .pharmacology import Pharmacology
from .retrieval import Retrieval
from .section import Section
from .segmentation import Segmentation
from .shape import Shape
from .surrogate import Surrogate
from .whatif import WhatIf


class ConfigurationError(ValueError):
    """A configuration or patient table that cannot be used; its text is one line per fault."""


class Study(Section):
    """Configuration of a Twinbeat study: every scientific choice, once, with its unit and its reason."""

    study: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")] = "study"
    """Name of the study: results lie in results/{study}."""

    patients: str = "patients.tsv"
    """Table of patients: pseudonym, DICOM (folder, .zip, or .yaml request to a PACS), clinical file, truth (of a
    phantom), group, and in columns that may be missing further measurements: activation (a map), strain."""

    retrieval: Retrieval = Retrieval()
    deidentification: Deidentification = Deidentification()
    imaging: Imaging = Imaging()
    clinical: ClinicalData = ClinicalData()
    segmentation: Segmentation = Segmentation()
    mesh: Mesh = Mesh()
    fibers: Fibers = Fibers()
    mechanics: Mechanics = Mechanics()
    calibration: Calibration = Calibration()
    electrophysiology: Electrophysiology = Electrophysiology()
    beat: Beat = Beat()
    pharmacology: Pharmacology = Pharmacology()
    whatif: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")], WhatIf] = Field(default_factory=dict)
    """Runs of the finished twin with something changed, by name: electrophysiology (keys with other values), the
    heart_rate, and factors on tension, stiffness, resistance and blood. snakemake
    results/{study}/{patient}/whatif/{name}/report.html makes one, snakemake whatif all of them."""

    surrogate: Surrogate = Surrogate()
    shape: Shape = Shape()
    phantom: Phantom = Phantom()

    @model_validator(mode="after")
    def _stiffness_is_of_the_law(self) -> Self:
        if self.mechanics.law == "holzapfel-ogden":
            (low, high), a = self.calibration.stiffness_bounds, self.mechanics.holzapfel_ogden.a
            if not low <= a <= high or not low <= self.calibration.stiffness_prior <= high:
                raise ValueError(
                    "calibration.stiffness_prior and stiffness_bounds: expected those of a of "
                    f"mechanics.holzapfel_ogden, {a:g} kPa, got {self.calibration.stiffness_prior:g} kPa "
                    f"within {low:g} and {high:g} kPa"
                )
        return self

    @model_validator(mode="after")
    def _what_is_activated_is_meshed(self) -> Self:
        if self.electrophysiology.ventricles == "both" and (found := self.mesh.ventricles) != "both":
            raise ValueError(f"electrophysiology.ventricles: both: expected mesh.ventricles both, got {found}")
        return self

    def heart_mesh(self) -> Mesh:
        """How both ventricles are meshed for the beat: without blood, and coarser than for other solvers."""
        both, fine = self.beat.both, self.mesh.biventricle
        lengths = both.model_dump(include={"size", "across", "chord"})
        coarse = fine.model_copy(update={**lengths, "blood": False})
        gates = {"percentile_dihedral": both.percentile_dihedral}
        return self.mesh.model_copy(update={"biventricle": coarse, **gates})

    @model_validator(mode="after")
    def _velocities_are_within_bounds(self) -> Self:
        for name in self.calibration.conduction.fitted:
            (low, high) = getattr(self.calibration.conduction, f"bounds_{name}")
            if not low < (usual := getattr(self.electrophysiology, f"velocity_{name}")) < high:
                raise ValueError(
                    f"calibration.conduction.bounds_{name}: expected electrophysiology.velocity_{name}, {usual:g} "
                    f"mm/ms, between them, got {low:g} and {high:g} mm/ms"
                )
        return self

    @model_validator(mode="after")
    def _cells_can_contract(self) -> Self:
        if self.beat.contraction == "phenomenological":
            return self
        wanted = f"beat.contraction: {self.beat.contraction}: expected"
        cells = [self.electrophysiology.cell, *(name for _, name in self.electrophysiology.layers)]
        if without := [name for name in cells if name.startswith("bueno_orovio")]:
            raise ValueError(f"{wanted} cells with calcium, got {without[0]}")
        if self.beat.ventricles == "both":
            raise ValueError(f"{wanted} beat.ventricles left, got both")
        if self.mechanics.active == "strain":
            raise ValueError(f"{wanted} mechanics.active stress, as cells give a tension, got strain")
        if self.surrogate.patients != []:
            raise ValueError(f"{wanted} surrogate.patients [], got {self.surrogate.patients or 'all'}")
        return self

    @model_validator(mode="after")
    def _left_muscle_moves(self) -> Self:
        if self.mechanics.dynamic and self.beat.ventricles == "both":
            raise ValueError("mechanics.density and viscosity: expected beat.ventricles left, or neither, got both")
        return self

    @model_validator(mode="after")
    def _beat_can_act_back(self) -> Self:
        if not self.electrophysiology.feedback.active:
            return self
        if (law := self.beat.contraction) == "phenomenological":
            raise ValueError(f"electrophysiology.feedback: expected a beat.contraction by cells, got {law}")
        if self.whatif:
            raise ValueError(f"electrophysiology.feedback: expected no whatif runs, got {', '.join(self.whatif)}")
        return self

    @model_validator(mode="after")
    def _whatif_can_be(self) -> Self:
        if self.whatif and self.beat.ventricles == "both":
            raise ValueError("whatif: runs are of the left ventricle; expected beat.ventricles: left, got both")
        for name, run in self.whatif.items():
            try:
                changed = run.activated_by(self.electrophysiology)
            except ValidationError as error:
                faults = [_fault(fault | {"loc": ("electrophysiology", *fault["loc"])}) for fault in error.errors()]
                raise ValueError(f"whatif.{name}.{'; '.join(faults)}") from None
            if (found := changed.ventricles) != (usual := self.electrophysiology.ventricles):
                raise ValueError(f"whatif.{name}.electrophysiology.ventricles: expected {usual}, got {found}")
            if changed.feedback.active:
                raise ValueError(f"whatif.{name}.electrophysiology.feedback: expected none, got {changed.feedback}")
        return self


def read(config: Mapping[str, Any], source: str = "config.yaml") -> Study:
    """Validate a configuration; ConfigurationError names file, key, value found and what was expected."""
    try:
        return Study.model_validate(dict(config))
    except ValidationError as error:
        raise ConfigurationError("\n".join(f"{source}: {_fault(fault)}" for fault in error.errors())) from None


def _fault(fault: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "value_error":
        return f"{key}: {fault['ctx']['error']}" if key else str(fault["ctx"]["error"])
    if fault["type"] == "extra_forbidden":
        return f"{key}: unknown key; known here: {', '.join(_known(fault['loc'][:-1]))}"
    return f"{key}: {fault['msg'][0].lower()}{fault['msg'][1:]}, got {fault['input']!r}"


def _known(path: tuple[Any, ...]) -> list[str]:
    section: Any = Study
    for name in path:
        is_section = hasattr(section, "model_fields")  # else a mapping of names to sections
        section = section.model_fields[name].annotation if is_section else get_args(section)[1]
        if NoneType in get_args(section):
            section = get_args(section)[0]
    return list(section.model_fields)


def default_yaml() -> str:
    """The default ``config.yaml``: each key with its reason as a comment."""
    lines = _comment(str(Study.__doc__), 0) + _section(Study(), 0)
    return "\n".join(lines) + "\n"


def _section(section: Section, indent: int) -> list[str]:
    lines: list[str] = []
    texts = section.model_dump(mode="json")
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            lines += [
                "",
                *_comment(str(type(value).__doc__), indent),
                f"{' ' * indent}{name}:",
                *_section(value, indent + 2),
            ]
        else:
            lines += [*_comment(field.description or "", indent), f"{' ' * indent}{name}: {_scalar(texts[name])}"]
    return lines


def _comment(words: str, indent: int) -> list[str]:
    prefix = " " * indent + "# "
    return textwrap.wrap(" ".join(words.split()), 118, initial_indent=prefix, subsequent_indent=prefix)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, list):
        return f"[{', '.join(_scalar(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_scalar(item)}' for key, item in value.items())}}}"
    return str(value)
