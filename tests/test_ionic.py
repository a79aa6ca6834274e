"""Cell models: the kernel does what its equations say, vectorised or not, and the published cell beats as published."""

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import sympy
from pytest import approx

from twinbeat import ionic
from twinbeat.ionic import compiler, generator
from twinbeat.ionic.uniform import Uniform, reciprocal
from twinbeat.parameters import Electrophysiology

DECAY = 'parameters("Cell", k = 0.5)\nstates("Cell", V = 2.0)\nexpressions("Cell")\ndV_dt = -k*V\n'
GATE = """parameters("Cell", half = 0.5)
states("Cell", V = 0.0, w = 1.0)
expressions("Cell")
tau = 2 + 0.5*(exp(V/10) + exp(-V/10))
dw_dt = (half*(1 + V/1000) - w)/tau
dV_dt = -w*V/(exp(V/20) - 1) + 20*t
"""


@pytest.fixture
def decay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model whose only state decays, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "decay.ode").write_text(DECAY)
    return tmp_path / "decay.ode"


def model(ode: Path) -> ionic.CellModel:
    library, defaults = compiler.kernel(ode)
    return ionic.CellModel(ode.stem, defaults["states"], defaults["parameters"], library)


def test_linear_decay_is_exact(decay):
    """Rush-Larsen solves a linear equation exactly: V = 2 exp(-0.5 t), with any step; here k is changed to 0.3."""
    cell = model(decay)
    states = cell.initial(3)
    cell.advance(states, cell.values(k=0.3), time=0.0, step=0.7, steps=10)
    assert states[0] == approx(2 * np.exp(-0.3 * 7.0) * np.ones(3), rel=1e-12)


def test_kernel_is_compiled_once(decay, monkeypatch):
    """A second process takes the kernel of the first: without gcc there is nothing that it could compile with."""
    first = model(decay)
    monkeypatch.setattr(compiler, "_publish", lambda *_: pytest.fail("compiled again"))
    assert model(decay).library == first.library


def test_processes_may_race(decay):
    """Two processes that start with an empty cache all get the kernel, and one folder is left."""
    code = (
        f"from twinbeat.ionic import compiler; import pathlib; print(compiler.kernel(pathlib.Path({str(decay)!r}))[0])"
    )
    racers = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    paths = {racer.communicate()[0].splitlines()[-1] for racer in racers}
    assert [racer.returncode for racer in racers] == [0, 0]
    folders = list((Path(os.environ["XDG_CACHE_HOME"]) / "twinbeat-kernels").iterdir())
    assert paths == {str(folders[0] / "code.so")} and len(folders) == 1


def test_edited_equations_get_another_kernel(decay):
    first = model(decay).library
    decay.write_text(DECAY.replace("-k*V", "-2*k*V"))
    assert model(decay).library != first


def test_lost_race_needs_a_winner(decay, monkeypatch):
    """A folder that cannot be put in place, while no other is there, is an error of the machine."""

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="disk full"):
        compiler.kernel(decay)


def test_compiler_error_is_told(decay, monkeypatch):
    monkeypatch.setattr(compiler, "FLAGS", ("-no-such-flag",))
    with pytest.raises(RuntimeError, match="no-such-flag"):
        compiler.kernel(decay)


