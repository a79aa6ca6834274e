"""Parameters of electrophysiology."""

from typing import Annotated, Literal

from pydantic import Field

from ..units import Angle, CurrentDensity, Length, Time, Velocity
from .section import Section

Share = Annotated[float, Field(ge=0, le=1)]


class Electrophysiology(Section):
    """Monodomain activation."""

    cell: Literal[
        "tentusscher_panfilov_2006_epi",
        "tentusscher_panfilov_2006_mid",
        "tentusscher_panfilov_2006_endo",
        "bueno_orovio_2008_epi",
        "bueno_orovio_2008_mid",
        "bueno_orovio_2008_endo",
        "torord_dyncl_epi",
        "torord_dyncl_mid",
        "torord_dyncl_endo",
    ] = "tentusscher_panfilov_2006_epi"
    """Cell model: ten Tusscher-Panfilov 2006, Bueno-Orovio 2008 (four states, no calcium) or ToR-ORd with
    dynamic chloride, epicardial, mid-myocardial or endocardial."""

    size: Length = "2 mm"
    """Edge length of the electrical mesh, made from the same anatomy."""

    time_step: Time = "0.05 ms"
    """Step of the operator splitting."""

    velocity_fiber: Velocity = "0.6 mm/ms"
    """Conduction velocity along the fibres; conductivities are tuned so that the discrete velocity meets it."""

    velocity_transverse: Velocity = "0.3 mm/ms"
    """Conduction velocity across the fibres."""

    velocity_endocardium: Velocity = "1.5 mm/ms"
    """Conduction velocity within the endocardial layer of elements, which stands for the Purkinje network."""

    roots: Annotated[tuple[tuple[Share, Angle], ...], Field(min_length=1)] = (
        (0.5, "0 degree"),
        (0.8, "60 degree"),
        (0.33, "-60 degree"),
    )
    """Endocardial sites that are activated first: height (0 apex, 1 base) and angle from the middle of the septum
    towards the anterior wall. Central septum, high anterior paraseptal, and posterior paraseptal a third of the way
    from the apex (Durrer et al. 1970)."""

    stimulus: CurrentDensity = "50 uA/mm^3"
    """Current at the roots (Niederer et al. 2011)."""

    stimulus_duration: Time = "2 ms"
    """How long it flows (Niederer et al. 2011)."""

    duration: Time = "300 ms"
    """Longest simulated time; it ends earlier once all is activated."""

    snapshot: Time = "10 ms"
    """Interval at which the transmembrane potential is kept."""
