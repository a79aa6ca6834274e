"""Twinbeat: calibrated, executable digital twins of the heart from the DICOM of a cohort."""

__version__ = "0.1.0"
