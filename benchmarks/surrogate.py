"""How fast, how wrong and how honest the surrogate is, on planted beats of a mesh of the usual size.

envs/run python benchmarks/surrogate.py [MEMBERS]

64 hearts that it has not seen are held against it. The last line is one JSON object of figures.
"""

import json
import sys
import time

import sklearn

from twinbeat import surrogate
from twinbeat.evidence.surrogate import FACTOR, beats, posterior
from twinbeat.parameters import Surrogate

POINTS = 500
REPEATS = 100


def seconds(work) -> float:
    """Mean time of one call."""
    start = time.perf_counter()
    for _ in range(REPEATS):
        work()
    return (time.perf_counter() - start) / REPEATS


def main(members: int) -> None:
    section = Surrogate(members=members, held_out=64)
    ensemble = surrogate.sample(posterior(), section)
    simulated = beats(ensemble, POINTS)
    start = time.perf_counter()
    store = surrogate.refresh(ensemble, simulated, section)
    training = time.perf_counter() - start
    emulator = surrogate.Surrogate.from_store(store)
    figures = {
        "members": members,
        "training_seconds": round(training, 2),
        "ms_per_evaluation": round(1000 * seconds(lambda: emulator.predict(FACTOR)), 3),
        "relative_error": dict(zip(store.quantity.values.tolist(), store.error.values.round(5).tolist(), strict=True)),
        "coverage": round(float(store.coverage.mean()), 3),
        "scikit-learn": sklearn.__version__,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 16)
