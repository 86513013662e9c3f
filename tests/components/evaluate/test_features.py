from __future__ import annotations

import pytest

from intclass.components.evaluate.features import LEAVES, exponent_rule, head_counts, lengths, nodes
from intclass.components.shared.expressions import PREFIX_VOCABULARY, canonical, parse, prefix_words


def _prefix(text: str) -> str:
    return " ".join(prefix_words(canonical(parse(text))))


def test_nodes_of_a_tree_by_hand() -> None:
    found = [(node.word, node.depth, node.in_exponent) for node in nodes("mul x exp mul int 1 2 end x")]
    assert found == [
        ("mul", 0, False),
        ("x", 1, False),
        ("exp", 1, False),
        ("mul", 2, True),
        ("int", 3, True),
        ("x", 3, True),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "x**2*exp(x) - 3*x + 12",
        "1/(x + 1)**(1/2)",
        "-asinh(x)**(2/3)/105",
        "sqrt(x) - pi*x**x",
        "tan(acos(x))**E",
        "log(log(sec(x + 100)))",
    ],
)
def test_the_walk_ends_exactly_with_the_words(text: str) -> None:
    words = _prefix(text).split()
    digits_and_ends = sum(len(number.split()) for number in _multi_digit(words))
    assert len(list(nodes(" ".join(words)))) == len(words) - digits_and_ends


def _multi_digit(words: list[str]) -> list[str]:
    """The digits and the closing word of every integer that is written with more than one word."""
    return [part.split(" end")[0] + " end" for part in " ".join(words).split("int ")[1:]]


def test_every_word_of_the_vocabulary_is_known_by_its_arity() -> None:
    for word in PREFIX_VOCABULARY:
        if word in LEAVES or word == "end":
            continue
        arguments = [["x"], ["x", "x"]]
        ends = [n for n in arguments if _walks(" ".join([word, *n]))]
        assert len(ends) == 1, word


def _walks(prefix: str) -> bool:
    try:
        return len(list(nodes(prefix))) == len(prefix.split())
    except (AssertionError, IndexError):
        return False


def test_words_that_end_too_soon_are_noticed() -> None:
    with pytest.raises(AssertionError, match="too soon"):
        list(nodes("add x"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exp(x)", 1),
        ("2**x", 1),
        ("x**x + 1", 1),
        ("exp(sin(3*x))", 1),
        ("x**2", 0),
        ("sin(x)**3/x", 0),
        ("exp(2)*x", 0),
        ("sqrt(x)", 0),
        ("(x + exp(3))**5", 0),
    ],
)
def test_x_in_an_exponent(text: str, expected: int) -> None:
    assert exponent_rule([_prefix(text)]).tolist() == [[expected]]


def test_lengths_count_words() -> None:
    assert lengths(["x", "add x 1"]).tolist() == [[1], [3]]


def test_heads_are_counted_by_depth_and_in_exponents() -> None:
    assert dict(head_counts(["add x pow x x"])[0]) == {
        "add at 0": 1,
        "x at 1": 1,
        "tower at 1": 1,
        "x at 2": 2,
        "x in exponent": 1,
    }


@pytest.mark.parametrize(
    ("prefix", "head"),
    [
        ("pow x 2", "power"),
        ("pow add x int 1 2 end div 1 2", "power"),
        ("pow 2 sin x", "exponential"),
        ("pow sin x x", "tower"),
        ("pow 2 pi", "pow"),
    ],
)
def test_powers_are_told_apart_by_where_x_is(prefix: str, head: str) -> None:
    assert f"{head} at 0" in head_counts([prefix])[0]


def test_deep_heads_share_one_depth() -> None:
    deep = " ".join(["sin"] * 12 + ["x"])
    assert head_counts([deep])[0]["sin at 7"] == 5
