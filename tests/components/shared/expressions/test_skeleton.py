"""Skeletons: near copies share one, different functions do not."""

from typing import Any

import pytest

from intclass.components.shared.expressions import parse, skeleton, skeleton_hash, structure_hash

SKELETONS = {
    "x": "x",
    "7": "C",
    "pi*log(2) + 1/3": "C",
    "sin(2)*x": "mul C x",
    "x + 1": "add C x",
    "x + 1 + pi + sin(1)": "add C x",
    "2*x*sin(3*x)": "mul C mul sin mul C x x",
    "-x": "mul C x",
    "1/x": "pow x C",
    "x**2": "pow x C",
    "sqrt(x)": "pow x C",
    "2**x": "pow C x",
    "x**x": "pow x x",
    "exp(x)": "exp x",
    "x**2 + 3*x + 1": "add C add mul C x pow x C",
}

SAME = [
    ("2*x*sin(3*x)", "5*sin(7*x)*x"),
    ("-2*x*sin(x/3)", "x*pi*sin(4*x)"),
    ("x*exp(2*x**2)", "x*exp(-x**2*pi)"),
    ("x**2 + 3*x + 1", "pi*x - 1 + x**3"),
    ("log(x + 2)/x", "log(x - 1/7)*x**2"),
    ("sin(x + 1)*cos(2*x)", "cos(9*x)*sin(x - 5)"),
    ("3*exp(x) + 2*sin(x)", "sin(x)/3 - exp(x)"),
]

APART = [
    ("x*exp(x**2)", "exp(x**2)"),
    ("x*sin(x)", "2*x*sin(3*x)"),  # a coefficient of 1 is no number
    ("sin(x)", "cos(x)"),
    ("sin(cos(x))", "cos(sin(x))"),
    ("x**x", "x**2"),
    ("2**x", "exp(x)"),
    ("x + sin(x)", "x*sin(x)"),
    ("x**(x + 1)", "(x + 1)**x"),
    ("sin(x) + sin(2*x)", "2*sin(x)"),
]


@pytest.mark.parametrize(("text", "expected"), SKELETONS.items())
def test_skeleton(text: str, expected: Any) -> None:
    assert skeleton(parse(text)) == expected


@pytest.mark.parametrize(("first", "second"), SAME)
def test_near_copies_share_a_skeleton(first: str, second: str) -> None:
    assert skeleton(parse(first)) == skeleton(parse(second))
    assert skeleton_hash(parse(first)) == skeleton_hash(parse(second))


@pytest.mark.parametrize(("first", "second"), APART)
def test_different_functions_do_not(first: str, second: str) -> None:
    assert skeleton_hash(parse(first)) != skeleton_hash(parse(second))


def test_hashes_are_16_hexadecimal_digits() -> None:
    for key in (skeleton_hash(parse("x*sin(x)")), structure_hash(parse("x*sin(x)"))):
        assert len(key) == 16
        assert int(key, 16) >= 0


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("x*sin(x)", "x + exp(x)", True),
        ("x*sin(x)", "cosh(x)**x", True),
        ("sin(x)*exp(3)", "x**x", False),
        ("sin(cos(x))", "exp(exp(x))", True),
        ("sin(x)", "sin(cos(x))", False),
        ("x*(x + 1)*sin(x)", "x*(x + 1) + sin(x)", False),
        ("2*x*sin(3*x)", "5 + x + log(x**7)", True),
    ],
)
def test_structure_is_the_shape_alone(first: str, second: str, same: bool) -> None:
    assert (structure_hash(parse(first)) == structure_hash(parse(second))) is same
