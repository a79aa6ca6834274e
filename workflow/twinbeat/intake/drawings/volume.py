"""A labelled volume in space, whatever file it came from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Volume:
    """Labels (k, j, i) in patient coordinates.

    The centre of voxel (k, j, i) lies at ``corners[k] + j * steps[1] + i * steps[2]`` in LPS mm. Each slice k has a
    corner of its own, since a breath-hold may have moved it; ``steps[0]`` leads to the next slice where none has. A
    ``whole`` volume says of all space what is labelled there, another one only of the box of its voxels.
    """

    labels: Labels
    corners: Array
    steps: Array
    whole: bool = False

    @property
    def voxel(self) -> float:
        """Volume of a voxel in mm³."""
        return float(abs(np.linalg.det(self.steps)))

    def points(self, mask: Mask | None = None) -> Array:
        """Centres in LPS mm: of all voxels (k, j, i, 3), or of those in a mask (voxel, 3)."""
        k, j, i = np.indices(self.labels.shape) if mask is None else np.nonzero(mask)
        return self.corners[k] + j[..., None] * self.steps[1] + i[..., None] * self.steps[2]

    def sample(self, points: Array) -> tuple[Labels, Mask]:
        """Labels at ``points`` (..., 3) by the voxel that holds each, 0 outside; and which points lie inside."""
        to_index = np.linalg.inv(self.steps)
        k = np.rint((points - self.corners[0]) @ to_index[:, 0]).astype(np.int64)
        own = self.corners[np.clip(k, 0, len(self.corners) - 1)]
        j, i = np.rint(np.moveaxis((points - own) @ to_index[:, 1:], -1, 0)).astype(np.int64)
        index = np.stack([k, j, i])
        limits = np.array(self.labels.shape).reshape(3, *np.ones(points.ndim - 1, np.int64))
        inside = ((index >= 0) & (index < limits)).all(0)
        found = self.labels[tuple(np.where(inside, index, 0))]
        return np.where(inside, found, 0).astype(np.uint8), inside
