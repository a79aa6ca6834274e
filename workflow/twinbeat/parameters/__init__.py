"""Every scientific choice of a study: frozen models that validate ``config.yaml`` and generate its default.

``python -m twinbeat.parameters`` prints the default ``config.yaml``; with ``schema`` behind it, its JSON schema.
"""

from .anatomy import Fibers, Mesh
from .beat import Beat, BothVentricles
from .calibration import Calibration
from .electrophysiology import Electrophysiology
from .intake import ClinicalData, Deidentification, Imaging
from .mechanics import Mechanics
from .phantom import Phantom
from .pharmacology import InPlasma, Medication, Pharmacology
from .retrieval import Dicomweb, Dimse, Retrieval
from .section import Section
from .segmentation import Segmentation
from .shape import Shape
from .study import ConfigurationError, Study, default_yaml, read
from .surrogate import Surrogate
from .whatif import WhatIf

__all__ = [
    "Beat",
    "BothVentricles",
    "Calibration",
    "ClinicalData",
    "ConfigurationError",
    "Deidentification",
    "Dicomweb",
    "Dimse",
    "Electrophysiology",
    "Fibers",
    "Imaging",
    "InPlasma",
    "Mechanics",
    "Medication",
    "Mesh",
    "Phantom",
    "Pharmacology",
    "Retrieval",
    "Section",
    "Segmentation",
    "Shape",
    "Study",
    "Surrogate",
    "WhatIf",
    "default_yaml",
    "read",
]
