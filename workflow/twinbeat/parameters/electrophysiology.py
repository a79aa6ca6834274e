"""Parameters of electrophysiology."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

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

    roots: tuple[tuple[Share, Angle], ...] = (
        (0.5, "0 degree"),
        (0.8, "60 degree"),
        (0.33, "-60 degree"),
    )
    """Endocardial sites that are activated first: height (0 apex, 1 base) and angle from the middle of the septum
    towards the anterior wall. Central septum, high anterior paraseptal, and posterior paraseptal a third of the way
    from the apex (Durrer et al. 1970)."""

    leads: tuple[tuple[Share, Angle, Share, Time], ...] = ()
    """Pacing leads: height and angle as for the roots, depth (0 endocardium, 1 epicardium) and when they fire. Without
    roots they pace alone."""

    stimulus: CurrentDensity = "50 uA/mm^3"
    """Current at roots and leads (Niederer et al. 2011)."""

    stimulus_duration: Time = "2 ms"
    """How long it flows (Niederer et al. 2011)."""

    duration: Time = "300 ms"
    """Longest simulated time; it ends earlier once all is activated."""

    snapshot: Time = "10 ms"
    """Interval at which the transmembrane potential is kept."""

    @model_validator(mode="after")
    def _starts_somewhere(self) -> "Electrophysiology":
        if not self.roots and not self.leads:
            raise ValueError("roots and leads are both empty; expected at least one site")
        return self
