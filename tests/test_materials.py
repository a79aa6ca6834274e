"""Constitutive laws against hand-derived values and against their component form."""

import numpy as np
import pytest
import ufl
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation
from ufl.algorithms.apply_algebra_lowering import apply_algebra_lowering
from ufl.algorithms.apply_derivatives import apply_derivatives

from twinbeat.materials import LAWS, Guccione, HolzapfelOgden, NeoHooke, active, incompressible
from twinbeat.parameters import Mechanics

LAW = Guccione(C=2.0, bf=8.0, bt=2.0, bfs=4.0)
RNG = np.random.default_rng(1)
SHEAR = np.eye(3) + 0.2 * RNG.standard_normal((3, 3))


def matrix(values):
    return ufl.as_matrix(np.asarray(values).tolist())


def frame(seed):
    """A random right-handed orthonormal frame (f, s, n)."""
    Q = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))[0]
    return (Q * np.sign(np.linalg.det(Q))).T


def energy(law, F, f0, s0=None):
    return law.energy(matrix(F), ufl.as_vector(f0.tolist()), s0 if s0 is None else ufl.as_vector(s0.tolist()))(())


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


def differentiated(expression):
    """The expression with its derivatives carried out."""
    return apply_derivatives(apply_algebra_lowering(expression))


def stress(law, F, f0, s0=None):
    """P = dW/dF (3, 3) in kPa by UFL's differentiation."""
    variable = ufl.variable(matrix(F))
    axes = [None if a is None else ufl.as_vector(a.tolist()) for a in (f0, s0)]
    P = differentiated(ufl.diff(law.energy(variable, *axes), variable))
    return np.array([P[i](()) for i in np.ndindex(3, 3)]).reshape(3, 3)


def numbers(low, high):
    return st.floats(low, high, allow_nan=False)


deformations = arrays(float, (3, 3), elements=numbers(-0.15, 0.15)).map(lambda H: np.eye(3) + H)
frames = arrays(float, (4,), elements=numbers(-1, 1)).filter(lambda q: np.linalg.norm(q) > 0.1)
ORTHOTROPIC = HolzapfelOgden(a=0.059, b=8.023, a_f=18.472, b_f=16.026, a_s=2.481, b_s=11.12, a_fs=0.216, b_fs=11.436)
EACH = pytest.mark.parametrize("law", [LAW, ORTHOTROPIC, NeoHooke(3.0)], ids=lambda law: type(law).__name__)


def rotation(q):
    """The rotation (3, 3) of a quaternion (4,) that need not be of unit length."""
    return Rotation.from_quat(q).as_matrix()


@EACH
@settings(max_examples=20)
@given(F=deformations, turned=frames, axes=frames)
def test_laws_do_not_see_a_rotation(law, F, turned, axes):
    """W(Q F) = W(F) for any rotation Q (objectivity)."""
    f, s, _ = rotation(axes)
    assert energy(law, rotation(turned) @ F, f, s) == pytest.approx(energy(law, F, f, s), rel=1e-9, abs=1e-12)


@EACH
@settings(max_examples=10)
@given(F=deformations, axes=frames)
def test_laws_do_not_see_how_directions_point(law, F, axes):
    """-f0 is the same fibre as f0, and so with sheets."""
    f, s, _ = rotation(axes)
    assert energy(law, F, -f, s) == pytest.approx(energy(law, F, f, -s), rel=1e-12)


@EACH
def test_nothing_is_stored_or_stressed_in_the_unloaded_shape(law):
    f, s, _ = frame(9)
    assert energy(law, np.eye(3), f, s) == pytest.approx(0, abs=1e-14)
    assert stress(law, np.eye(3), f, s) == pytest.approx(np.zeros((3, 3)), abs=1e-13)


@EACH
@settings(max_examples=5)
@given(F=deformations, axes=frames)
def test_stress_is_the_slope_of_the_energy(law, F, axes):
    """Central differences of W by each component of F, to the error a_f h = 2e-5 kPa that they have where a fibre is
    just not stretched, and the stiffness jumps; elsewhere they are exact to 1e-6."""
    f, s, _ = rotation(axes)
    P, h = np.zeros((3, 3)), 1e-6
    for i, j in np.ndindex(3, 3):
        step = np.zeros((3, 3))
        step[i, j] = h
        P[i, j] = (energy(law, F + step, f, s) - energy(law, F - step, f, s)) / (2 * h)
    assert stress(law, F, f, s) == pytest.approx(P, rel=1e-6, abs=1e-4 + 1e-6 * np.abs(P).max())


@EACH
def test_tangent_is_the_slope_of_the_stress(law):
    """What Newton's method assembles, d2W in two directions H and K, against central differences of the stress."""
    (f, s, _), F, (H, K), h = frame(11), SHEAR, RNG.standard_normal((2, 3, 3)), 1e-6
    expected = np.sum(K * (stress(law, F + h * H, f, s) - stress(law, F - h * H, f, s))) / (2 * h)
    variable = ufl.variable(matrix(F))
    W = law.energy(variable, ufl.as_vector(f.tolist()), ufl.as_vector(s.tolist()))
    slope = ufl.inner(ufl.diff(ufl.inner(ufl.diff(W, variable), matrix(H)), variable), matrix(K))
    assert differentiated(slope)(()) == pytest.approx(expected, rel=1e-6)


