"""Which examples of a split count where only so many of them shall."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

_SEED: Final = 20_240_229  # fixed, so that trainings with several seeds, and baselines, learn from the same examples


def subset(count: int, limit: int) -> npt.NDArray[np.int64]:
    """The places, in rising order, of `limit` of a split's `count` examples: those of a smaller limit and some more."""
    return np.sort(np.random.default_rng(_SEED).permutation(count)[:limit])