def test_stiff_gate_beside_a_singularity(tmp_path, monkeypatch):
    """w' = (a(V) - w)/tau(V), V' = -w V/(exp(V/20) - 1) + 20 t: at V = 0 the quotient is 20 and removable. From w = 1,
    V = 0 at t = 0, with dt 0.1: tau = 2 + cosh 0 = 3 and a = 1/2 give w = 1/2 + 1/2 exp(-0.1/3); V' = -20, and its
    slope by V is -w d(V/(exp(V/20) - 1))/dV = 1/2, so V = -20 (exp 0.05 - 1)/0.5."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    ode = tmp_path / "gate.ode"
    ode.write_text(GATE)
    cell = model(ode)
    states = cell.initial(3)
    cell.advance(states, cell.values(), time=0.0, step=0.1)
    assert states[list(cell.states).index("w")] == approx((0.5 + 0.5 * np.exp(-0.1 / 3)) * np.ones(3), rel=1e-6)
    assert states[cell.voltage] == approx(-40 * (np.exp(0.05) - 1) * np.ones(3), rel=1e-6)


def test_table_is_second_order(tmp_path, monkeypatch):
    """With V held at 3 mV the gate decays exactly to exp(-1 / tau), tau = 2 + cosh 0.3, in 1 ms, but for the table:
    half the spacing leaves a quarter of the error."""
    (tmp_path / "held.ode").write_text(
        GATE.replace("half*(1 + V/1000)", "0*V").replace("-w*V/(exp(V/20) - 1) + 20*t", "0*V")
    )
    errors = []
    for spacing in (0.4, 0.2):
        monkeypatch.setattr(generator, "SPACING", spacing)
        monkeypatch.setattr(generator, "LOWEST", 3.0 - 500.5 * spacing)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"{spacing}"))
        cell = model(tmp_path / "held.ode")
        states = cell.initial(1)
        states[cell.voltage] = 3.0
        cell.advance(states, cell.values(), time=0.0, step=0.1, steps=10)
        errors.append(states[list(cell.states).index("w"), 0] - np.exp(-1 / (2 + np.cosh(0.3))))
    assert errors[0] / errors[1] == approx(4, rel=0.01)


def test_vectorised_equals_scalar():
    """13 cells (one vector and a remainder) from 13 voltages, against one cell at a time, over an upstroke."""
    cell = ionic.load()
    together, parameters = cell.initial(13), cell.values(stim_amplitude=0.0)
    together[cell.voltage] = np.linspace(-80, -20, 13)
    alone = [np.ascontiguousarray(together[:, k : k + 1]) for k in range(13)]
    cell.advance(together, parameters, 0.0, 0.05, steps=100)
    for states in alone:
        cell.advance(states, parameters, 0.0, 0.05, steps=100)
    assert together == approx(np.hstack(alone), rel=1e-9)


def test_paced_cell_beats_as_published():
    """By a separate program, beat 100: at a cycle length of 1000 ms the cell rests at -85.35 mV, with an APD90 of 303.0
    ms. The other cycle lengths are rows of the evidence."""
    times, voltage = ionic.pace(ionic.load(), cycle=1000, beats=100)
    assert voltage[0] == approx(-85.35, abs=0.2)
    assert ionic.duration(times, voltage) == approx(303.0, abs=1.0)


def test_duration_of_a_triangle():
    """Up in one ms from 0 to 100 mV at 1 ms, down by 1 mV/ms: 90 % repolarised 90 ms after the peak at 2 ms."""
    times = np.arange(150.0)
    voltage = np.interp(times, [1, 2, 102], [0, 100, 0])
    assert ionic.duration(times, voltage) == approx(91.0)


def test_unknown_parameter_is_named():
    with pytest.raises(KeyError, match="no parameter g_Typo"):
        ionic.load().values(g_Typo=1.0)


def test_wrong_array_is_named():
    cell = ionic.load()
    with pytest.raises(ValueError, match=r"expected a contiguous float64 array \(19, 4\), got float64 \(19, 4\)"):
        cell.advance(np.asfortranarray(cell.initial(4)), cell.values(), 0.0, 0.1)


@pytest.mark.parametrize("family", ["tentusscher_panfilov_2006", "bueno_orovio_2008"])
def test_midmyocardial_cells_repolarise_last(family):
    """Transmural heterogeneity, at a cycle length of 1000 ms: M cells have the longest action potential by far (ten
    Tusscher and Panfilov 2006; Bueno-Orovio et al. 2008), and each kind fires above 20 mV from below -80 mV."""
    durations = {}
    for kind in ("epi", "mid", "endo"):
        times, voltage = ionic.pace(ionic.load(f"{family}_{kind}"), cycle=1000, beats=5, step=0.05)
        assert voltage[0] < -80 and voltage.max() > 20
        durations[kind] = ionic.duration(times, voltage)
    assert durations["mid"] > 1.25 * max(durations["epi"], durations["endo"])


def test_minimal_cell_obeys_its_equations():
    """Bueno-Orovio epi at rest, u = 0 and s = 0, with w = 0.5: w relaxes to 1 with tau_w- = 60 + (15 - 60)(1 +
    tanh(-65 * 0.03))/2 = 59.1 ms, and no current flows; 50 ms."""
    cell = ionic.load("bueno_orovio_2008_epi")
    states = cell.initial(1)
    row = list(cell.states).index("w")
    states[row] = 0.5
    cell.advance(states, cell.unpaced(), 0.0, 0.05, steps=1000)
    tau = 60 - 45 * (1 + np.tanh(-65 * 0.03)) / 2
    assert states[row, 0] == approx(1 - 0.5 * np.exp(-50 / tau), rel=2e-3)
    assert states[cell.voltage, 0] == approx(-84, abs=0.05)


def test_own_stimulus_is_found_and_switched_off():
    """The stimulus goes by other names in ToR-ORd; without it the cell stays at rest."""
    cell = ionic.load("torord_dyncl_endo")
    assert cell.stimulus(period=500.0) == {"i_Stim_Period": 500.0}
    states = cell.initial(1)
    cell.advance(states, cell.unpaced(), 0.0, 0.02, steps=1000)
    assert states[cell.voltage, 0] == approx(-89.75, abs=0.2)


def test_replaced_equation_must_be_there(decay):
    with pytest.raises(KeyError, match=r"decay.ode has 0 equations for tau; expected one"):
        compiler.kernel(decay, {"tau": "3"})


def test_configuration_knows_the_models():
    """The names that the configuration takes are those of the library."""
    assert get_args(Electrophysiology.model_fields["cell"].annotation) == tuple(ionic.MODELS)


def test_varied_parameter_is_each_cells_own(decay):
    """V = 2 exp(-k t), with a rate for each of 19 cells (a vector, a block and a remainder); one value serves all, and
    the default is the file's."""
    library, defaults = compiler.kernel(decay, varied=("k",))
    cell = ionic.CellModel(decay.stem, defaults["states"], defaults["parameters"], library, defaults["varied"])
    rates = np.linspace(0.1, 1.9, 19)
    for variation, k in ((cell.variation(19, k=rates), rates), (cell.variation(19, k=0.3), 0.3), (None, 0.5)):
        states = cell.initial(19)
        cell.advance(states, cell.values(), 0.0, 0.7, 10, variation)
        assert states[0] == approx(2 * np.exp(-k * 7.0) * np.ones(19), rel=1e-9)


