"""Kinematics against pencil and paper."""

import numpy as np
import pytest
import ufl

from twinbeat import kinematics


def value(expression, *shape):
    """The number or array of a constant UFL expression."""
    if not shape:
        return expression(())
    return np.array([expression[i](()) for i in np.ndindex(*shape)]).reshape(shape)


def test_strain_of_a_stretch():
    """Stretched by 1.1 along x: Exx = (1.1^2 - 1)/2 = 0.105 and nothing else."""
    E = kinematics.green_lagrange(ufl.as_matrix(np.diag([1.1, 1.0, 1.0]).tolist()))
    assert value(E, 3, 3) == pytest.approx(np.diag([0.105, 0, 0]), abs=1e-14)


def test_strain_does_not_see_a_rotation():
    """E of a rotation by 30 degrees is zero."""
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    E = kinematics.green_lagrange(ufl.as_matrix([[c, -s, 0], [s, c, 0], [0, 0, 1]]))
    assert value(E, 3, 3) == pytest.approx(np.zeros((3, 3)), abs=1e-15)


def test_cofactor_maps_areas():
    """diag(2, 3, 4) stretches the face across x by 3 * 4 = 12."""
    cofactor = kinematics.cofactor(ufl.as_matrix(np.diag([2.0, 3.0, 4.0]).tolist()))
    assert value(cofactor, 3, 3) == pytest.approx(np.diag([12, 8, 6]), abs=1e-12)


def test_unit():
    """(3, 0, 4) has the length 5."""
    assert value(kinematics.unit(ufl.as_vector([3.0, 0.0, 4.0])), 3) == pytest.approx([0.6, 0, 0.8], rel=1e-14)


def test_across():
    """Of (3, 4, 0) what is perpendicular to x is (0, 4, 0), of length one (0, 1, 0)."""
    f0 = ufl.as_vector([1.0, 0.0, 0.0])
    assert value(kinematics.across(ufl.as_vector([3.0, 4.0, 0.0]), f0), 3) == pytest.approx([0, 1, 0], abs=1e-15)
