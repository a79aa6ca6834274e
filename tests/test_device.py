"""The monodomain on a device: its kernels, compiled for this processor, take the CPU's steps. No GPU is needed."""

import sys
from types import SimpleNamespace

import electrical_samples as samples
import numpy as np
import pytest
import xarray as xr
from host_device import Cupy
from mpi4py import MPI
from pytest import approx
from scipy.sparse import csr_array, random_array

from twinbeat import device, electrophysiology, ionic
from twinbeat.device import gpu
from twinbeat.electrophysiology import accelerated, ensemble, monodomain, sites, substrate, ventricle
from twinbeat.electrophysiology.assembly import box, tetrahedra
from twinbeat.electrophysiology.monodomain import Monodomain
from twinbeat.electrophysiology.mosaic import Patch
from twinbeat.electrophysiology.propagation import Stimulus, propagate
from twinbeat.electrophysiology.velocity import Directions
from twinbeat.parameters import Electrophysiology, Fibers
from twinbeat.stage import MACHINE_FAULTS

FIELDS = ("activation", "repolarisation", "times", "voltage", "seen")
HERE = Directions(0.3, 0.15, 0.15, 0.5)  # mS/mm


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> gpu.Gpu:
    return gpu.Gpu(Cupy(tmp_path_factory.mktemp("kernels")))


def require_same(one, other):
    """Both add the same numbers in another order: equal to 1e-6 ms and mV, far below the 0.05 ms that are asked for."""
    for name in FIELDS:
        assert getattr(one, name) == approx(getattr(other, name), rel=1e-9, abs=1e-6), name


@pytest.mark.parametrize("name", ["tentusscher_panfilov_2006_epi", "torord_dyncl_endo", "bueno_orovio_2008_mid"])
def test_whole_beat_is_that_of_the_cpu(host, name):
    """Activation, repolarisation, snapshots and leads of a block of muscle, to the end of its beat."""
    points, cells = box((3.0, 1.5, 1.0), 0.5)
    tissue = tetrahedra(points, cells, np.broadcast_to(np.diag([0.2, 0.08, 0.08]), (len(cells), 3, 3)))
    cell, source = ionic.load(name), Stimulus(np.where(points[:, 0] < 0.6, 1.0, np.inf))
    field = np.stack([points[:, 0], np.ones(len(points))])
    medium = Monodomain(tissue, cell, cell.unpaced(), 0.05, source)
    expected = propagate(medium, 600.0, 25.0, repolarised=True, leads=lambda voltage: field @ voltage)
    patch = Patch(cell, cell.unpaced(), np.arange(len(points)))
    plan = accelerated.plan(tissue, [patch], 0.05, source)
    watched = np.ones(len(points), bool)
    found = accelerated.conduct(host, plan, 0.0, 600.0, 25.0, watched, True, field)
    require_same(found, expected)
    assert np.isfinite(expected.repolarisation).all()


def test_stages_are_those_of_the_cpu(host):
    """Three stages of a coarse step on fine elements: the buffers that take turns are not mixed up."""
    points, cells = box((1.5, 0.6, 0.3), 0.1)
    tissue = tetrahedra(points, cells, np.broadcast_to(np.diag([0.3, 0.1, 0.1]), (len(cells), 3, 3)))
    cell, source = ionic.load("bueno_orovio_2008_epi"), Stimulus(np.where(points[:, 0] < 0.75, 0.0, np.inf))
    medium = Monodomain(tissue, cell, cell.unpaced(), 0.1, source)
    plan = accelerated.plan(tissue, [Patch(cell, cell.unpaced(), np.arange(len(points)))], 0.1, source)
    assert plan.stages == medium.diffusion.stages >= 3
    there = device.Medium(host, plan)
    there.run(20.0)
    medium.run(20.0)
    assert host.host(there.voltage) == approx(medium.voltage, abs=1e-6)
    assert medium.voltage.min() > 0


