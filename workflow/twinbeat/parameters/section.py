"""What every section of the configuration has in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen group of parameters; an unknown key is an error.

    ``model_dump(mode="json")`` gives the canonical text of each quantity ("0.4 cm" becomes "4 mm"): rules hand it to
    their scripts as params, so that a change of value is seen and a change of spelling is not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True)
