"""Constitutive laws of the myocardium, in UFL: energies per volume of the unloaded shape, in kPa."""

from dataclasses import dataclass
from typing import Any, Protocol

import ufl

from .kinematics import Expr, green_lagrange


class Law(Protocol):
    """A passive law: strain energy in kPa of the deformation gradient F (3, 3) and the unit fibre f0 (3,)."""

    def energy(self, F: Expr, f0: Expr) -> Expr: ...


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

    def energy(self, F: Expr, f0: Expr) -> Expr:
        """Strain energy per unloaded volume, in kPa."""
        E = green_lagrange(F)
        Ef = E * f0
        ff, along = ufl.dot(f0, Ef), ufl.dot(Ef, Ef)
        across = ufl.inner(E, E) - 2 * along + ff**2
        Q = self.bf * ff**2 + self.bt * across + 2 * self.bfs * (along - ff**2)
        return self.C / 2 * (ufl.exp(Q) - 1)


def active(tension: Expr, F: Expr, f0: Expr) -> Expr:
    """Energy Ta/2 (|F f0|^2 - 1) whose second Piola-Kirchhoff stress is Ta f0 f0 (Land et al. 2015, problem 3), kPa."""
    return tension / 2 * (ufl.dot(F * f0, F * f0) - 1)


def incompressible(p: Expr, bulk: float, F: Expr) -> Expr:
    """p (J - 1) + bulk (J - 1)^2: the multiplier and what keeps it stable (doi 10.1109/TBME.2014.2373399), kPa."""
    J = ufl.det(F)
    return p * (J - 1) + bulk * (J - 1) ** 2
