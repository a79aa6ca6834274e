"""Takes what identifies a patient out of DICOM files (PS3.15 annex E), and proves that it is gone."""
