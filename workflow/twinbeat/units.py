"""Units at the door: text with a unit outside, plain floats in mm, ms, mg, mV, uA inside.

In this system force is mN, pressure is kPa, capacitance uF and conductance mS, so mechanics needs no factor.
"""

import math
from typing import Annotated, Any

import pint
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

KPA_PER_MMHG = 0.133322387415
MM3_PER_ML = 1000.0
BYTES_PER_GB = 1e9

_registry = pint.UnitRegistry()
_registry.define("beat = [heartbeat] = beats")


def convert(value: Any, unit: str, kind: str = "quantity") -> float:
    """The number of ``unit`` in ``value``, a text such as ``"4 mm"``; ``kind`` names it in the error.

    Raises ValueError when the text is no quantity or its dimension is another one.
    """
    try:
        if not isinstance(value, str) or not any(character.isdigit() for character in value):
            raise TypeError  # pint would read a bare "mm" as one
        number = float(_registry.Quantity(value).to(unit).magnitude)
        if not math.isfinite(number):
            raise ValueError
    except Exception as error:  # pint raises whatever its tokenizer meets
        raise ValueError(f'expected a {kind} such as "2 {unit}", got {_shown(value)}') from error
    return float(f"{number:.12g}")  # "0.4 cm" and "4 mm" are the same parameter


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def text(number: float, unit: str) -> str:
    """The text of a number with its unit, as written in ``config.yaml``."""
    return f"{number:.12g} {unit}"


def quantity(unit: str, kind: str) -> Any:
    """A pydantic type: a float in ``unit``, read from and dumped to (``mode="json"``) text with a unit."""
    return Annotated[
        float,
        BeforeValidator(lambda value: convert(value, unit, kind)),
        PlainSerializer(lambda number: text(number, unit), when_used="json"),
        WithJsonSchema({"type": "string", "description": f"{kind} in any unit, such as 2 {unit}"}),
    ]


Length = quantity("mm", "length")
Time = quantity("ms", "time")
TimeShift = quantity("s", "time")
Age = quantity("day", "age")
Pressure = quantity("kPa", "pressure")
BloodPressure = quantity("mmHg", "pressure")
Volume = quantity("mL", "volume")
Size = quantity("GB", "size")
Angle = quantity("degree", "angle")
Rate = quantity("beat/min", "heart rate")
SpringStiffness = quantity("kPa/mm", "stiffness per area")
Density = quantity("g/mL", "density")
Viscosity = quantity("kPa ms", "viscosity")
Conductivity = quantity("mS/mm", "conductivity")
Velocity = quantity("mm/ms", "velocity")
CurrentDensity = quantity("uA/mm^3", "current density")
Dose = quantity("mg", "mass of drug")
Hours = quantity("h", "time")
Clearance = quantity("L/h", "clearance")
DistributionVolume = quantity("L", "volume of distribution")
AbsorptionRate = quantity("1/h", "rate of absorption")
MolarMass = quantity("g/mol", "molar mass")
Concentration = quantity("nmol/L", "concentration")
UnbindingRate = quantity("1/ms", "rate of unbinding")
Potential = quantity("mV", "potential")
MembraneConductance = quantity("mS/uF", "conductance per capacitance")
