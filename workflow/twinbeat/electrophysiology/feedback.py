"""What the motion of the muscle does to the wave in it: conduction in the deformed shape, and stretched membranes.

Conductivities belong to the deformed muscle, D = Σ σ_k b_k⊗b_k with axes b that the motion carries along (the fibre;
the normal of the layers stays one; the third is perpendicular to both). On the fixed mesh this is J F⁻¹ D F⁻ᵀ (Colli
Franzone et al. 2016, doi 10.1142/S0218202516500020): with g_k = √J F⁻¹ b_k, by which a wave along b_k is faster here,

    Σ σ_k |g_k|^m_k ĝ_k⊗ĝ_k,    m_k = d ln σ_k / d ln v_k.

On a fine mesh m is 2 and the sum that tensor. Where elements are coarse velocities follow conductivities otherwise, and
as those are matched to the velocities (``velocity``) so is their change: the wave keeps its velocities in the deformed
muscle on any mesh. Membrane goes with the muscle, so that the lumped mass stays.

Stretch opens channels that let cations pass alike (Kohl et al. 1998, Keldermann et al. 2010):

    I = g max(λ - λ0, 0) (V - E)

at each node, λ being the stretch of its fibres from the unloaded shape. As all of the step but this is held, it is
solved exactly.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..fibers import shape_gradients
from ..parameters.electrophysiology import Feedback
from ..verdicts import Quarantined
from . import substrate
from .assembly import Array, Discretisation, assembled
from .diffusion import Diffusion
from .monodomain import Monodomain, rate
from .motion import Motion, carried, stretch
from .propagation import Stimulus, Train
from .ranks import Share

LEAD = 200.0  # ms for which stretched membranes find their potential before the wave starts


@dataclass(frozen=True)
class Surroundings:
    """The ``motion`` about a muscle with conductivities ``values`` (cell, axis) and ``exponents`` m (cell, axis).

    ``onto`` (cell, point of the motion) interpolates to its cells; ``fires`` (point,) says which nodes have channels.
    """

    muscle: xr.Dataset
    values: Array
    exponents: Array
    motion: Motion
    onto: csr_array
    fires: NDArray[np.bool_]
    settings: Feedback

    def gradient(self, time: float) -> Array:
        """F (cell, 3, 3) at a time in ms since the wave started; Quarantined("motion-inverted") where it turns a cell
        inside out."""
        F = carried(self.onto, self.motion.at(time))
        least = float(np.linalg.det(F).min())
        if least <= 0:
            found = f"a cell has {least:.2g} times its volume {time:g} ms after the wave starts"
            raise Quarantined("motion-inverted", f"{found}; expected more than 0")
        return F

    @cached_property
    def shape(self) -> tuple[Array, Array]:
        """Gradients of the shape functions (cell, 4, 3) in 1/mm, and volumes (cell,) in mm³."""
        return shape_gradients(self.muscle["points"].values, self.muscle["cells"].values)

    def tissue(self, F: Array) -> Discretisation:
        """The tissue of the diffusion with deformation gradients (cell, 3, 3)."""
        tensors = pulled_back(substrate.axes(self.muscle), self.values, self.exponents, F)
        return assembled(self.muscle["cells"].values, *self.shape, tensors)

    def opening(self, F: Array) -> Array:
        """g max(λ - λ0, 0) (point,) in 1/ms."""
        if self.settings.conductance == 0:
            return np.zeros(len(self.fires))
        longer = stretch(self.muscle["fiber"].values, F, carried(self.onto, self.motion.unloaded)) - self.settings.slack
        corners, volumes = self.muscle["cells"].values.ravel(), np.repeat(self.shape[1], 4)
        mean = np.bincount(corners, volumes * np.repeat(longer, 4)) / np.bincount(corners, volumes)
        return self.settings.conductance * np.maximum(mean, 0.0) * self.fires

    def led(self, beats: Train) -> Train:
        """The stimuli LEAD ms later, where there are channels."""
        if self.settings.conductance == 0:
            return beats
        (_, stimulus), *_ = beats.stimuli
        silence = Stimulus(np.full(len(stimulus.start), np.inf))
        return Train(((0.0, silence), (LEAD, stimulus)))


def pulled_back(axes: Array, values: Array, exponents: Array, F: Array) -> Array:
    """Tensors (cell, 3, 3) in the undeformed shape from conductivities (cell, axis) along ``axes`` (cell, axis, 3) that
    a deformation gradient F (cell, 3, 3) carries along; ``exponents`` m as above.

    b is A = (a_k) carried along and made orthonormal in its order, F Aᵀ = B Lᵀ, so that F⁻¹ b_k = Aᵀ L⁻ᵀ e_k; and J is
    the determinant of L.
    """
    along = axes @ np.swapaxes(F, 1, 2)
    lower = np.linalg.cholesky(along @ np.swapaxes(along, 1, 2))
    J = np.prod(np.diagonal(lower, axis1=1, axis2=2), axis=1)
    back = np.linalg.inv(lower) * np.sqrt(J)[:, None, None]
    faster = np.linalg.norm(back, axis=2)
    here = (back * np.sqrt(values * faster ** (exponents - 2))[..., None]) @ axes
    return np.swapaxes(here, 1, 2) @ here


class Beating(Monodomain):
    """The monodomain equation in muscle that moves: ``begin`` is when its wave starts, in ms."""

    def __init__(self, around: Surroundings, begin: float, share: Share, *monodomain: Any) -> None:
        super().__init__(share.tissue, *monodomain, share)
        self.around, self.begin, self.share = around, begin, share
        self._every = max(1, round(around.settings.interval / self.time_step))
        self._leaving = np.zeros(len(share.own))

    def advance(self) -> None:
        """One step of the cells, the diffusion, and the channels."""
        if self.steps % self._every == 0:
            self._move()
        super().advance()
        self.voltage[:] += (self.around.settings.reversal - self.voltage) * self._leaving

    def _move(self) -> None:
        F = self.around.gradient(self.time - self.begin)
        if self.around.settings.conduction and self.time > self.begin - 1e-9:
            self.ranks = self.share = self.share.of(self.around.tissue(F))
            self.diffusion = Diffusion(rate(self.share.tissue), self.time_step, self.ranks)
        self._leaving = -np.expm1(-self.time_step * self.around.opening(F)[self.share.own])
