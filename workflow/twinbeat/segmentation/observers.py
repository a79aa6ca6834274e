"""How far observers agree: Dice and Hausdorff distances of each pair of label files, for each label and frame.

python -m twinbeat.segmentation.observers r1.nii.gz r2.nii.gz results/study/p-001/labels.zarr

Files are NIfTI (3D or 4D), DICOM SEG or stores of labels; they are compared where they lie in space, on whatever
grids, and a file with one frame must say which one (``-ed``, ``-es``) to be compared with one that has several. Prints
a table, and as the last line one JSON list of its rows.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_erosion
from scipy.spatial import KDTree

from .. import store
from ..intake.drawings import ENHANCED, ENHANCEMENT, NAMES, PHASES, Frames, Volume, read
from ..intake.files import File
from ..verdicts import PatientStopped
from .quality import Array
from .review import MOMENTS, volume


@dataclass(frozen=True)
class Agreement:
    """Of two observers about one label in one frame; distances in mm, none where only one of them drew the label."""

    first: str
    second: str
    frame: str
    label: str
    dice: float
    hausdorff: float | None
    hausdorff_95: float | None


def compare(observers: Mapping[str, Frames]) -> Iterator[Agreement]:
    """Every pair of observers, in each frame that both have, for each label that one of them drew."""
    for (first, a), (second, b) in combinations(observers.items(), 2):
        for frame in (name for name in a if name in b):
            for label, words in (NAMES | {ENHANCED: ENHANCEMENT}).items():
                if (a[frame].labels == label).any() or (b[frame].labels == label).any():
                    shown = frame if isinstance(frame, str) else f"frame {frame + 1}"
                    overlap, distances = dice(a[frame], b[frame], label), hausdorff(a[frame], b[frame], label)
                    yield Agreement(first, second, shown, words, overlap, *distances)


def dice(first: Volume, second: Volume, label: int) -> float:
    """Twice the volume that both have over the sum of their volumes; the common one is counted on the first grid."""
    mask = first.labels == label
    both = (second.sample(first.points(mask))[0] == label).sum() * first.voxel
    own, other = mask.sum() * first.voxel, (second.labels == label).sum() * second.voxel
    return float(2 * both / (own + other))


def hausdorff(first: Volume, second: Volume, label: int) -> tuple[float, float] | tuple[None, None]:
    """The largest distance in mm from a border to the other one, and the one that 95 % of a border stay below; each is
    the larger of both directions (Huttenlocher et al. 1993)."""
    one, other = surface(first, label), surface(second, label)
    if not len(one) or not len(other):
        return None, None
    ways = KDTree(other).query(one)[0], KDTree(one).query(other)[0]
    return max(float(way.max()) for way in ways), max(float(np.percentile(way, 95)) for way in ways)


def surface(volume: Volume, label: int) -> Array:
    """Centres in LPS mm of the voxels of a label that touch another one by a face."""
    mask = volume.labels == label
    return volume.points(mask & ~binary_erosion(mask))


def frames(path: Path) -> Frames:
    """The frames of a file or store: by number, those of a store and of a SEG also by phase."""
    if path.suffix != ".zarr":
        return read(File(path, 1, 1), single="the only frame")
    labels = store.open(path)
    shown: Frames = {frame: volume(labels, frame) for frame in range(labels.sizes["time"])}
    return shown | {phase: shown[int(labels[moment])] for phase, moment in zip(PHASES, MOMENTS, strict=True)}


def table(rows: Sequence[Agreement]) -> str:
    """One line for each row, distances in mm."""
    lines = [f"{'frame':14} {'label':14} {'Dice':>6} {'max mm':>7} {'95 % mm':>7}  observers"]
    for row in rows:
        distances = [f"{way:7.2f}" if way is not None else f"{'-':>7}" for way in (row.hausdorff, row.hausdorff_95)]
        who = f"{row.first} and {row.second}"
        lines.append(f"{row.frame:14} {row.label:14} {row.dice:6.3f} {' '.join(distances)}  {who}")
    return "\n".join(lines)


def main(names: Sequence[str]) -> None:
    """Print the agreement of the observers whose files have these names; end with a message where there is none."""
    if len(names) < 2:
        sys.exit(f"python -m twinbeat.segmentation.observers FILE FILE ...: expected two or more, got {len(names)}")
    observers: dict[str, Frames] = {}
    for name in names:
        try:
            observers[name] = frames(Path(name))
        except (PatientStopped, store.StoreError) as error:
            sys.exit(f"{name}: {error}")
    rows = list(compare(observers))
    if not rows:
        sys.exit("the files have no frame in common; expected such as r1-ed.nii.gz and r2-ed.nii.gz")
    print(table(rows))
    print(json.dumps([asdict(row) for row in rows]))


if __name__ == "__main__":
    main(sys.argv[1:])
