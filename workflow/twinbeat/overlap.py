"""How far two masks agree."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def dice(share: ArrayLike, mask: ArrayLike, axes: tuple[int, ...] | None = None) -> NDArray[np.float64]:
    """2 sum(p m) / (sum p + sum m) over ``axes``, all by default; 1 where both are empty.

    Of two masks it is 2 |A and B| / (|A| + |B|) (Dice 1945). The first may hold probabilities.
    """
    p, m = np.asarray(share, np.float64), np.asarray(mask, bool)
    common, both = (p * m).sum(axes), p.sum(axes) + m.sum(axes)
    return np.where(both > 0, 2 * common / np.where(both > 0, both, 1), 1.0)