def test_neo_hooke_uniaxial():
    """diag(l, l^-1/2, l^-1/2), free sides: the stress is l dW/dl = mu (l^2 - 1/l) = 3 (1.44 - 1/1.2) = 1.82 kPa."""
    stretch = 1.2
    F = np.diag([stretch, stretch**-0.5, stretch**-0.5])
    sigma = stress(NeoHooke(3.0), F, None) @ F.T
    assert sigma[0, 0] - sigma[1, 1] == pytest.approx(1.82, rel=1e-12)


MODES = {
    "fs": ("f", "s", lambda g: 2 * 18.472 * g**3 * np.exp(16.026 * g**4) + 0.216 * g * np.exp(11.436 * g**2)),
    "fn": ("f", "n", lambda g: 2 * 18.472 * g**3 * np.exp(16.026 * g**4)),
    "sf": ("s", "f", lambda g: 2 * 2.481 * g**3 * np.exp(11.12 * g**4) + 0.216 * g * np.exp(11.436 * g**2)),
    "sn": ("s", "n", lambda g: 2 * 2.481 * g**3 * np.exp(11.12 * g**4)),
    "nf": ("n", "f", lambda g: 0.0 * g),
    "ns": ("n", "s", lambda g: 0.0 * g),
}
"""Shear of the face across the first axis towards the second, and what adds to the matrix (Holzapfel and Ogden 2009,
section 5): the first axis is stretched to 1 + g^2, I8fs = g if both axes are f and s."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("amount", [-0.3, 0.1, 0.4])
def test_holzapfel_ogden_in_six_modes_of_shear(mode, amount):
    """F = I + g b a: the shear stress is dW/dg = a g exp(b g^2) + what the mode stretches."""
    axes = dict(zip("fsn", frame(12), strict=True))
    first, second, more = MODES[mode]
    F = np.eye(3) + amount * np.outer(axes[second], axes[first])
    tau = axes[second] @ stress(ORTHOTROPIC, F, axes["f"], axes["s"]) @ axes[first]
    assert tau == pytest.approx(0.059 * amount * np.exp(8.023 * amount**2) + more(amount), rel=1e-10)


def test_holzapfel_ogden_biaxial():
    """diag(l, l, l^-2) along (f, s, n), n free: the stress along f is the matrix's, less that across, and the fibre's.

    dW/dl_f l - dW/dl_n l^-2 = a exp(b (I1 - 3)) (l^2 - l^-4) + 2 a_f (l^2 - 1) exp(b_f (l^2 - 1)^2) l^2.
    """
    stretch = 1.1
    F = np.diag([stretch, stretch, stretch**-2])
    x, y, _ = np.eye(3)
    sigma = stress(ORTHOTROPIC, F, x, y) @ F.T
    I1, I4 = 2 * stretch**2 + stretch**-4, stretch**2
    matrix_part = 0.059 * np.exp(8.023 * (I1 - 3)) * (stretch**2 - stretch**-4)
    for axis, (a, b) in enumerate([(18.472, 16.026), (2.481, 11.12)]):
        expected = matrix_part + 2 * a * (I4 - 1) * np.exp(b * (I4 - 1) ** 2) * I4
        assert sigma[axis, axis] - sigma[2, 2] == pytest.approx(expected, rel=1e-10)


def test_fibres_and_sheets_bear_tension_only():
    """Shortened by 0.9 along f and s, only the matrix stores energy: a/2b (exp b (I1 - 3) - 1)."""
    F = np.diag([0.9, 0.9, 0.9**-2])
    I1 = 2 * 0.9**2 + 0.9**-4
    x, y, _ = np.eye(3)
    assert energy(ORTHOTROPIC, F, x, y) == pytest.approx(0.059 / 2 / 8.023 * np.expm1(8.023 * (I1 - 3)), rel=1e-12)


def test_holzapfel_ogden_wants_sheets():
    with pytest.raises(ValueError, match="needs sheets: got none"):
        energy(ORTHOTROPIC, SHEAR, frame(13)[0])


@pytest.mark.parametrize("name", LAWS)
def test_a_study_chooses_the_law_and_its_stiffness(name):
    """The energy is proportional to the stiffness, which calibration relies on; at the table's a it is the table's."""
    f, s, _ = frame(14)
    one, two = (LAWS[name](Mechanics(law=name), stiffness) for stiffness in (0.059, 0.118))
    assert energy(two, SHEAR, f, s) == pytest.approx(2 * energy(one, SHEAR, f, s), rel=1e-12)
    if name == "holzapfel-ogden":
        assert energy(one, SHEAR, f, s) == pytest.approx(energy(ORTHOTROPIC, SHEAR, f, s), rel=1e-12)
