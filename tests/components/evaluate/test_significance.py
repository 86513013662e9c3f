from __future__ import annotations

import numpy as np
import pytest

from intclass.components.evaluate.significance import mcnemar


def _correct(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    counts = [both, first, second, neither]
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def test_the_exact_p_value_by_hand() -> None:
    # 12 disagreements, 2 for the second: p = 2·(C(12,0) + C(12,1) + C(12,2)) / 2^12
    test = mcnemar(*_correct(50, 10, 2, 7))
    assert (test.only_first, test.only_second) == (10, 2)
    assert test.p_value == pytest.approx(2 * (1 + 12 + 66) / 4096)


def test_what_both_get_right_or_wrong_does_not_matter() -> None:
    assert mcnemar(*_correct(0, 10, 2, 0)) == mcnemar(*_correct(5000, 10, 2, 900))


def test_it_is_symmetric() -> None:
    first, second = _correct(5, 9, 3, 1)
    assert mcnemar(first, second).p_value == mcnemar(second, first).p_value


@pytest.mark.parametrize("disagreements", [0, 4])
def test_no_difference_has_p_value_1(disagreements: int) -> None:
    assert mcnemar(*_correct(20, disagreements, disagreements, 3)).p_value == 1