def test_ensemble_is_its_members_one_by_one(host):
    """Three sets of currents on one mesh, together on the CPU and on a device, and each alone with a kernel of its own
    parameters: the table of the latter has them, that of the former leaves them out, which costs rounding only."""
    points, cells = box((3.0, 1.0, 1.0), 0.5)
    tissue = tetrahedra(points, cells, np.broadcast_to(np.diag([0.2, 0.08, 0.08]), (len(cells), 3, 3)))
    source = Stimulus(np.where(points[:, 0] < 0.6, 1.0, np.inf))
    varied = {"g_Kr": np.array([0.153, 0.08, 0.153]), "g_CaL": np.array([3.98e-05, 3.98e-05, 3e-05])}
    members = ensemble.Members("tentusscher_panfilov_2006_epi", varied, len(points))
    together = ensemble.waves(tissue, members, 0.05, source, 500.0, 50.0, True)
    there = ensemble.waves(tissue, members, 0.05, source, 500.0, 50.0, True, host)
    cell = ionic.load()
    for member in range(3):
        require_same(there[member], together[member])
        own = cell.values(**cell.stimulus(amplitude=0.0), **{name: values[member] for name, values in varied.items()})
        alone = propagate(Monodomain(tissue, cell, own, 0.05, source), 500.0, 50.0, repolarised=True)
        assert together[member].activation == approx(alone.activation, abs=1e-6)
        assert together[member].repolarisation == approx(alone.repolarisation, abs=1e-6)
    durations = [np.mean(wave.repolarisation - wave.activation) for wave in together]
    assert durations[2] < durations[0] < durations[1]


@pytest.fixture(scope="module")
def heart():
    """A slab with an endocardial layer of other cells, passive scar in half of its width, and a border zone around."""
    whole = samples.slab((8.0, 4.0, 4.0), 1.0).assign(to_lps=(("row", "column"), np.eye(4)))
    x, y, _ = whole["points"].values[whole["cells"].values].mean(axis=1).T
    tissue = np.where((x > 4) & (x < 6) & (y < 2), 2, np.where((x > 3) & (x < 7) & (y < 3), 1, 0))
    return substrate.divide(whole, tissue, insulating=False)


PARAMETERS = Electrophysiology(
    size="2 mm",
    time_step="0.1 ms",
    layers=[[0.3, "tentusscher_panfilov_2006_endo"]],
    scar={"kind": "passive", "border_currents": {"g_Na": 0.5}},
    roots=[[0.0, "0 degree"]],
    leads=[[0.0, "0 degree", 1.0, "3 ms"]],
    pacing={"beats": 1, "cycle": "400 ms", "coupling": "350 ms"},
    until="repolarisation",
)


def test_heart_of_many_kinds_is_that_of_the_cpu(heart, host, monkeypatch):
    """Two models, scaled currents and passive membranes, each at some nodes; an early beat after a first one."""
    conductivities = [HERE, HERE]
    expected = ventricle.diffuse(heart, PARAMETERS, conductivities, MPI.COMM_SELF)
    monkeypatch.setattr(device, "chosen", lambda wish: host)
    found = ventricle.diffuse(heart, PARAMETERS, conductivities, MPI.COMM_SELF)
    require_same(found, expected)
    assert np.isfinite(expected.repolarisation[heart.fires]).all()
    assert host.xp.launched > 0


def test_activation_of_a_ventricle_is_that_of_the_cpu(host, monkeypatch):
    """The whole of it on an irregular mesh, whose rows are of many lengths; stored voltages have seven digits."""
    anatomy, parameters = samples.ventricle(), samples.QUICK.model_copy(update={"cell": "bueno_orovio_2008_epi"})
    expected = electrophysiology.activate(anatomy, parameters, Fibers())
    monkeypatch.setattr(device, "chosen", lambda wish: host)
    found = electrophysiology.activate(anatomy, parameters, Fibers())
    xr.testing.assert_allclose(found, expected, rtol=2e-7, atol=1e-6)
    assert found.sizes["fine_point"] > 10_000


