"""Constitutive laws against hand-derived values and against their component form."""

import numpy as np
import pytest
import ufl

from twinbeat.materials import Guccione, active, incompressible

LAW = Guccione(C=2.0, bf=8.0, bt=2.0, bfs=4.0)
RNG = np.random.default_rng(1)
SHEAR = np.eye(3) + 0.2 * RNG.standard_normal((3, 3))


def matrix(values):
    return ufl.as_matrix(np.asarray(values).tolist())


def frame(seed):
    """A random right-handed orthonormal frame (f, s, n)."""
    Q = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))[0]
    return (Q * np.sign(np.linalg.det(Q))).T


def energy(law, F, f0):
    return law.energy(matrix(F), ufl.as_vector(f0.tolist()))(())


def test_guccione_uniaxial_stretch():
    """Along the fibre, E = diag(e, 0, 0) with e = (1.1^2 - 1)/2 = 0.105, so Q = 8 * 0.105^2 = 0.0882
    and W = 2/2 (exp 0.0882 - 1) = 0.09221 kPa."""
    assert energy(LAW, np.diag([1.1, 1.0, 1.0]), np.array([1.0, 0, 0])) == pytest.approx(0.09221, rel=1e-4)


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_guccione_needs_no_sheets(seed):
    """Invariants give the same energy as the components of E in any frame whose first axis is the fibre (eq. 2.3)."""
    f, s, n = frame(seed)
    E = (SHEAR.T @ SHEAR - np.eye(3)) / 2
    ff, ss, nn, sn, fs, fn = (a @ E @ b for a, b in [(f, f), (s, s), (n, n), (s, n), (f, s), (f, n)])
    Q = 8 * ff**2 + 2 * (ss**2 + nn**2 + 2 * sn**2) + 2 * 4 * (fs**2 + fn**2)
    assert energy(LAW, SHEAR, f) == pytest.approx(np.exp(Q) - 1, rel=1e-12)


def test_guccione_does_not_see_a_rotation():
    """W(Q F) = W(F) for any rotation Q (objectivity)."""
    f = frame(5)[0]
    assert energy(LAW, frame(6) @ SHEAR, f) == pytest.approx(energy(LAW, SHEAR, f), rel=1e-12)


def test_active_stress_is_along_the_fibre():
    """dWa/dF = F S with S = Ta f0 f0: by central differences of the energy, exact as it is quadratic in F."""
    f, Ta, h = frame(7)[0], 30.0, 1e-3

    def Wa(F):
        return active(Ta, matrix(F), ufl.as_vector(f.tolist()))(())

    P = np.zeros((3, 3))
    for i, j in np.ndindex(3, 3):
        step = np.zeros((3, 3))
        step[i, j] = h
        P[i, j] = (Wa(SHEAR + step) - Wa(SHEAR - step)) / (2 * h)
    assert pytest.approx(SHEAR @ (Ta * np.outer(f, f)), abs=1e-8) == P


def test_incompressible():
    """J = 1.1: 3 kPa * 0.1 + 200 kPa * 0.1^2 = 0.3 + 2 = 2.3 kPa."""
    assert incompressible(3.0, 200.0, matrix(np.diag([1.1, 1, 1])))(()) == pytest.approx(2.3, rel=1e-12)
