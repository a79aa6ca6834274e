"""Invented persons and hospitals, in all the places of a DICOM file where real ones are found."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np

Style = Literal["series", "slices", "enhanced"]
STYLES: tuple[Style, ...] = ("series", "enhanced", "slices")
FAMILIES = ("Grünwald", "Okonkwo", "Lindström", "Fernández", "Abernathy", "Kowalczyk", "Marchetti", "Tanashvili")
GIVEN = {"F": ("Ingeborg", "Adaeze", "Margarida", "Philippa"), "M": ("Leopold", "Chukwudi", "Joaquín", "Bartholomew")}
DOCTORS = ("Castellanos^Beatriz^^Dr", "Wohlfahrt^Reinhold^^Prof", "Nakamatsu^Hiroshi", "Dunnigan^Siobhán^^Dr")
HOSPITALS = (
    ("St. Brendan General Hospital", "14 Harbour Lane, Ballymore"),
    ("Klinikum Oberfeld", "Lindenallee 7, 98765 Oberfeld"),
    ("Hospital Santa Eulalia", "Calle del Olmo 22, Villanueva"),
)
DEVICES = {
    "series": ("GE MEDICAL SYSTEMS", "SIGNA Artist", "1.2.840.113619.2"),
    "slices": ("SIEMENS", "Aera", "1.3.12.2.1107.5.2.19"),
    "enhanced": ("Philips Medical Systems", "Ingenia", "1.3.46.670589.11"),
}


@dataclass(frozen=True)
class Identity:
    """One invented patient and the examination; every text here identifies somebody."""

    family: str
    given: str
    sex: str
    birth: date
    number: str
    accession: str
    day: date
    previous: date
    hospital: str
    address: str
    station: str
    serial: str
    doctors: tuple[str, str, str]
    phone: str
    style: Style

    @property
    def name(self) -> str:
        """As in a DICOM person name."""
        return f"{self.family}^{self.given}"

    @property
    def root(self) -> str:
        """Of the unique identifiers that the scanner makes: with its serial number and the day."""
        return f"{DEVICES[self.style][2]}.{self.serial}.{self.day:%Y%m%d}"

    @property
    def note(self) -> str:
        """What a technician types into a comment."""
        return f"{self.given} {self.family}, MRN {self.number}, compare {self.previous:%d.%m.%Y}, call {self.phone}"

    def planted(self) -> set[str]:
        """Every text that must not survive de-identification."""
        words = {word for doctor in self.doctors for word in doctor.split("^") if len(word) > 4}
        days = {f"{self.birth:%Y%m%d}", f"{self.day:%Y%m%d}", f"{self.previous:%d.%m.%Y}"}
        own = {self.family, self.given, self.number, self.accession, self.hospital, self.address, self.station}
        return own | words | days | {self.serial, self.phone, self.root}

    def clinical(self, figures: dict[str, Any]) -> dict[str, Any]:
        """A clinical file with the ``figures`` of the catheter laboratory, and whom they belong to."""
        person = {"name": f"{self.family}, {self.given}", "mrn": self.number, "birth_date": self.birth.isoformat()}
        return {**person, "physician": self.doctors[0], "comment": self.note, **figures}


def draw(rng: np.random.Generator, style: Style) -> Identity:
    """A person of 35 to 80 years with a scanner of the given style."""
    sex = str(rng.choice(["F", "M"]))
    day = date(2019, 1, 1) + timedelta(days=int(rng.integers(0, 2200)))
    hospital, address = HOSPITALS[rng.integers(len(HOSPITALS))]
    return Identity(
        family=str(rng.choice(FAMILIES)),
        given=str(rng.choice(GIVEN[sex])),
        sex=sex,
        birth=day - timedelta(days=int(rng.integers(35 * 365, 80 * 365))),
        number=f"MRN{rng.integers(10**7, 10**8)}",
        accession=f"ACC{rng.integers(10**8, 10**9)}",
        day=day,
        previous=day - timedelta(days=int(rng.integers(200, 900))),
        hospital=hospital,
        address=address,
        station=f"MRC{rng.integers(10**4, 10**5)}",
        serial=f"{rng.integers(10**5, 10**6)}",
        doctors=tuple(str(name) for name in rng.choice(DOCTORS, 3, replace=False)),
        phone=f"+49 555 {rng.integers(10**6, 10**7)}",
        style=style,
    )
