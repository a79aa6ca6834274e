"""What the gates of segmentation see on phantoms whose truth is known, and how well a predicted Dice predicts.

envs/run python benchmarks/quality.py [hearts of each phenotype, 3 by default]

Truth: how constant muscle is over the cycle, and how equal the stroke volumes are, in labels without any error; what is
left is what slices of a moving heart do. Predicted Dice: hearts as they are, noisy, blurred and flat, so that there are
good and bad labels, before any gate. The last line is one JSON object of figures.
"""

import json
import sys
from collections.abc import Iterator

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

from twinbeat.evidence.segmentation import PHENOTYPES, phantom, truth_on
from twinbeat.parameters import Segmentation
from twinbeat.segmentation import quality, segment

SEED, FRAMES = 61, 12
NAMES = {1: "lv", 2: "myo", 3: "rv"}


def spoiled(cine: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    """The cine, and the same with noise, blur and little contrast, each in two strengths."""
    signal, rng = cine.image.values, np.random.default_rng(0)
    top = np.percentile(signal, 99)
    yield "clean", cine
    for share in (0.15, 0.3):
        noise = share * top * rng.standard_normal((2, *signal.shape))
        yield f"noise {share}", _with(cine, np.hypot(signal + noise[0], noise[1]))
    for pixels in (2.0, 4.0):
        yield f"blur {pixels}", _with(cine, gaussian_filter(signal, (0, 0, pixels, pixels)))
    for power in (0.3, 3.0):
        yield f"power {power}", _with(cine, top * (signal / top) ** power)


def _with(cine: xr.Dataset, signal: np.ndarray) -> xr.Dataset:
    return cine.assign(image=(cine.image.dims, signal.astype(np.float32)))


def of_truth(cine: xr.Dataset) -> dict[str, float]:
    """The gates' figures of the truth."""
    left, muscle, right = ((cine.labels == label).sum(("z", "y", "x")).values for label in NAMES)
    return {
        "mass_variation": quality.mass_variation(muscle),
        "stroke_difference": quality.stroke_difference(left, right),
        "slices": quality.slices(cine.assign(end_diastole=int(left.argmax()))),
    }


def pairs(cine: xr.Dataset) -> dict[str, np.ndarray]:
    """Predicted and true Dice (2, label, time) of the labels that are found."""
    found = segment(cine, Segmentation())
    predicted = quality.predicted_dice(found.probability.values, found.labels.values)
    return np.stack([predicted, quality.agreement(found.labels.values, truth_on(found, cine.labels))])[:, 1:]


def main(hearts: int) -> None:
    """Print a table of phantoms, and the figures."""
    truths, found = [], []
    for seed in range(SEED, SEED + hearts):
        for phenotype in PHENOTYPES:
            cine = phantom(seed, phenotype, FRAMES)
            truths.append(of_truth(cine))
            print(seed, phenotype, {name: round(value, 3) for name, value in truths[-1].items()}, flush=True)
            for kind, other in spoiled(cine):
                found.append(pairs(other))
                print(f"  {kind:9} predicted, true:", found[-1].mean(-1).round(3).tolist(), flush=True)
    print(json.dumps(summary(truths, np.concatenate(found, -1))))


def summary(truths: list[dict[str, float]], dice: np.ndarray) -> dict[str, float]:
    """The worst of the truth; of ``dice`` (predicted or true, label, frame), rank correlation and mean difference, the
    lowest that is predicted for a frame of 0.9 or more, and what 95 % of those under 0.8 stay below.

    Frames in which nothing of a label was found are left out: both are 0 there.
    """
    figures = {f"truth_{name}": [float(one[name]) for one in truths] for name in truths[0]}
    worst = {name: min(values) if name == "truth_slices" else max(values) for name, values in figures.items()}
    for name, (predicted, true) in zip(NAMES.values(), dice.swapaxes(0, 1), strict=True):
        predicted, true = (values[predicted + true > 0] for values in (predicted, true))
        worst[f"rank_correlation_{name}"] = float(spearmanr(predicted, true)[0])
        worst[f"mean_difference_{name}"] = float(np.mean(predicted - true))
        worst[f"lowest_of_good_{name}"] = float(predicted[true >= 0.9].min())
        worst[f"highest_of_bad_{name}"] = float(np.percentile(predicted[true < 0.8], 95))
    return {name: round(value, 3) for name, value in worst.items()}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
