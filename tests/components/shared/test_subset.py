from __future__ import annotations

import numpy as np

from intclass.components.shared.subset import subset


def test_a_smaller_part_of_the_examples_lies_in_a_larger_one() -> None:
    small, large = subset(1000, 10), subset(1000, 50)
    assert set(small) < set(large)
    assert (np.diff(large) > 0).all()
    assert subset(20, 50).tolist() == list(range(20))
