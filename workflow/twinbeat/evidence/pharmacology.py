"""Evidence for drugs: qNet and risk classes of the 12 training drugs of CiPA, and pharmacokinetics in closed form."""

from collections.abc import Iterator
from functools import cache

import numpy as np

from .. import pharmacology
from ..pharmacology.kinetics import PLASMA, Course, Kinetics, simulate
from ..pharmacology.risk import CYCLE
from .row import Row, timed

OWN = "own run of the public FDA model (CiPAORdv1.0, cycle length 2000 ms, beat 1000)"
CONTROL, CONTROL_DURATION, CONTROL_REST = 69.673, 290.0, -88.014
REFERENCE: dict[str, tuple[float, ...]] = {
    "quinidine": (28.019, 13.59, -13.068, 91.793),
    "bepridil": (54.472, 46.231, 40.79, 36.888),
    "dofetilide": (61.368, 53.998, 48.272, 43.692),
    "sotalol": (61.74, 57.331, 53.949, 51.162),
    "chlorpromazine": (67.835, 66.445, 65.248, 64.185),
    "cisapride": (65.067, 61.502, 58.537, 56.023),
    "terfenadine": (63.697, 60.801, 58.622, 56.843),
    "ondansetron": (66.054, 63.179, 60.687, 58.483),
    "diltiazem": (86.725, 91.375, 94.12, 96.014),
    "mexiletine": (80.631, 90.483, 96.893, 101.06),
    "ranolazine": (73.11, 74.377, 74.754, 74.672),
    "verapamil": (74.139, 75.569, 75.364, np.nan),
}
"""qNet in nC/µF at one to four times the peak concentration; one was not written down."""
RHYTHM = ("quinidine", 3)
"""Drug and dose at which four different beats take turns: which of them is the last hangs on the steps."""


def rows() -> Iterator[Row]:
    """Rows of the verification table; two minutes."""
    yield timed("CiPA, no drug: qNet (nC/uF)", CONTROL, 0.01 * CONTROL, OWN, lambda: _charges().without.charge[0])
    yield timed("CiPA, no drug: APD90 (ms)", CONTROL_DURATION, 2.9, OWN, lambda: _charges().without.duration()[0])
    yield timed("CiPA, no drug: rest (mV)", CONTROL_REST, 0.2, OWN, lambda: _charges().without.voltage[0, 0])
    for name in pharmacology.TRAINING:
        text = f"CiPA, {name}: largest deviation of qNet over the doses (%)"
        yield timed(text, 0.0, 1.0, OWN, lambda: deviation(_charges(), name))  # noqa: B023
    text = "CiPA, quinidine at 3 Cmax: qNet of that of four beats taking turns which is nearest (nC/uF)"
    yield timed(text, REFERENCE["quinidine"][2], 0.01 * CONTROL, OWN, _nearest)
    source = "Colatsky et al. 2016, doi 10.1016/j.vascn.2016.06.002; bounds of Li et al. 2019"
    yield timed("CiPA, training drugs in their risk class, of 12", 12, 0, source, _right)
    yield from kinetic()


def kinetic() -> Iterator[Row]:
    """Concentrations against closed forms."""
    name = "pharmacokinetics, ten boluses in two compartments: largest deviation (%)"
    yield timed(name, 0.0, 1e-4, "sum of shifted biexponentials", _superposition)
    name = "pharmacokinetics, infusion and an inhibitor at its Ki, plateau (mg/L)"
    yield timed(name, 10 / 3, 1e-5, "R/CL, CL = 5 (0.2 + 0.8/2) L/h", _inhibited)


def _superposition() -> float:
    """100 mg every 8 h into 20 L that clear 5 L/h and exchange 8 L/h with 40 L."""
    body = Kinetics(5.0, 20.0, 400.0, intercompartmental_clearance=8.0, peripheral_volume=40.0)
    times = np.linspace(0, 100, 501)
    curves = simulate({"drug": body}, {"drug": Course("bolus", 100, number=10, interval=8)}, times)
    exact = sum(biexponential(times - start, 100 / 20, 5 / 20, 8 / 20, 8 / 40) for start in 8.0 * np.arange(10))
    return float(np.abs(100 * (curves.amounts[0, PLASMA] / 20 / exact - 1)).max())


def biexponential(times: np.ndarray, first: float, out: float, away: float, back: float) -> np.ndarray:
    """A bolus's concentration in the first of two compartments, with rates out, away to the second one and back."""
    total = out + away + back
    root = np.sqrt(total**2 - 4 * out * back)
    fast, slow = (total + root) / 2, (total - root) / 2
    since = np.maximum(times, 0)
    shape = (fast - back) * np.exp(-fast * since) + (back - slow) * np.exp(-slow * since)
    return np.where(times >= 0, first * shape / (fast - slow), 0.0)


def _inhibited() -> float:
    """10 mg/h of a drug, 80 % of whose clearance of 5 L/h another one halves at its plateau of 5000 nM."""
    bodies = {
        "victim": Kinetics(5.0, 20.0, 400.0, inhibited_fraction=0.8, inhibitors={"other": 5000.0}),
        "other": Kinetics(1.0, 2.0, 400.0),
    }
    courses = {name: Course("infusion", rate * 200, infusion=200.0) for name, rate in (("victim", 10), ("other", 2))}
    return float(simulate(bodies, courses, np.array([0.0, 199.0])).amounts[0, PLASMA, -1] / 20)


def deviation(charges: pharmacology.Charges, name: str) -> float:
    """Largest deviation of a drug's qNet from the reference in percent, without the dose of the rhythm."""
    found = charges.charge[charges.drugs.index(name)]
    return max(
        abs(100 * (mine / theirs - 1))
        for dose, mine, theirs in zip(pharmacology.DOSES, found, REFERENCE[name], strict=True)
        if (name, dose) != RHYTHM and np.isfinite(theirs)
    )


@cache
def _charges() -> pharmacology.Charges:
    return pharmacology.charges(list(pharmacology.TRAINING.values()))


def _nearest() -> float:
    """Of the four beats after the last one; near zero, a charge is held against that without drugs."""
    name, dose = RHYTHM
    drug, charges = pharmacology.TRAINING[name], _charges()
    column = charges.drugs.index(name) * len(pharmacology.DOSES) + pharmacology.DOSES.index(dose)
    states, found = charges.beat.states[:, [column]], []
    for _ in range(4):
        beat = pharmacology.pace(states, pharmacology.variation([[(drug, dose * drug.cmax)]]), CYCLE, beats=1)
        states = beat.states
        found.append(float(beat.charge[0]))
    return min(found, key=lambda charge: abs(charge - REFERENCE[name][dose - 1]))


def _right() -> int:
    charges = _charges()
    known = [pharmacology.TRAINING[name].risk for name in charges.drugs]
    return sum(map(str.__eq__, known, charges.classes()))
