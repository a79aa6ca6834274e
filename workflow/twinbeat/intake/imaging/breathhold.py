"""Shifts in the plane that breath-holds gave to single slices, seen from their neighbours.

Neighbouring slices are laid over each other where they correlate best: their mean over the cycle and its change in
time, near the middle of what moves. The translations between neighbours and next neighbours make a line of places
along the stack; its smooth part is the heart's own (a tilted, tapering ventricle) and stays; what single slices lie
off it is their shift. A slice is judged only where the translations to both neighbours are sure and agree with the one
between the neighbours: base and apex, where each slice shows something else, usually are not.
"""

import numpy as np
import xarray as xr
from numpy.fft import irfft2, rfft2
from numpy.typing import NDArray
from scipy.ndimage import center_of_mass, gaussian_filter, label, map_coordinates
from scipy.ndimage import shift as translate

Array = NDArray[np.float64]
STEP = 1.5  # mm, of the samples on which slices are compared
HALF = 66.0  # mm, half the width of the field
NEAR = 28.0  # mm, standard deviation of the weight about the middle
BLUR = 2.0  # mm
FRAMES = 10  # that are compared, evenly spread over the cycle
REACH = 14.0  # mm, farthest translation between neighbours
LIKE = 0.5  # least correlation of slices that are compared
AGREE = 2.5  # mm between the translations there and back
CLOSE = 1.0  # mm between the translation over two slices and the sum of the two single ones
DEGREE = 3  # of the smooth line along the stack
HUBER = 1.0  # mm off the smooth line from which a slice has less weight in it
FEWEST = 5  # slices in a row that a smooth line needs


def shifts(image: xr.Dataset) -> tuple[Array, NDArray[np.bool_]]:
    """Shift (slice, (y, x)) in mm of each slice of an image store, and whether it was judged; 0 where it was not."""
    count = image.sizes["z"]
    nothing = np.zeros((count, 2)), np.zeros(count, bool)
    if image.attrs["modality"] != "MR" or count < FEWEST:
        return nothing
    pairs = _pairs(_features(_sampled(image)))
    first, last = _longest_run(pairs, count)
    if last - first + 1 < FEWEST:
        return nothing
    found, judged = nothing
    places = _places(pairs, first, last)
    found[first : last + 1] = places - _smooth(places)
    for z in range(first + 1, last):
        judged[z] = _agree(pairs, z)
    return np.where(judged[:, None], found, 0.0), judged


def moved(image: xr.Dataset, z: int, by: Array) -> NDArray[np.float32]:
    """Slice ``z`` (time, y, x) of an image store moved by (y, x) mm, with linear interpolation."""
    steps = [by[0] / float(image.y[1] - image.y[0]), by[1] / float(image.x[1] - image.x[0])]
    return translate(image.image.values[:, z], [0, *steps], order=1, mode="nearest")


Pairs = dict[tuple[int, int], tuple[Array, bool]]
"""By the indices of two slices: translation (y, x) in mm from the first to the second, and whether it is sure."""


def _sampled(image: xr.Dataset) -> Array:
    """The image (time, slice, y, x) on samples about the middle of what moves."""
    pixel = np.array([float(image[axis][1] - image[axis][0]) for axis in "yx"])
    middle = _middle(image.image.values, pixel)
    line = np.arange(-int(HALF / STEP), int(HALF / STEP)) * STEP
    grid = np.meshgrid(*(middle[i] + line / pixel[i] for i in (0, 1)), indexing="ij")
    frames = image.image.values[np.unique(np.linspace(0, image.sizes["time"], FRAMES, endpoint=False).astype(int))]
    slices = [[map_coordinates(p, grid, np.float32, 1, "nearest") for p in frame] for frame in frames]
    return np.array(slices)


def _middle(signal: NDArray[np.float32], pixel: Array) -> Array:
    """Row and column of the middle of the largest spot that changes over the cycle (time, slice, y, x)."""
    change = np.stack([signal[:, z].std(0) for z in range(signal.shape[1])])
    total = gaussian_filter(np.median(change, axis=0) + change.mean(0), 10.0 / pixel)
    spots = label(total > 0.6 * total.max())[0]
    return np.array(center_of_mass(total, spots, spots[np.unravel_index(total.argmax(), total.shape)]))


def _weight() -> Array:
    line = (np.arange(2 * int(HALF / STEP)) - int(HALF / STEP)) * STEP
    return np.exp(-0.5 * (line[:, None] ** 2 + line**2) / NEAR**2)


