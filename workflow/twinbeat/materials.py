"""Constitutive laws of the myocardium, in UFL: energies per volume of the unloaded shape, in kPa."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import ufl

from .kinematics import Expr, green_lagrange, strain_rate
from .parameters import Mechanics


class Law(Protocol):
    """A passive law: strain energy in kPa of the deformation gradient F (3, 3), the unit fibre f0 and the unit sheet
    direction s0 across it (3,). It is proportional to one modulus, the stiffness. s0 may be None where no sheets are
    known: a law that needs them then raises ValueError."""

    def energy(self, F: Expr, f0: Expr, s0: Expr | None) -> Expr: ...


@dataclass(frozen=True)
class Guccione:
    """Transversely isotropic exponential law (Guccione et al. 1991, eq. 1; Land et al. 2015, eq. 2.3).

        W = C/2 (exp Q - 1),   Q = bf Eff^2 + bt (Ess^2 + Enn^2 + 2 Esn^2) + 2 bfs (Efs^2 + Efn^2)

    C is in kPa (a number or a UFL expression), the b are dimensionless. With |E f|^2 = Eff^2 + Efs^2 + Efn^2 and
    E : E = Eff^2 + 2 (Efs^2 + Efn^2) + (Ess^2 + Enn^2 + 2 Esn^2), only the fibre direction is needed.
    """

    C: Any
    bf: float
    bt: float
    bfs: float

    def energy(self, F: Expr, f0: Expr, s0: Expr | None = None) -> Expr:
        """Strain energy per unloaded volume, in kPa."""
        E = green_lagrange(F)
        Ef = E * f0
        ff, along = ufl.dot(f0, Ef), ufl.dot(Ef, Ef)
        across = ufl.inner(E, E) - 2 * along + ff**2
        Q = self.bf * ff**2 + self.bt * across + 2 * self.bfs * (along - ff**2)
        return self.C / 2 * (ufl.exp(Q) - 1)


@dataclass(frozen=True)
class HolzapfelOgden:
    """Orthotropic law of myocardium (Holzapfel and Ogden 2009, doi 10.1098/rsta.2009.0091, section 5).

        W = a/2b (exp b (I1 - 3) - 1) + sum_i=f,s a_i/2b_i (exp b_i (I4i - 1)^2 - 1) + a_fs/2b_fs (exp b_fs I8fs^2 - 1)

    The a are in kPa (numbers or UFL expressions), the b dimensionless. Fibres and sheets bear tension only: their terms
    are nought where I4i < 1. I1 is that of the isochoric part of F, so that nothing is stressed in the unloaded shape.
    With a ``steepness`` k the terms fade in, times 1 / (1 + exp(-k (I4i - 1))), as in Arostica et al. 2025
    (doi 10.1016/j.cma.2024.117485).
    """

    a: Any
    b: float
    a_f: Any
    b_f: float
    a_s: Any
    b_s: float
    a_fs: Any
    b_fs: float
    steepness: float | None = None

    def energy(self, F: Expr, f0: Expr, s0: Expr | None) -> Expr:
        """Strain energy per unloaded volume, in kPa; ValueError without sheets."""
        if s0 is None:
            raise ValueError("the law of Holzapfel and Ogden needs sheets: got none")
        f, s = F * f0, F * s0
        I8 = ufl.dot(f, s)
        along = self._along(self.a_f, self.b_f, f) + self._along(self.a_s, self.b_s, s)
        return fung(self.a, self.b, isochoric(F) - 3) + along + fung(self.a_fs, self.b_fs, I8**2)

    def _along(self, a: Any, b: float, f: Expr) -> Expr:
        """The term of a direction that became f."""
        if self.steepness is None:
            return fung(a, b, tensile(f))
        stretch = ufl.dot(f, f) - 1
        return fung(a, b, stretch**2) / (1 + ufl.exp(-self.steepness * stretch))


@dataclass(frozen=True)
class NeoHooke:
    """W = mu/2 (I1 - 3) with I1 of the isochoric part of F (Holzapfel 2000, section 6.5); mu is in kPa."""

    mu: Any

    def energy(self, F: Expr, f0: Expr | None = None, s0: Expr | None = None) -> Expr:
        """Strain energy per unloaded volume, in kPa."""
        return self.mu / 2 * (isochoric(F) - 3)


def fung(a: Any, b: float, x: Expr) -> Expr:
    """a/2b (exp b x - 1)."""
    return a / (2 * b) * (ufl.exp(b * x) - 1)


def tensile(f: Expr) -> Expr:
    """(I4 - 1)^2 for a direction that became f, if it was stretched, else nought."""
    I4 = ufl.dot(f, f)
    return ufl.conditional(ufl.gt(I4, 1.0), (I4 - 1) ** 2, 0.0)


def isochoric(F: Expr) -> Expr:
    """I1 = J^-2/3 F : F."""
    return ufl.det(F) ** (-2 / 3) * ufl.inner(F, F)


def guccione(m: Mechanics, stiffness: Any) -> Guccione:
    """The law of a study; the stiffness is C."""
    return Guccione(stiffness, m.fiber_exponent, m.transverse_exponent, m.shear_exponent)


def holzapfel_ogden(m: Mechanics, stiffness: Any) -> HolzapfelOgden:
    """The law of a study; the stiffness is a, and the other moduli keep their ratio to it."""
    h = m.holzapfel_ogden
    a_f, a_s, a_fs = (stiffness * (modulus / h.a) for modulus in (h.a_f, h.a_s, h.a_fs))
    return HolzapfelOgden(stiffness, h.b, a_f, h.b_f, a_s, h.b_s, a_fs, h.b_fs)


def neo_hooke(m: Mechanics, stiffness: Any) -> NeoHooke:
    """The law of a study; the stiffness is mu."""
    return NeoHooke(stiffness)


LAWS: dict[str, Callable[[Mechanics, Any], Law]] = {
    "guccione": guccione,
    "holzapfel-ogden": holzapfel_ogden,
    "neo-hooke": neo_hooke,
}
"""Passive laws by their names in ``mechanics.law``: from the section and the stiffness in kPa."""


def active(tension: Expr, F: Expr, f0: Expr) -> Expr:
    """Energy Ta/2 (|F f0|^2 - 1) whose second Piola-Kirchhoff stress is Ta f0 f0 (Land et al. 2015, problem 3), kPa."""
    return tension / 2 * (ufl.dot(F * f0, F * f0) - 1)


class Contraction(Protocol):
    """How muscle with the unit fibre f0 contracts: which part of F the passive law bears, and what energy comes on top
    (kPa)."""

    def elastic(self, F: Expr, f0: Expr) -> Expr: ...

    def energy(self, F: Expr, f0: Expr) -> Expr: ...


@dataclass(frozen=True)
class ActiveStress:
    """A tension Ta (kPa) along the fibres beside the stress of the passive law."""

    tension: Any

    def elastic(self, F: Expr, f0: Expr) -> Expr:
        """All of F."""
        return F

    def energy(self, F: Expr, f0: Expr) -> Expr:
        """Energy whose stress is the tension."""
        return active(self.tension, F, f0)


@dataclass(frozen=True)
class ActiveStrain:
    """F = Fe Fa: fibres become shorter by themselves, and the passive law bears what the shape differs from that
    (Nardinocchi and Teresi 2007; Nobile et al. 2012, doi 10.1002/cnm.1468, transversely isotropic here).

        Fa = (1 + g) f0 f0 + (1 + g)^-1/2 (I - f0 f0),   det Fa = 1

    The tension T (kPa) drives the shortening g through an exponential series elastic element (Hill's muscle): held at
    its length, muscle of the tension T stretches it by 1 / (1 + g) - 1 = e ln(1 + T / T0). So pressures grow about
    linearly with T, as with an active stress, and T = 0 is relaxed muscle.
    """

    tension: Any
    series_tension: float
    series_extension: float

    def shortened(self) -> Expr:
        """1 + g."""
        return 1 / (1 + self.series_extension * ufl.ln(1 + self.tension / self.series_tension))

    def elastic(self, F: Expr, f0: Expr) -> Expr:
        """Fe = F Fa^-1."""
        length = self.shortened()
        along = ufl.outer(f0, f0)
        return F * (along / length + ufl.sqrt(length) * (ufl.Identity(3) - along))

    def energy(self, F: Expr, f0: Expr) -> Expr:
        """None: the work is that of Fa."""
        return ufl.as_ufl(0.0)


CONTRACTIONS: dict[str, Callable[[Mechanics, Any], Contraction]] = {
    "stress": lambda m, tension: ActiveStress(tension),
    "strain": lambda m, tension: ActiveStrain(tension, m.series_tension, m.series_extension),
}
"""Ways to contract by their names in ``mechanics.active``: from the section and the tension in kPa."""


@dataclass(frozen=True)
class Muscle:
    """What contracts, with the passive law that bears it."""

    law: Law
    contraction: Contraction

    def stored(self, F: Expr, f0: Expr, s0: Expr | None) -> Expr:
        """Energy of the passive law per unloaded volume, kPa: what is proportional to the stiffness."""
        return self.law.energy(self.contraction.elastic(F, f0), f0, s0)

    def energy(self, F: Expr, f0: Expr, s0: Expr | None) -> Expr:
        """Energy per unloaded volume, kPa."""
        return self.stored(F, f0, s0) + self.contraction.energy(F, f0)


def incompressible(p: Expr, bulk: float, F: Expr) -> Expr:
    """p (J - 1) + bulk (J - 1)^2: the multiplier and what keeps it stable (doi 10.1109/TBME.2014.2373399), kPa."""
    J = ufl.det(F)
    return p * (J - 1) + bulk * (J - 1) ** 2


def compressible(bulk: Any, F: Expr) -> Expr:
    """bulk/4 (J^2 - 1 - 2 ln J): nearly incompressible for a large bulk modulus (Arostica et al. 2025), kPa."""
    J = ufl.det(F)
    return bulk / 4 * (J**2 - 1 - 2 * ufl.ln(J))


def viscous(viscosity: Any, F: Expr, rate: Expr) -> Expr:
    """Second Piola-Kirchhoff stress eta Edot of the pseudo-potential eta/2 tr(Edot^2), kPa.

    ``rate`` is Fdot (3, 3) in 1/ms, ``viscosity`` eta in kPa ms.
    """
    return viscosity * strain_rate(F, rate)
