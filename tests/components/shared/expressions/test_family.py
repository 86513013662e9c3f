from __future__ import annotations

import itertools

import pytest

from intclass.components.shared.expressions import (
    canonical,
    family,
    family_shape,
    family_signature,
    parse,
    prefix_words,
    scaled_form,
    skeleton_hash,
)


def families(*texts: str) -> set[str]:
    return {family(parse(text)) for text in texts}


@pytest.mark.parametrize(
    "texts",
    [
        ("x", "2*x", "-x", "x + 1", "3*x/7 - pi"),
        ("x*exp(x**2)", "7*x*exp(3*x**2 + 1)", "-x*exp(-x**2)/2"),
        ("sin(x)/x", "5*sin(2*x + 1)/x", "sin(x)/x + exp(2)", "sin(3*x)/(2*x + 1)"),
        ("x**2", "1/x", "sqrt(x)", "(2*x + 1)**3"),
        ("exp(x)*sin(x)", "sin(x)*exp(x)"),
        ("x + sin(x)", "sin(x) + x", "2*sin(x) - 3*x + 1"),
        ("2**x", "3**(2*x)", "5*2**(-x) + 1"),
    ],
)
def test_near_copies_are_one_family(texts: tuple[str, ...]) -> None:
    assert len(families(*texts)) == 1


@pytest.mark.parametrize(
    "texts",
    [
        ("x*exp(x**2)", "exp(x**2)"),
        ("x*tan(x)**2", "x*tan(x)"),
        ("sin(x)", "cos(x)"),
        ("x", "x**2"),
        ("x + sin(x)", "x*sin(x)"),
        ("x**x", "2**x"),
        ("sin(sin(x))", "sin(x)"),
        ("x*sin(x) + cos(x)", "x*cos(x) + sin(x)"),
    ],
)
def test_others_are_not(texts: tuple[str, str]) -> None:
    assert len(families(*texts)) == 2


def test_one_skeleton_is_one_family() -> None:
    shapes = ("{0}*{2}", "{0}*x + {1}", "{1}/{2}", "{2}**{1} + {0}", "exp({0}*x + {1})*{2}")
    functions = ("sin(x)", "x**2", "exp(x)/x", "log(x + 2)", "x*exp(3*x)", "tan(x)**x")
    by_skeleton: dict[str, set[str]] = {}
    for shape, function, numbers in itertools.product(shapes, functions, itertools.product((1, 2, 7), repeat=2)):
        expr = parse(shape.format(*numbers, function))
        by_skeleton.setdefault(skeleton_hash(expr), set()).add(family(expr))
    assert len(by_skeleton) > len(shapes) * len(functions)
    assert {len(found) for found in by_skeleton.values()} == {1}


@pytest.mark.parametrize("near", ["x*exp(x**2)", "7*x*exp(3*x**2 + 1)", "-x*sin(x**5)/2", "x*log(2*sqrt(x))"])
def test_a_family_has_one_shape(near: str) -> None:
    assert family_shape(parse(near)) == family_shape(parse("x*exp(x**2)"))


@pytest.mark.parametrize("text", ["x", "exp(x)", "x*exp(x**2) + x", "x*exp(x)", "exp(x)**2*x"])
def test_other_trees_have_other_shapes(text: str) -> None:
    assert family_shape(parse(text)) != family_shape(parse("x*exp(x**2)"))


@pytest.mark.parametrize("text", ["7*x*exp(3*x**2)", "(x - 2)*exp((x - 2)**2)", "-x*exp(1 - x**2)/5"])
def test_a_scaled_form_is_that_of_scaled_copies(text: str) -> None:
    assert scaled_form(parse(text)) == scaled_form(parse("x*exp(x**2)"))


@pytest.mark.parametrize(
    ("text", "other"),
    [("x**3*exp(x**2)", "x**2*exp(x**2)"), ("sqrt(x**3 + 1)", "(x**3 + 1)**(1/3)"), ("x*sin(x)**2", "x*sin(x)**3")],
)
def test_a_scaled_form_tells_exponents_apart_that_a_family_does_not(text: str, other: str) -> None:
    assert family(parse(text)) == family(parse(other))
    assert scaled_form(parse(text)) != scaled_form(parse(other))


def test_one_family_has_one_signature() -> None:
    def signature(text: str) -> tuple[str, ...]:
        return family_signature(" ".join(prefix_words(canonical(parse(text)))))

    assert signature("x*exp(x**2)") == signature("12*(x - 2)*exp(3*(x - 2)**2 + log(17))") == ("exp", "x", "x")
    assert signature("x*exp(x**2)") != signature("x*sin(x**2)")
