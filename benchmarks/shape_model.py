"""How good a shape model of phantoms is, and what is drawn from it.

envs/run python benchmarks/shape_model.py [PATIENTS [VIRTUAL]]

The cohort are kinematic phantoms of all phenotypes at end-diastole (true walls). Drawn hearts are also held against a
second cohort of the same size that the model has not seen: a model that gives nobody away draws no nearer to its own
patients than to those. The last line is one JSON object of figures.
"""

import json
import sys
import time

import numpy as np

from twinbeat import shapes
from twinbeat.evidence.shapes import PATIENTS, SIGMA, cohort, planted
from twinbeat.mesh import Surfaces, enclosed_volume
from twinbeat.parameters import Mesh, Shape
from twinbeat.shapes import correspondence, model

STRANGERS = 8  # seed of the second cohort


def recovered() -> list[float]:
    """Variances of the planted modes over the planted ones, mean of 20 cohorts."""
    found = [model.Components.of(planted(seed).shapes).variance[: len(SIGMA)] for seed in range(20)]
    return (np.mean(found, axis=0) / SIGMA**2).round(3).tolist()


def distances(drawn: list, others: list) -> np.ndarray:
    """Root mean square distance in mm of each drawn heart from the nearest of the others."""
    own, rest = (np.stack([correspondence.points(Surfaces.of(mesh)) for mesh in meshes]) for meshes in (drawn, others))
    squares = [np.mean(np.sum((rest - points) ** 2, axis=-1), axis=(1, 2)).min() for points in own]
    return np.sqrt(squares)


def main(patients: int, virtual: int) -> None:
    hearts, strangers = cohort(patients), cohort(patients, STRANGERS)
    start = time.process_time()
    shape = shapes.build(hearts, Shape())
    building = time.process_time() - start
    start = time.process_time()
    drawn = [shapes.synthesise(shape, number, Shape(), Mesh()) for number in range(1, virtual + 1)]
    drawing = time.process_time() - start
    print("modes  compactness  generalisation mm    specificity mm")
    table = ("compactness", "generalisation", "generalisation_error", "specificity", "specificity_error")
    for count, row in enumerate(zip(*(shape[name].values for name in table), strict=True)):
        print("{:5d}  {:11.3f}  {:6.3f} +- {:6.3f}  {:6.3f} +- {:6.3f}".format(count, *row))
    kept = shape.sizes["shape_mode"]
    known, unknown = distances(drawn, hearts), distances(drawn, strangers)
    cavities = [[enclosed_volume(Surfaces.of(mesh), 0) for mesh in meshes] for meshes in (hearts, drawn)]
    figures = {
        "patients": patients,
        "modes": kept,
        "compactness": round(float(shape.compactness[kept]), 4),
        "generalisation_mm": round(float(shape.generalisation[kept]), 3),
        "specificity_mm": round(float(shape.specificity[kept]), 3),
        "neighbour_mm": round(float(shape.neighbour.median()), 3),
        "planted_variance_recovered": recovered(),
        "build_cpu_seconds": round(building, 2),
        "virtual": virtual,
        "cpu_seconds_per_virtual": round(drawing / virtual, 3),
        "first_draw_taken": round(float(np.mean([int(mesh.attempts) == 1 for mesh in drawn])), 3),
        "nearest_training_mm": np.quantile(known, [0, 0.5, 1]).round(2).tolist(),
        "nearer_to_patients_than_to_strangers": round(float(np.mean(known < unknown)), 3),
        "refit_rms_mm": round(max(float(mesh.refit_rms) for mesh in drawn), 3),
        "min_dihedral": round(min(float(mesh.minimum_dihedral) for mesh in drawn), 1),
        "cavity_ml": {
            name: np.quantile(volumes, [0, 0.5, 1]).round(0).tolist()
            for name, volumes in zip(("patients", "virtual"), cavities, strict=True)
        },
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]), *(PATIENTS, 200)[len(sys.argv) - 1 :])
