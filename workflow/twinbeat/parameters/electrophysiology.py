"""Parameters of electrophysiology."""

from ..units import Length, Time, Velocity
from .section import Section


class Electrophysiology(Section):
    """Monodomain activation with the ten Tusscher-Panfilov 2006 cell."""

    size: Length = "2 mm"
    """Edge length of the electrical mesh, made from the same anatomy."""

    time_step: Time = "0.1 ms"
    """Step of the operator splitting."""

    velocity_fiber: Velocity = "0.6 mm/ms"
    """Conduction velocity along the fibres; conductivities are tuned so that the discrete velocity meets it."""

    velocity_transverse: Velocity = "0.3 mm/ms"
    """Conduction velocity across the fibres."""

    duration: Time = "300 ms"
    """Longest simulated time; it ends earlier once all is activated."""