def test_wave_ends_where_the_cpu_ends(heart, host):
    """Nodes that are not watched and come later than the last watched one have no time; nor has any after duration."""
    muscle, parameters = heart.muscle, PARAMETERS.model_copy(update={"layers": ()})
    tissue = substrate.discretise(muscle, substrate.along(muscle, heart.kind * 0, [HERE]))
    patches = substrate.patches(muscle, heart.kind * 0, parameters)
    source = sites.stimulus(muscle, parameters)
    watched = muscle["points"].values[:, 0] < 4
    for duration in (100.0, 7.0):
        medium = Monodomain(tissue, patches[0].cell, patches[0].parameters, 0.1, source)
        expected = propagate(medium, duration, 3.0, np.flatnonzero(watched))
        plan = accelerated.plan(tissue, patches, 0.1, source)
        require_same(accelerated.conduct(host, plan, 0.0, duration, 3.0, watched), expected)
        assert np.isinf(expected.activation).any()


@pytest.mark.parametrize("rows", [1, 31, 32, 33, 100])
def test_sliced_matrix_is_the_matrix(rows):
    """Its rows, read as a kernel reads them, are those of the compressed one; a slice is as long as its longest row."""
    matrix = csr_array(random_array((rows, rows), density=0.1, rng=np.random.default_rng(rows)))
    sliced, found = device.sliced(matrix), np.zeros((rows, rows))
    for row in range(rows):
        for k in range(sliced.starts[row // 32] + row % 32, sliced.starts[row // 32 + 1], 32):
            found[row, sliced.columns[k]] += sliced.values[k]
    assert found == approx(matrix.toarray())
    lengths = np.pad(np.diff(matrix.indptr), (0, -rows % 32)).reshape(-1, 32)
    assert len(sliced.values) == 32 * lengths.max(axis=1).sum()


def test_plan_survives_its_file(heart, tmp_path):
    """What is read has the same arrays, in the same parts; None stays None."""
    muscle = heart.muscle
    tissue = substrate.discretise(muscle, substrate.along(muscle, heart.kind, [HERE, HERE, HERE]))
    patches = substrate.patches(muscle, heart.kind, PARAMETERS)
    plan = accelerated.plan(tissue, patches, 0.1, sites.train(muscle, PARAMETERS))
    device.write(plan, tmp_path / "plan.npz")
    found = device.read(tmp_path / "plan.npz")
    assert [len(part) for part in (found.cells, found.leaks, found.pulses)] == [4, 1, 2]
    assert repr(found) == repr(plan)
    assert found.cells[0].source == plan.cells[0].source
    assert np.array_equal(found.cells[1].table, plan.cells[1].table)
    alone = [Patch(patches[0].cell, patches[0].parameters, np.arange(muscle.sizes["point"]))]
    device.write(accelerated.plan(tissue, alone, 0.1, sites.stimulus(muscle, PARAMETERS)), tmp_path / "plan.npz")
    assert device.read(tmp_path / "plan.npz").cells[0].nodes is None


def test_leak_is_that_of_the_membrane(host):
    """V' = -V/τ without neighbours, from 10 mV: 10 exp(-t/τ)."""
    pulse = device.Pulse(0.0, np.full(3, np.inf), 0.0, 1.0)
    alone = device.sliced(csr_array((3, 3)))
    leak = device.Leak(0.0, float(-np.expm1(-0.1 / 5)), np.arange(3, dtype=np.int32))
    medium = device.Medium(host, device.Plan(alone, 3, 0.1, 1, (), (pulse,), (leak,)))
    medium.voltage[:] = 10.0
    medium.run(2.0)
    assert host.host(medium.voltage) == approx(10 * np.exp(-2 / 5) * np.ones(3))


def test_pulse_brings_its_charge(host):
    """40 mV/ms for 0.5 ms from 1 ms after the pulse begins at 2 ms: 20 mV, where it is, and only then."""
    pulses = device.Pulse(0.0, np.full(2, np.inf), 0.0, 1.0), device.Pulse(2.0, np.array([1.0, np.inf]), 40.0, 0.5)
    leak = device.Leak(0.0, 0.0, np.arange(2, dtype=np.int32))
    medium = device.Medium(host, device.Plan(device.sliced(csr_array((2, 2))), 2, 0.1, 1, (), pulses, (leak,)))
    medium.run(3.0)
    assert host.host(medium.voltage) == approx(np.zeros(2))
    medium.run(9.0)
    assert host.host(medium.voltage) == approx(np.array([20.0, 0.0]))


def test_gpu_is_taken_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", Cupy(tmp_path))
    assert gpu.chosen("cpu") is None
    assert gpu.chosen("auto").name == gpu.chosen("gpu").name == "host"


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (None, r"no-gpu: electrophysiology.device: gpu: expected CuPy \(envs/gpu.txt\), got import of cupy halted"),
        (SimpleNamespace(is_available=lambda: False, __version__="14"), "expected a GPU that CuPy 14 sees, got none"),
    ],
)
def test_without_a_gpu_the_wish_fails_and_auto_is_the_cpu(monkeypatch, module, message):
    """The job fails, as for other faults of a machine, rather than the patient: it can be run again elsewhere."""
    monkeypatch.setitem(sys.modules, "cupy", module)
    assert gpu.chosen("auto") is None
    with pytest.raises(device.NoGpu, match=message) as raised:
        gpu.chosen("gpu")
    assert isinstance(raised.value, MACHINE_FAULTS)


