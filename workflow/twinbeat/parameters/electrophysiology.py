"""Parameters of electrophysiology."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..units import Angle, Conductivity, CurrentDensity, Length, Time, Velocity
from .section import Section

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, le=1)]
Cell = Literal[
    "tentusscher_panfilov_2006_epi",
    "tentusscher_panfilov_2006_mid",
    "tentusscher_panfilov_2006_endo",
    "bueno_orovio_2008_epi",
    "bueno_orovio_2008_mid",
    "bueno_orovio_2008_endo",
    "torord_dyncl_epi",
    "torord_dyncl_mid",
    "torord_dyncl_endo",
]


class ScarTissue(Section):
    """What scar and the border zone about it (fibers.border_zone) do to the wave."""

    kind: Literal["muscle", "insulating", "passive"] = "muscle"
    """muscle: both conduct as if they were healthy. insulating: scar is left out of the tissue. passive: it conducts
    slowly, with membranes that do not fire (fibroblasts)."""

    conductivity: Conductivity = "0.02 mS/mm"
    """Of passive scar, alike in all directions."""

    time_constant: Time = "67 ms"
    """Of the membranes of passive scar: 6.3 pF and 10.7 GOhm of a ventricular fibroblast (Chilton et al. 2005)."""

    border_velocity: Positive = 0.5
    """Conduction velocities of the border zone, as a share of those of healthy muscle with the same cells."""

    border_currents: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """Factors on parameters of the cell model in the border zone, by their names there; such as {g_Na: 0.38, g_CaL:
    0.31, g_Kr: 0.3, g_Ks: 0.2} for ten Tusscher-Panfilov (Arevalo et al. 2016). They slow the wave further."""


class Electrophysiology(Section):
    """Monodomain activation."""

    cell: Cell = "tentusscher_panfilov_2006_epi"
    """Cell model: ten Tusscher-Panfilov 2006, Bueno-Orovio 2008 (four states, no calcium) or ToR-ORd with
    dynamic chloride, epicardial, mid-myocardial or endocardial."""

    layers: tuple[tuple[Positive, Cell], ...] = ()
    """Other cell models of the inner wall, from the endocardium on: up to which share of its thickness, and which; such
    as [[0.3, tentusscher_panfilov_2006_endo], [0.7, tentusscher_panfilov_2006_mid]]. Beyond the last, cell."""

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

    scar: ScarTissue = ScarTissue()

    @model_validator(mode="after")
    def _starts_somewhere(self) -> "Electrophysiology":
        if not self.roots and not self.leads:
            raise ValueError("roots and leads are both empty; expected at least one site")
        return self

    @model_validator(mode="after")
    def _layers_follow_each_other(self) -> "Electrophysiology":
        ends = [end for end, _ in self.layers]
        if ends != sorted(set(ends)):
            raise ValueError(f"layers: expected ends that increase from the endocardium on, got {ends}")
        return self
