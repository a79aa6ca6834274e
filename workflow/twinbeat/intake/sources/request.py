"""A request for a patient's images in a PACS: which PACS of the configuration, and the hospital's keys.

    pacs: archive
    salt: 5f0c...              any 32 random characters: openssl rand -hex 16
    PatientID: "0012345"       one or more of PatientID, StudyInstanceUID and AccessionNumber
    Modality: MR

Snakemake and the stores keep the checksum of each input. The salt keeps a guesser from finding the patient ID by it.
"""

from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...parameters import Retrieval
from ...verdicts import Rejected
from .. import private
from . import dicomweb, dimse

Text = Annotated[str, Field(pattern=r"^[^*?\\\x00-\x1f\x7f]{1,64}$")]
"""Without wildcards, by which a PACS would hand out other patients (PS3.4 C.2.2.2.4)."""


class Request(BaseModel):
    """What to ask a PACS for; its names are those of DICOM."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    pacs: str
    salt: Annotated[str, Field(min_length=32)]
    PatientID: Text | None = None
    StudyInstanceUID: Annotated[str, Field(pattern=r"^[0-9.]{1,64}$")] | None = None
    AccessionNumber: Annotated[Text, Field(max_length=16)] | None = None
    Modality: Annotated[str, Field(pattern=r"^[A-Z0-9_]{1,16}$")] | None = None

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if not self.keys:
            raise ValueError("no key")
        return self

    @property
    def keys(self) -> dict[str, str]:
        """Values that every study must have."""
        names = ("PatientID", "StudyInstanceUID", "AccessionNumber")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def read(path: Path) -> Request:
    """A request from its file. Raises SecretRefused where others may read it, Rejected where it is none."""
    text = private.text(path, "request to a PACS")
    try:
        content = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 (texts only: 0012345 stays as it is)
        return Request.model_validate(content)
    except yaml.YAMLError:
        raise Rejected("invalid-request", "the request is no YAML; expected keys with values") from None
    except ValidationError as error:
        fields = {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]} & set(Request.model_fields)
        found = f"is not valid in {', '.join(sorted(fields)) or 'its keys'}"
        keys = (
            "pacs, salt (32 random characters), PatientID, StudyInstanceUID or AccessionNumber (no * and ?), Modality"
        )
        raise Rejected("invalid-request", f"the request {found}; expected {keys}") from None


def fetch(source: Path, folder: Path, parameters: Retrieval) -> None:
    """All images that a request asks for, in ``folder``. Raises Rejected where the PACS has none."""
    request = read(source)
    if request.pacs in parameters.dicomweb:
        ask, pacs = dicomweb.fetch, parameters.dicomweb[request.pacs]
    elif request.pacs in parameters.dimse:
        ask, pacs = dimse.fetch, parameters.dimse[request.pacs]
    else:
        known = ", ".join([*parameters.dicomweb, *parameters.dimse]) or "none"
        raise Rejected("invalid-request", f"the request names an unknown PACS; known in the configuration: {known}")
    ask(pacs, request.pacs, request.keys, request.Modality, folder, parameters)
    if not any(folder.iterdir()):
        asked = ", ".join([*request.keys, *(["Modality"] if request.Modality else [])])
        raise Rejected("not-in-pacs", f"PACS {request.pacs} has no image with this {asked}; expected at least one")
