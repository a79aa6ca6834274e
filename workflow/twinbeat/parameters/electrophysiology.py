"""Parameters of electrophysiology."""

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from ..units import (
    Angle,
    Conductivity,
    CurrentDensity,
    Length,
    MembraneConductance,
    Potential,
    Time,
    Velocity,
)
from .pharmacology import InPlasma
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


Electrode = Literal["RA", "LA", "LL", "V1", "V2", "V3", "V4", "V5", "V6"]


class Electrocardiogram(Section):
    """The electrocardiogram of whole beats, in an unbounded torso; electrodes of an adult lying on the back."""

    intracellular_fiber: Conductivity = "0.17 mS/mm"
    """Of the currents inside cells along the fibres (Niederer et al. 2011, table 1); the tuned ones of a coarse mesh
    are no physical property."""

    intracellular_transverse: Conductivity = "0.019 mS/mm"
    """The same across the fibres."""

    torso: Conductivity = "0.2 mS/mm"
    """Of what lies between the heart and the electrodes."""

    electrodes: dict[Electrode, tuple[Length, Length, Length]] = Field(
        default={
            "RA": ("-220 mm", "10 mm", "220 mm"),
            "LA": ("140 mm", "10 mm", "220 mm"),
            "LL": ("60 mm", "10 mm", "-350 mm"),
            "V1": ("-60 mm", "-99 mm", "20 mm"),
            "V2": ("-20 mm", "-99 mm", "20 mm"),
            "V3": ("15 mm", "-93 mm", "0 mm"),
            "V4": ("50 mm", "-81 mm", "-20 mm"),
            "V5": ("90 mm", "-54 mm", "-20 mm"),
            "V6": ("120 mm", "10 mm", "-20 mm"),
        }
    )
    """Where they are, from the centre of the left wall: to the left, to the back, to the head. By default a torso of
    320 mm x 220 mm with the heart 40 mm left and 10 mm in front of its middle, and the usual landmarks."""

    @model_validator(mode="after")
    def _electrodes_are_complete(self) -> "Electrocardiogram":
        if missing := [name for name in get_args(Electrode) if name not in self.electrodes]:
            raise ValueError(f"electrodes: expected all of {', '.join(get_args(Electrode))}, got no {missing[0]}")
        return self


Ratio = Annotated[float, Field(gt=0)]


class Bidomain(Section):
    """Conductivities outside over those inside of the cells; that of both together is matched to the velocities."""

    ratio_fiber: Ratio = 3.65
    """Along the fibres: 0.62 over 0.17 S/m (Niederer et al. 2011, table 1); also within the endocardial layer."""

    ratio_transverse: Ratio = 12.6
    """Across them: 0.24 over 0.019 S/m."""


class Pacing(Section):
    """A train of beats before the one that is stored, and an early one at its end (S1-S2); not with eikonal."""

    beats: Annotated[int, Field(ge=1)] = 1
    """Beats (S1) that start from roots and leads; the last is stored, or the one that coupling adds."""

    cycle: Time = "1000 ms"
    """From one of them to the next."""

    coupling: Time | None = None
    """From the last of them to an early beat (S2) from the leads alone, which is stored instead; none: none."""


class Feedback(Section):
    """What the beat does back to the wave (beat.contraction by cells, monodomain on the CPU, without pacing)."""

    conduction: bool = False
    """Whether conduction follows the deforming muscle: velocities hold in the shape that it has at each time."""

    conductance: Annotated[MembraneConductance, Field(ge=0)] = "0 mS/uF"
    """Of stretch-activated channels, for each unit of fibre stretch beyond slack: I = g (stretch - slack) (V - E). At
    0.1 mS/uF a tenth of stretch lifts the rest of ten Tusscher-Panfilov by 4 mV, at 0.4 mS/uF it makes cells fire."""

    reversal: Potential = "-20 mV"
    """Potential E at which no current flows through them: they let cations pass alike."""

    slack: Annotated[float, Field(ge=0.8, le=1.3)] = 1.0
    """Stretch from the unloaded shape at which they begin to open."""

    interval: Annotated[Time, Field(gt=0)] = "10 ms"
    """How often the wave is told of the deformation, which is linear in time between the steps of the beat."""

    @property
    def active(self) -> bool:
        """Whether the beat does anything back."""
        return self.conduction or self.conductance > 0


