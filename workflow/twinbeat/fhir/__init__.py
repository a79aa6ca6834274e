"""A finished twin as a FHIR R4 bundle, for the systems of a hospital. Pseudonyms only, no dates, no wall clock."""

from .bundle import export
from .check import check

__all__ = ["check", "export"]
