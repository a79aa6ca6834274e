"""Clinical data: what is known of a patient from outside the image, cleaned, in internal units, and nobody's name.

A file of one patient is a FHIR R4 bundle (``fhir``), a CSV table (``table``) or the short JSON of a catheter
laboratory (``jsonfile``). ``read`` takes it as it is; ``clean`` converts, corrects clocks, drops duplicates, sets
impossible values aside, and chooses what the twin uses. Results hold no date and no text of the file: only ages in days
relative to the examination.

When was the examination? The dates in the DICOM files are shifted once they are past de-identification, so they cannot
tell. The clinical file itself does: ``ImagingStudy.started`` of a bundle, or the row called examination of a table;
where there is neither, the latest value counts as taken at the examination. Only which of them it was (``ages_from``)
is kept.
"""

from .cleaning import clean
from .content import Content
from .figures import Clinical, Event, Figure, SetAside, Source, Trace, Value
from .reading import read

__all__ = ["Clinical", "Content", "Event", "Figure", "SetAside", "Source", "Trace", "Value", "clean", "read"]
