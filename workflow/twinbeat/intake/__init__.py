"""From a patient's DICOM folder and clinical file to a de-identified image and clean figures; pydicom lives here."""
