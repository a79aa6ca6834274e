"""Parameters of intake."""

from typing import Annotated

from pydantic import Field

from ..units import Length
from .section import Section


class Intake(Section):
    """De-identification and import of the short-axis cine."""

    key_file: str | None = None
    """File of mode 600 with the secret that makes pseudonymous UIDs and dates; none: the environment's TWINBEAT_KEY."""

    date_shift_days: Annotated[int, Field(ge=1, le=36500)] = 3650
    """Dates of a patient move back by up to this many days, by the same amount for all files of the patient."""

    slice_tolerance: Length = "0.5 mm"
    """Slices further than this off an even spacing are reported as missing or duplicate."""
