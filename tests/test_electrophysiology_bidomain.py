"""The bidomain equations where they are known by hand."""

import electrical_samples as samples
import numpy as np
import pytest
from mpi4py import MPI
from pytest import approx

from twinbeat import ionic
from twinbeat.electrophysiology import substrate, ventricle
from twinbeat.electrophysiology.assembly import box, tetrahedra
from twinbeat.electrophysiology.extracellular import Extracellular
from twinbeat.electrophysiology.monodomain import Monodomain
from twinbeat.electrophysiology.mosaic import Passive
from twinbeat.electrophysiology.propagation import Stimulus
from twinbeat.electrophysiology.velocity import Directions
from twinbeat.evidence.electrophysiology import TENSOR
from twinbeat.parameters import Fibers
from twinbeat.parameters.electrophysiology import Bidomain


def test_domains_compose_to_what_was_matched():
    """With ratios 4 and 9: 0.2 along is 0.25 inside and 1.0 outside, 0.09 across is 0.1 and 0.9; both ways
    σ_i σ_e / (σ_i + σ_e)."""
    inner, outer = substrate.domains(np.array([[0.2, 0.09, 0.09]]), Bidomain(ratio_fiber=4, ratio_transverse=9))
    assert inner[0] == approx([0.25, 0.1, 0.1])
    assert outer[0] == approx([1.0, 0.9, 0.9])


def test_equal_ratios_are_a_monodomain():
    """σ_e = 3 σ_i, oblique: V as with 3/4 σ_i alone, and u = -V/4 but for a constant, while a wave passes."""
    points, cells = box((4.0, 1.0, 1.0), 0.5)
    inner, outer, both = (
        tetrahedra(points, cells, np.broadcast_to(factor * TENSOR, (len(cells), 3, 3))) for factor in (4 / 3, 4, 1)
    )
    cell, start = ionic.load(), np.where(points[:, 0] < 1.1, 0.0, np.inf)
    extracellular = Extracellular(inner.stiffness, outer.stiffness)
    media = [
        Monodomain(tissue, cell, cell.unpaced(), 0.02, Stimulus(start), None, outside)
        for tissue, outside in ((both, None), (inner, extracellular))
    ]
    for medium in media:
        medium.run(5.0)
    mono, bi = (medium.voltage for medium in media)
    assert np.ptp(mono) > 80  # the front is within the tissue
    assert bi == approx(mono, abs=0.02)
    extracellular.current(bi)
    assert extracellular.potential == approx(-(bi - bi.mean()) / 4, abs=0.01)


def decay(size):
    """Rate in 1/ms at which a mode cos πx cos πy of a passive sheet with unequal ratios loses its amplitude."""
    points, cells = box((1.0, 1.0, size), size)
    tensors = ([0.3, 0.05, 0.1], [0.6, 0.4, 0.1])
    inner, outer = (tetrahedra(points, cells, np.broadcast_to(np.diag(one), (len(cells), 3, 3))) for one in tensors)
    still = Passive(0.0, np.inf)
    extracellular = Extracellular(inner.stiffness, outer.stiffness)
    medium = Monodomain(inner, still, still.values(), 1e-4, lambda time: None, None, extracellular)
    mode = np.cos(np.pi * points[:, 0]) * np.cos(np.pi * points[:, 1])
    medium.voltage[:] = 10 * mode
    medium.run(0.05)
    left = (inner.mass * mode * medium.voltage).sum() / (inner.mass * mode * mode).sum()
    return -np.log(left / 10) / 0.05


def test_mode_of_unequal_ratios_decays_as_by_hand():
    """cos πx cos πy is a mode of both domains, with k_i = π² (0.3 + 0.05) and k_e = π² (0.6 + 0.4): it decays at
    k_i k_e / (k_i + k_e) / (χ C_m = 1.4) = 1.828 per ms, to the second order in the size."""
    exact = np.pi**2 * 0.35 * 1.0 / 1.35 / 1.4
    errors = [decay(size) - exact for size in (1 / 4, 1 / 8)]
    assert exact == approx(1.828, abs=1e-3)
    assert np.log2(errors[0] / errors[1]) == approx(2.0, abs=0.2)
    assert abs(errors[1]) < 0.02 * exact


def test_charge_is_kept():
    """No current leaves an insulated heart: the voltage's mean over the mass stays."""
    points, cells = box((2.0, 1.0, 1.0), 0.5)
    inner, outer = (tetrahedra(points, cells, np.broadcast_to(one, (len(cells), 3, 3))) for one in (TENSOR, np.eye(3)))
    still = Passive(0.0, np.inf)
    extracellular = Extracellular(inner.stiffness, outer.stiffness)
    medium = Monodomain(inner, still, still.values(), 0.1, lambda time: None, None, extracellular)
    medium.voltage[:] = np.where(points[:, 0] < 0.6, 100.0, 0.0)
    charge = inner.mass @ medium.voltage
    medium.run(5.0)
    assert inner.mass @ medium.voltage == approx(charge, rel=1e-9)


@pytest.fixture(scope="module")
def hearts():
    """The small ventricle with fixed conductivities by both equations."""
    parameters = samples.QUICK.model_copy(update={"size": 2.0})
    heart = substrate.build(samples.ventricle(), parameters, Fibers())
    conductivities = [Directions(0.5, 0.3, 0.3, 1.0)] * 2
    by = {method: parameters.model_copy(update={"method": method}) for method in ("monodomain", "bidomain")}
    return {method: ventricle.diffuse(heart, one, conductivities, MPI.COMM_SELF) for method, one in by.items()}


def test_ventricle_conducts_nearly_as_by_the_monodomain(hearts):
    """Plane waves along the axes have the same velocities, all others nearly: within 1 ms of 30 on average."""
    apart = hearts["bidomain"].activation - hearts["monodomain"].activation
    assert 0 < np.abs(apart).mean() < 1.0


def test_bidomain_runs_on_one_rank():
    class Two:
        size = 2

    parameters = samples.QUICK.model_copy(update={"size": 2.0, "method": "bidomain"})
    heart = substrate.build(samples.ventricle(), parameters, Fibers())
    with pytest.raises(ValueError, match="method bidomain: expected one rank, got 2"):
        ventricle.diffuse(heart, parameters, [Directions(0.5, 0.3, 0.3, 1.0)] * 2, Two())
