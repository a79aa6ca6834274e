"""Shapes whose volumes and distances are known, as labelled volumes and as the files that reviewers save."""

from pathlib import Path

import nibabel
import numpy as np

from twinbeat.intake.drawings import Volume
from twinbeat.intake.files import File

TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def box(size: tuple[int, int, int], steps: np.ndarray, centre: np.ndarray | None = None) -> Volume:
    """An empty volume of ``size`` (k, j, i) about ``centre``."""
    steps = np.asarray(steps, float)
    first = (np.zeros(3) if centre is None else centre) - (np.array(size) - 1) / 2 @ steps
    return Volume(np.zeros(size, np.uint8), first + np.arange(size[0])[:, None] * steps[0], steps)


def ball(volume: Volume, radius: float, centre=(0.0, 0.0, 0.0), label: int = 1) -> Volume:
    """The volume with a ball of ``label`` besides what it has."""
    inside = np.linalg.norm(volume.points() - np.asarray(centre), axis=-1) <= radius
    return Volume(np.where(inside, label, volume.labels).astype(np.uint8), volume.corners, volume.steps, volume.whole)


def affine(volume: Volume) -> np.ndarray:
    """The map (4, 4) from (i, j, k) to RAS mm."""
    return TO_RAS @ np.vstack([np.column_stack([*volume.steps[::-1], volume.corners[0]]), [0, 0, 0, 1]])


def nifti(path: Path, frames: list[Volume], kind: type = np.uint8) -> File:
    """A NIfTI file of one frame or several."""
    data = np.stack([frame.labels.T for frame in frames], -1).astype(kind)
    nibabel.save(nibabel.Nifti1Image(data[..., 0] if len(frames) == 1 else data, affine(frames[0])), path)
    return File(path, 1, 1)