def _features(samples: Array) -> Array:
    """What is compared, (slice, feature, y, x): the mean over time and the differences from it, of equal power."""
    weight, blur = _weight(), BLUR / STEP
    mean = gaussian_filter(samples.mean(0), [0, blur, blur])
    change = gaussian_filter(samples, [0, 0, blur, blur]) - mean
    mean -= _average(mean, weight)[:, None, None]
    parts = [mean[:, None], change.transpose(1, 0, 2, 3)]
    power = [np.sqrt(_average(part**2, weight).sum(1))[:, None, None, None] + 1e-12 for part in parts]
    return np.concatenate([part / size for part, size in zip(parts, power, strict=True)], axis=1)


def _average(values: Array, weight: Array) -> Array:
    return (values * weight).sum((-2, -1)) / weight.sum()


def _pairs(features: Array) -> Pairs:
    weight, pairs = _weight(), {}
    for apart in (1, 2):
        for z in range(len(features) - apart):
            there, like = _translation(features[z], features[z + apart], weight)
            back, also = _translation(features[z + apart], features[z], weight)
            sure = min(like, also) > LIKE and np.linalg.norm(there + back) < AGREE
            pairs[z, z + apart] = (there - back) / 2, bool(sure)
    return pairs


def _translation(one: Array, two: Array, weight: Array) -> tuple[Array, float]:
    """Where the second slice (feature, y, x) lies from the first in mm, and their correlation there."""
    mean = _average(one, weight)[:, None, None]
    spectrum, window = rfft2(two), np.conj(rfft2(weight))

    def slide(values: Array, kernel: Array) -> Array:
        return irfft2(values * kernel, s=weight.shape)

    overlap = slide(spectrum, np.conj(rfft2(weight * (one - mean)))).sum(0)
    power = slide(rfft2(two**2), window) - slide(spectrum, window) ** 2 / weight.sum()
    correlation = overlap / np.sqrt((weight * (one - mean) ** 2).sum() * np.maximum(power.sum(0), 1e-12))
    reach = int(REACH / STEP)
    near = np.roll(correlation, (reach, reach), (0, 1))[: 2 * reach + 1, : 2 * reach + 1]
    i, j = np.array(np.unravel_index(near[1:-1, 1:-1].argmax(), (2 * reach - 1, 2 * reach - 1))) + 1
    peak = [i + _vertex(near[i - 1 : i + 2, j]), j + _vertex(near[i, j - 1 : j + 2])]
    return (np.array(peak) - reach) * STEP, float(near[i, j])


def _vertex(values: Array) -> float:
    """Of the parabola through values at -1, 0 and 1; 0 where it has no maximum."""
    bend = values[0] - 2 * values[1] + values[2]
    return 0.5 * float((values[0] - values[2]) / bend) if bend < 0 else 0.0


def _longest_run(pairs: Pairs, count: int) -> tuple[int, int]:
    """First and last of the most slices in a row whose neighbours are sure."""
    best, first = (0, 0), 0
    for z in range(count):
        if z == count - 1 or not pairs[z, z + 1][1]:
            best = max(best, (first, z), key=lambda run: run[1] - run[0])
            first = z + 1
    return best


def _places(pairs: Pairs, first: int, last: int) -> Array:
    """Place (slice, (y, x)) of each slice that fits the translations best, of which some may be wrong."""
    used = {key: place for key, (place, sure) in pairs.items() if sure and first <= key[0] and key[1] <= last}
    one = np.eye(last - first + 1)
    design = np.array([one[b - first] - one[a - first] for a, b in used])
    goal, prior = np.array(list(used.values())), np.array([1 / (b - a) for a, b in used])
    weights = prior
    for _ in range(20):
        places = _fitted(design, goal, weights)
        weights = prior / np.maximum(1, np.linalg.norm(design @ places - goal, axis=1) / HUBER)
    return places


def _smooth(places: Array) -> Array:
    """The smooth line through the places, from which single slices may lie off."""
    line = np.vander(np.linspace(-1, 1, len(places)), DEGREE + 1)
    weights = np.ones(len(places))
    for scale in [*np.geomspace(8, HUBER, 30), *[HUBER] * 20]:  # from an even fit to one that leaves single slices out
        curve = line @ _fitted(line, places, weights)
        weights = 1 / (1 + (np.linalg.norm(places - curve, axis=1) / scale) ** 2)
    return curve


def _fitted(design: Array, goal: Array, weights: Array) -> Array:
    root = np.sqrt(weights)[:, None]
    return np.linalg.lstsq(root * design, root * goal, rcond=None)[0]


def _agree(pairs: Pairs, z: int) -> bool:
    before, after, over = pairs[z - 1, z], pairs[z, z + 1], pairs[z - 1, z + 1]
    sure = before[1] and after[1] and over[1]
    return bool(sure and np.linalg.norm(before[0] + after[0] - over[0]) < CLOSE)
