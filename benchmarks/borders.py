"""How far found borders of the left ventricle lie from the true ones, on phantoms as they are and made harder, and on
fresh synthetic stacks: what networks are judged on.

envs/run python benchmarks/borders.py [--network unet3d.onnx] [--seeds 5 6] [--stacks 40]

Seeds 5 and 6 are those on which networks and rules are judged; each gives one patient of each phenotype at end-diastole
and end-systole. Fat of opposed phase has a black line where it meets muscle, whose middle lies 0.9 mm within the truth.
Phantoms have the trabeculae of people; ``smooth`` ones have none, ``deep`` ones more than twice as many.
Stacks are of a stream that neither training nor validation sees; there the network stands alone, without any rule.
The last line is one JSON object: for each kind of phantom, and for all stacks together, the Dice of LV blood, LV muscle
and RV blood, and how far endocardium and epicardium lie outside of the true ones (mm, median over the slices); of
phantoms the means.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np
import xarray as xr
from scipy.ndimage import distance_transform_edt, gaussian_filter

from twinbeat.evidence.segmentation import LABELS, PHENOTYPES, phantom, truth_on
from twinbeat.overlap import dice
from twinbeat.parameters import Phantom, Segmentation
from twinbeat.phantom import imaging
from twinbeat.segmentation import inference
from twinbeat.segmentation.network import PACKAGED, Network
from twinbeat.segmentation.scale import PIXEL
from twinbeat.segmentation.synthesis import sample

KINDS = ("clean", "opposed", "smooth", "deep", "blur", "noise")
PEOPLE, TRABECULAE = 0.092, {"smooth": 0.0, "deep": 0.2}
STREAM, STACK = 1_000_004, (10, 112)
"""Of synthetic stacks: the seed; slices, and pixels along each side."""
LEAST = 20
"""Fewest pixels of a slice whose borders are compared."""


def made(seed: int, phenotype: str, kind: str) -> xr.Dataset:
    """A phantom of two frames; blur has a standard deviation of 1.5 pixels, noise of 0.2 of the 99th percentile."""
    settings = Phantom(trabeculae=TRABECULAE.get(kind, PEOPLE))
    fat = imaging.SIGNAL["fat"] * (-1 if kind == "opposed" else 1)
    with patch.dict(imaging.SIGNAL, fat=fat):
        cine = phantom(seed, phenotype, 2, settings)
    signal = cine.image.values.astype(np.float32)
    if kind == "blur":
        signal = gaussian_filter(signal, (0, 0, 1.5, 1.5))
    if kind == "noise":
        noise = np.random.default_rng(0).standard_normal((2, *signal.shape)) * 0.2 * np.percentile(signal, 99)
        signal = np.hypot(signal + noise[0], noise[1])
    return cine.assign(image=(cine.image.dims, signal.reshape(cine.image.shape).astype(np.float32)))


def _slices(values: np.ndarray) -> np.ndarray:
    """(time, z, y, x) as (time and z, y, x)."""
    return values.reshape(-1, *values.shape[2:])


def outside(found: np.ndarray, truth: np.ndarray, pixel_size: float) -> float:
    """How far (mm) the border of a mask (y, x) lies outside of another's on the mean; NaN where one is too small."""
    if min(found.sum(), truth.sum()) < LEAST:
        return np.nan
    signed = distance_transform_edt(~truth) - distance_transform_edt(truth) + np.where(truth, 0.5, -0.5)
    rims = (mask & (distance_transform_edt(mask) <= 1) for mask in (found, ~found))
    return float(pixel_size * np.mean([signed[rim].mean() for rim in rims]))


def compared(cine: xr.Dataset) -> list[float]:
    """Dice of each label in a phantom, and how far both borders lie outside of the true ones."""
    labels = inference.segment(cine, Segmentation())
    found, truth = labels.labels.values, truth_on(labels, cine.labels)
    return judged(_slices(found), _slices(truth), float(labels.x[1] - labels.x[0]))


def stacks(network: Network, count: int) -> list[float]:
    """The same of so many synthetic stacks together."""
    found, truth = [], []
    for number in range(count):
        images, labels = sample(STREAM, number, *STACK)
        found.append(network.probability(images).argmax(0))
        truth.append(labels)
    return judged(np.concatenate(found), np.concatenate(truth), PIXEL)


def judged(found: np.ndarray, truth: np.ndarray, pixel_size: float) -> list[float]:
    """Dice of each label in slices (slice, y, x), and how far both borders lie outside of the true ones."""
    borders = [
        np.nanmedian(
            [outside(np.isin(a, inner), np.isin(b, inner), pixel_size) for a, b in zip(found, truth, strict=True)]
        )
        for inner in ([1], [1, 2])
    ]
    return [*(float(dice(found == label, truth == label)) for label in LABELS.values()), *borders]


def rows(used: tuple[Network, Network], seeds: Sequence[int], count: int) -> Iterator[tuple[str, Sequence[float]]]:
    """The figures of each kind of phantom, and of so many stacks."""
    for kind in KINDS:
        with patch.object(inference, "networks", lambda _: used):
            found = [compared(made(seed, name, kind)) for seed in seeds for name in PHENOTYPES]
        yield kind, np.mean(found, axis=0)
    yield "stacks", stacks(used[1], count)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", type=Path, default=PACKAGED[1], help="that labels; ours finds the heart")
    parser.add_argument("--seeds", type=int, nargs="+", default=[5, 6])
    parser.add_argument("--stacks", type=int, default=40)
    options = parser.parse_args()
    used, figures = (Network(PACKAGED[0]), Network(options.network)), {}
    for kind, found in rows(used, options.seeds, options.stacks):
        figures[kind] = [round(float(value), 3) for value in found]
        print(f"{kind:8} Dice {figures[kind][:3]}, borders outside by {figures[kind][3:]} mm", flush=True)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