def test_varied_cells_are_those_of_uniform_parameters():
    """Cells whose parameters are varied follow, each, the kernel in which they are uniform, over an upstroke; those
    that set the kind of cell apart have its values."""
    plain, varied = (ionic.load("bueno_orovio_2008_mid", names) for names in ((), ("tau_fi", "u_u")))
    assert varied.varied["u_u"] == plain.parameters["u_u"] == 1.61 and "u_u" not in varied.parameters
    together, values = varied.initial(5), np.linspace(0.07, 0.2, 5)
    varied.advance(together, varied.values(), 0.0, 0.01, 1000, varied.variation(5, tau_fi=values))
    for k, value in enumerate(values):
        alone = plain.initial(1)
        plain.advance(alone, plain.values(tau_fi=value), 0.0, 0.01, 1000)
        assert together[:, k] == approx(alone[:, 0], rel=1e-6, abs=1e-12)


def test_what_is_the_same_for_all_cells_is_evaluated_once():
    """a b x + 2 a + exp(b) y + entry: a b, exp(b) and 2 a with the entry are elements, as this entry of the table does
    not depend on the voltage; numbers and what varies stay."""
    a, b, x, y, entry = sympy.symbols("a b x y ENTRY(0)", real=True)
    uniform = Uniform({a, b}, {entry: sympy.sqrt(a)})
    folded = uniform.fold(a * b * x + 2 * a + sympy.exp(b) * y + 3 * x + entry)
    elements = {sympy.Symbol(f"uniform[{k}]", real=True): value for value, k in uniform.values.items()}
    assert folded.xreplace(elements).expand() == a * b * x + 2 * a + sympy.exp(b) * y + 3 * x + sympy.sqrt(a)
    assert folded.free_symbols == {x, y, *elements}
    assert len(elements) == 3


def test_quotients_are_products_with_one_reciprocal():
    """x/(y + 1) + 1/(y + 1)^2.0 divides once; x^3.0 is two products, x^1.4 stays a power."""
    x, y = sympy.symbols("x y", real=True)
    folded = Uniform(set(), {}).fold(x / (y + 1) + (y + 1) ** -2.0 + x**3.0 + x**1.4)
    assert folded == x * reciprocal(y + 1) + reciprocal(y + 1) ** 2 + x**3 + x**1.4
    assert sympy.ccode(reciprocal(y + 1)) == "reciprocal(y + 1)"
