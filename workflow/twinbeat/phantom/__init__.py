"""Virtual patients with a planted truth: shape and physiology, motion, imaging and DICOM."""