def test_launcher_divides_threads_into_blocks():
    """300 threads are three blocks of 128; the kernel is asked for by its name, and takes the arguments as they are."""
    calls = []

    def get_function(name):
        return lambda grid, block, arguments: calls.append((name, grid, block, arguments))

    class Recorder(Cupy):
        def RawModule(self, *, code, options):
            calls.append((code, options))
            return SimpleNamespace(get_function=get_function)

    launch = gpu.Gpu(Recorder(None)).load("source")
    launch("finish", 300, np.int32(300), "array")
    assert calls == [("source", ("--std=c++17",)), ("finish", (3,), (128,), (np.int32(300), "array"))]


def test_ranks_and_other_methods_are_for_the_cpu(monkeypatch):
    monkeypatch.setattr(device, "chosen", lambda wish: "GPU")
    wish, two = Electrophysiology(device="gpu"), SimpleNamespace(size=2)
    assert ventricle._machine(wish, MPI.COMM_SELF) == "GPU"
    with pytest.raises(ValueError, match="device gpu: expected one rank, got 2"):
        ventricle._machine(wish, two)
    assert ventricle._machine(Electrophysiology(device="auto"), two) is None
    assert ventricle._machine(Electrophysiology(device="auto", method="bidomain"), MPI.COMM_SELF) is None
    with pytest.raises(ValueError, match="device: expected cpu or auto for method eikonal, got gpu"):
        Electrophysiology(device="gpu", method="eikonal")


def test_constants_of_a_kernel_are_in_its_source():
    """Two sets of parameters are two sources: CuPy keeps one module, with its constant memory, for each."""
    cell = ionic.load("bueno_orovio_2008_epi")
    sources = [cell.cuda(cell.values(stim_amplitude=amplitude), 0.05) for amplitude in (0.0, 0.25)]
    assert sources[0].splitlines()[1:] == sources[1].splitlines()[1:]
    assert "0.25" in sources[1].splitlines()[0]


def test_rate_of_a_cable():
    """Nodes of mass 2 mm³ joined by 0.7 mS: 0.7/(1.4 µF/mm³ 2 mm³) = 0.25/ms."""
    stiffness = csr_array(np.array([[0.7, -0.7], [-0.7, 0.7]]))
    found = monodomain.rate(monodomain.Discretisation(stiffness, np.full(2, 2.0))).toarray()
    assert found == approx(0.25 * np.array([[-1, 1], [1, -1]]))
