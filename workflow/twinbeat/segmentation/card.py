"""What has to be known of a network besides its weights: the file of the same name beside it, TOML or JSON."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from ..parameters import ConfigurationError, Section
from ..units import Length

SUFFIXES = (".toml", ".json")
Channel = Annotated[int, Field(ge=0)]


def _positive(size: float) -> float:
    if size <= 0:
        raise ValueError(f"expected a length above 0 mm, got {size:g} mm")
    return size


class Labels(Section):
    """Which channels of the network's answer are ours; of several the sum counts. All others are background."""

    lv_blood: tuple[Channel, ...]
    lv_myocardium: tuple[Channel, ...]
    rv_blood: tuple[Channel, ...]


class Card(Section):
    """How a network wants its images and what its answer means."""

    labels: Labels
    """Channels of LV blood (papillary muscles included), LV myocardium and RV blood."""

    pixel_size: Annotated[Length, AfterValidator(_positive)]
    """In-plane size of the pixels that it was trained on."""

    normalisation: Literal["percentile", "zscore"]
    """Signals of the whole cine: 1st and 99th percentile to -1 and 1, or mean 0 and standard deviation 1 (nnU-Net)."""

    output: Literal["probability", "logits"] = "probability"
    """What the network's answer is; logits become probabilities by a softmax."""

    multiple: Annotated[int, Field(ge=1)] = 16
    """Pixels along each side must be a multiple of it."""

    slices: Annotated[int, Field(ge=1)] = 1
    """For a network of stacks: their number must be a multiple of it."""


def read(network: Path) -> Card:
    """The card beside a network; ConfigurationError names what is missing or wrong in it."""
    places = [network.with_suffix(suffix) for suffix in SUFFIXES]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise ConfigurationError(f"{network}: no card beside it; expected {places[0].name} or {places[1].name}")
    try:
        return Card.model_validate(_parsed(path))
    except ValidationError as error:
        faults = ["{}: {}: {}, got {!r}".format(path, *_fault(fault)) for fault in error.errors()]
        raise ConfigurationError("\n".join(faults)) from None


def _parsed(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text()) if path.suffix == ".toml" else json.loads(path.read_text())
    except ValueError as error:  # of the decoding, of TOML and of JSON
        raise ConfigurationError(f"{path}: no {path.suffix[1:].upper()}: {error}") from None


def _fault(fault: dict) -> tuple[str, str, object]:
    key = ".".join(str(part) for part in fault["loc"]) or "card"
    return key, fault["msg"][0].lower() + fault["msg"][1:], fault["input"]
