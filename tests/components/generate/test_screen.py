from __future__ import annotations

import time

import pytest

from intclass.components.generate._constants import RefusedError
from intclass.components.generate._screen import screen
from intclass.components.generate._words import Word


def read(text: str) -> list[Word]:
    return [int(word) if word.lstrip("-").isdigit() else word for word in text.split()]


@pytest.mark.parametrize(
    ("text", "junk"),
    [
        ("add 1 sin 2", "constant"),
        ("add x log sub 1 1", "infinite"),
        ("add x log log 1", "infinite"),
        ("div x sub 2 2", "infinite"),
        ("add x div 1 sin 0", "infinite"),
        ("add x div 1 add pow2 sin 1 sub pow2 cos 1 1", "infinite"),  # zero, but not to the last bit
        ("pow 0 x", "infinite"),
        ("pow sub 3 3 x", "infinite"),
        ("add x pow 0 2", "infinite"),
        ("add x inv 0", "infinite"),
        ("add x atanh 1", "infinite"),
        ("mul x sqrt sub 1 3", "complex"),
        ("mul x log -2", "complex"),
        ("mul x asin 3", "complex"),
        ("mul x acosh cos 1", "complex"),
        ("mul x pow -2 sin 1", "complex"),
        ("pow -2 x", "complex"),
        ("mul x pow 9 pow 9 9", "huge"),
        ("mul x pow 2 pow 2 pow 2 pow 2 pow 2 2", "huge"),
        ("add x tan exp exp 3", "huge"),
        ("add x cosh 5000", "huge"),
        ("add x tan acos 0", "huge"),  # a pole, to the last bit
        ("add x pow5 pow2 5", "huge"),
        ("add x inv pow5 pow2 5", "huge"),
        ("add x pow div 9 8 90", "huge"),  # 40 thousand, but its numerator has 86 digits
        ("pow x pow 5 3", "huge"),
        ("exp exp exp exp x", "tower"),
        ("pow x pow x pow x pow x x", "tower"),
        ("pow 2 exp pow 3 add 1 exp x", "tower"),
    ],
)
def test_junk_is_refused_in_no_time(text: str, junk: str) -> None:
    started = time.process_time()
    with pytest.raises(RefusedError) as caught:
        screen(read(text))
    assert caught.value.junk == junk
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "sin x",
        "exp exp exp x",
        "pow x pow x pow x x",
        "mul exp x exp exp x",  # side by side, not nested
        "add exp exp 2 exp exp x",  # a constant is no tower
        "pow x 100",
        "pow x -100",
        "mul x pow -2 3",
        "mul x pow 10 6",
        "mul x pow2 0",
        "mul x pow -1 add 2 3",
        "add x asin 1",
        "add x acosh 1",
        "add x log exp 1",
        "mul sub 1 1 x",  # zero, which only SymPy's result shows
        "pow 1 x",
    ],
)
def test_the_rest_passes(text: str) -> None:
    screen(read(text))
