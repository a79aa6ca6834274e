"""Parameters of sources: zip files, and PACS that are asked by DICOMweb or by C-FIND and C-MOVE."""

import ipaddress
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from ..units import Size, Time
from .section import Section

Port = Annotated[int, Field(ge=1, le=65535)]
Title = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]([A-Za-z0-9_. -]{0,14}[A-Za-z0-9_.-])?$")]
"""Of an application entity (PS3.5, AE)."""


class Dicomweb(Section):
    """A PACS that speaks DICOMweb (QIDO-RS and WADO-RS)."""

    url: str
    """Of the service, as in https://pacs.example.org/dicom-web; on this machine also http."""

    user: str | None = None
    """Whom the PACS knows; none: no password is asked for."""

    password_file: str | None = None
    """File of mode 600 with the user's password; none: the environment variable below."""

    password_variable: str = "TWINBEAT_PACS_PASSWORD"  # noqa: S105
    """Environment variable with the user's password."""

    ca_file: str | None = None
    """Certificates that vouch for the PACS (PEM); none: those that come with Python's certifi."""

    certificate_file: str | None = None
    """Our own certificate with its key (PEM), where the PACS asks for one."""

    @field_validator("url")
    @classmethod
    def _safe(cls, url: str) -> str:
        parts = urlsplit(url)
        if "@" in parts.netloc or parts.query or parts.fragment:  # not shown: it may hold a password
            raise ValueError("expected a URL without user, password and query")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f'expected a URL such as https://pacs.example.org/dicom-web, got "{url}"')
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError(f'expected https, as the PACS is on another machine, got "{url}"')
        return url


class Dimse(Section):
    """A PACS that speaks C-FIND and C-MOVE."""

    host: str
    """Name or address of the PACS."""

    port: Port
    """Port at which it listens."""

    title: Title
    """Application entity title of the PACS."""

    own_title: Title = "TWINBEAT"
    """Ours, under which the PACS knows where to send images."""

    own_address: str = "127.0.0.1"
    """Address of this machine at which the PACS delivers."""

    own_port: Port
    """Port at which the PACS delivers."""

    ca_file: str | None = None
    """Certificates that vouch for the PACS (PEM); without TLS only on this machine."""

    certificate_file: str | None = None
    """Our own certificate with its key (PEM)."""

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if (self.ca_file is None) != (self.certificate_file is None):
            raise ValueError("expected ca_file and certificate_file, or neither, got one of them")
        if self.ca_file is None and not (is_loopback(self.host) and is_loopback(self.own_address)):
            raise ValueError("expected ca_file and certificate_file (TLS), as the PACS is on another machine, got none")
        return self


class Retrieval(Section):
    """Where DICOM comes from that lies in no folder: zip files, and PACS by name, for requests in patients.tsv."""

    zip_files: Annotated[int, Field(ge=1)] = 100000
    """Files that a zip may hold."""

    zip_size: Size = "50 GB"
    """What all files of a zip may take when unpacked."""

    timeout: Time = "60 s"
    """Silence after which a PACS counts as unreachable."""

    patience: Time = "10 min"
    """How long a C-MOVE waits for its port while another one uses it."""

    dicomweb: dict[str, Dicomweb] = Field(default_factory=dict)
    """PACS by name: url, user, password_file, password_variable, ca_file, certificate_file."""

    dimse: dict[str, Dimse] = Field(default_factory=dict)
    """PACS by name: host, port, title, own_title, own_address, own_port, ca_file, certificate_file."""

    @model_validator(mode="after")
    def _one_name_each(self) -> Self:
        if both := self.dicomweb.keys() & self.dimse.keys():
            raise ValueError(f"expected each PACS once, got {', '.join(sorted(both))} under dicomweb and dimse")
        return self


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine, so that what is said to it crosses no wire."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