class Electrophysiology(Section):
    """Activation of the ventricle, and its beat."""

    ventricles: Literal["left", "both"] = "left"
    """What is activated: the left one, or both, with a mesh made from that of mesh.ventricles: both. Not with feedback,
    as it is the left one that moves."""

    method: Literal["monodomain", "bidomain", "eikonal"] = "monodomain"
    """monodomain: the equation of cells and diffusion. bidomain: with the extracellular potential, in an insulated
    heart; some ten times as long. eikonal: times of arrival at the conduction velocities, and the
    course of a single cell from then on; many times faster, and without the effects of curvature and coupling."""

    device: Literal["cpu", "gpu", "auto"] = "cpu"
    """Where the monodomain equation is solved: auto is a GPU where CuPy sees one, and else the CPU; the other methods
    are for the CPU. Nobody has run it on a GPU yet: docs/electrophysiology.md says what was checked without one."""

    cell: Cell = "tentusscher_panfilov_2006_epi"
    """Cell model: ten Tusscher-Panfilov 2006, Bueno-Orovio 2008 (four states, no calcium) or ToR-ORd with
    dynamic chloride, epicardial, mid-myocardial or endocardial."""

    drugs: dict[str, InPlasma] = Field(default_factory=dict)
    """Drugs that block ion channels by Hill's law, and their free concentration in plasma, such as {dofetilide:
    2 nmol/L}, or peak: the largest of their course in pharmacology.drugs. Those of your own come with what they block,
    {mine: {concentration: 1 umol/L, block: {Kr: {ic50: 3 umol/L}}}}. Bueno-Orovio has no ion channels."""

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

    right_roots: tuple[tuple[Share, Angle, Time], ...] = ((0.5, "15 degree", "7 ms"),)
    """The same on the free wall's endocardium of the right ventricle, where ventricles is both: height (0 apex of the
    left one), angle from -90 degree at the posterior junction with the septum to 90 degree at the anterior one, and
    when. Near the foot of the anterior papillary muscle, 5 to 10 ms after the left ones (Durrer et al. 1970, doi
    10.1161/01.CIR.41.6.899)."""

    leads: tuple[tuple[Share, Angle, Share, Time], ...] = ()
    """Pacing leads of the left wall: height and angle as for the roots, depth (0 endocardium, 1 epicardium) and when
    they fire. Without roots they pace alone."""

    stimulus: CurrentDensity = "50 uA/mm^3"
    """Current at roots and leads (Niederer et al. 2011)."""

    stimulus_duration: Time = "2 ms"
    """How long it flows (Niederer et al. 2011)."""

    until: Literal["activation", "repolarisation"] = "activation"
    """activation: the simulation ends once all is activated. repolarisation: once all is repolarised; this stores
    when, and the electrocardiogram, and takes some five times as long."""

    duration: Time = "600 ms"
    """Longest simulated time; it ends earlier, as until says."""

    snapshot: Time = "10 ms"
    """Interval at which the transmembrane potential is kept."""

    scar: ScarTissue = ScarTissue()

    bidomain: Bidomain = Bidomain()

    pacing: Pacing = Pacing()

    ecg: Electrocardiogram = Electrocardiogram()

    feedback: Feedback = Feedback()

    @model_validator(mode="after")
    def _starts_somewhere(self) -> "Electrophysiology":
        right = self.right_roots if self.ventricles == "both" else ()
        if not (self.roots or self.leads or right):
            raise ValueError("roots and leads are both empty; expected at least one site")
        return self

    @model_validator(mode="after")
    def _device_can_do_it(self) -> "Electrophysiology":
        if self.device == "gpu" and self.method != "monodomain":
            raise ValueError(f"device: expected cpu or auto for method {self.method}, got gpu")
        return self

    @model_validator(mode="after")
    def _wave_can_feel_the_beat(self) -> "Electrophysiology":
        if not self.feedback.active:
            return self
        for key, only in (("ventricles", "left"), ("method", "monodomain"), ("device", "cpu")):
            if (found := getattr(self, key)) != only:
                raise ValueError(f"feedback: expected {key} {only}, got {found}")
        if self.pacing != Pacing():
            raise ValueError(f"feedback: expected one beat, got a train of them: pacing {self.pacing}")
        return self

    @model_validator(mode="after")
    def _train_can_be_run(self) -> "Electrophysiology":
        if self.method == "eikonal" and self.pacing != Pacing():
            raise ValueError("pacing: expected method monodomain or bidomain for a train of beats, got eikonal")
        if self.pacing.coupling is not None and not self.leads:
            raise ValueError("pacing.coupling: expected leads from which the early beat starts, got none")
        return self

    @property
    def kinds(self) -> list[str]:
        """Names of the cells from the endocardium on: those of ``layers``, then the rest."""
        return [*(name for _, name in self.layers), self.cell]

    @model_validator(mode="after")
    def _drugs_find_channels(self) -> "Electrophysiology":
        cells = [self.cell, *(name for _, name in self.layers)]
        without = [name for name in cells if name.startswith("bueno_orovio")]
        if self.drugs and without:
            raise ValueError(f"drugs: expected cells with ion channels, got {without[0]}")
        return self

    @model_validator(mode="after")
    def _layers_follow_each_other(self) -> "Electrophysiology":
        ends = [end for end, _ in self.layers]
        if ends != sorted(set(ends)):
            raise ValueError(f"layers: expected ends that increase from the endocardium on, got {ends}")
        return self
