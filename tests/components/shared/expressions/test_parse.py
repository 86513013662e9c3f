"""Ordinary notation: what is read, and what an error says."""

import json
from pathlib import Path
from typing import Any

import pytest
import sympy
from sympy import E, Rational, acos, asin, atan, cos, cosh, cot, exp, log, pi, sin, sinh, sqrt, tan

from intclass.components.shared.errors import ConfigError, ExpressionError
from intclass.components.shared.expressions import Limits, X, parse
from intclass.components.shared.grammar import BINARY_OPERATORS, UNARY_OPERATORS, load

PEER_FUNCTIONS = Path(__file__).parents[3] / "data" / "peer_functions.jsonl"

NOTATION = {
    "2*x": 2 * X,
    "x^2": X**2,
    "x**2": X**2,
    "x^2^3": X**8,
    "x**2**3": X**8,
    "(x^2)^3": X**6,
    "-x^2": -(X**2),
    "(-x)^2": X**2,
    "x^-2": X**-2,
    "2^-x": 2 ** (-X),
    "--x": X,
    "+x": X,
    "x--2": X + 2,
    "atan(x)": atan(X),
    "ln(x)": log(X),
    "log(x, 2)": log(X) / log(2),
    "e^x": exp(X),
    "E**x": exp(X),
    "e": E,
    "pi*x": pi * X,
    "x/2": X / 2,
    "1/2": Rational(1, 2),
    "0.1*x": X / 10,
    ".5": Rational(1, 2),
    "2.": sympy.Integer(2),
    "007": sympy.Integer(7),
    "3.14*x": Rational(157, 50) * X,
    "x**(1/2)": sqrt(X),
    "x^0.5": sqrt(X),
    "sqrt(x)": sqrt(X),
    "cbrt(x)": X ** Rational(1, 3),
    "3**(3*x)": 3 ** (3 * X),
    "1 - 2 - 3": sympy.Integer(-4),
    "x/2/3": X / 6,
    "x/(2*(x+1))": X / 2 / (X + 1),
    " x\t+\n1 ": X + 1,
    "exp(1)": E,
    "cos(pi/3)*x": X / 2,
    "tan(x + pi/2)": -cot(X),
    "sin(asin(x))": X,
    "sinh(-x)": -sinh(X),
}

LEFT_OUT = {
    "2x": 2 * X,
    "2 x": 2 * X,
    "2pi": 2 * pi,
    "3(x+1)": 3 * X + 3,
    "x sin(x)": X * sin(X),
    "2sin(x)cos(x)": 2 * sin(X) * cos(X),
    "(x+1)(x-1)": (X + 1) * (X - 1),
    "x(x+1)": X * (X + 1),
    "sin(x)x": X * sin(X),
    "x^2 sin(x)": X**2 * sin(X),
    "x^2(x+1)": X**2 * (X + 1),
    "1/(2x)": 1 / (2 * X),
    "1/2*x": X / 2,
    "1/2 + 3x": 3 * X + Rational(1, 2),
    "e^(2x)": exp(2 * X),
    "2e": 2 * E,
    "2e x": 2 * E * X,
}

SPELLINGS = {
    "arctan": atan,
    "arcsin": asin,
    "arccos": acos,
    "arcsinh": sympy.asinh,
    "arsinh": sympy.asinh,
    "arcosh": sympy.acosh,
    "arctanh": sympy.atanh,
    "artanh": sympy.atanh,
    "arccot": sympy.acot,
    "arcsec": sympy.asec,
    "arccsc": sympy.acsc,
    "cosec": sympy.csc,
    "ln": log,
}

# message, position
REFUSED = {
    "": ("empty", None),
    "   ": ("empty", None),
    "t + 1": ("'t': the variable is x", 0),
    "x + y": ("'y': the variable is x", 4),
    "foo(x)": ("unknown name 'foo'", 0),
    "sinn(x)": ("did you mean 'sin'", 0),
    "Sin(x)": ("did you mean 'sin'", 0),
    "x2": ("unknown name 'x2'", 0),
    "x 2": ("an operator is missing before '2'", 2),
    "1 2": ("an operator is missing before '2'", 2),
    "(x+1)2": ("an operator is missing", 5),
    "sin x": ("sin needs its argument in brackets", 0),
    "x + sin": ("sin needs its argument in brackets", 4),
    "sin^2(x)": ("write sin(x)^2", 0),
    "1/2x": ("1/(2*x)", 3),
    "1/-2x": ("1/(2*x)", 4),
    "1/x sin(x)": ("two ways", 4),
    "e^2x": ("two ways", 3),
    "x^-2x": ("two ways", 4),
    "1e-3*x": ("two ways", 0),
    "2E5": ("two ways", 0),
    "(x": ("'(' is never closed", 0),
    "x*((x+1)": ("'(' is never closed", 2),
    "x)": ("')' has no '('", 1),
    "x + * 2": ("an operand is missing before '*'", 4),
    "x +": ("ends behind '+'", 2),
    "*x": ("an operand is missing before '*'", 0),
    "x//2": ("an operand is missing before '/'", 2),
    "x * * 2": ("an operand is missing before '*'", 4),
    "(x +)": ("an operand is missing before ')'", 4),
    "sin(x,)": ("an operand is missing before ')'", 6),
    "sin(,x)": ("an operand is missing before ','", 4),
    "()": ("not part of an expression", 0),
    "x, x": ("not part of an expression", 0),
    "sin()": ("sin takes one argument, not 0", 0),
    "sin(x, x)": ("sin takes one argument, not 2", 0),
    "x = 1": ("'=' is not part of an expression", 2),
    "x > 1": ("'>' is not part of an expression", 2),
    "x!": ("'!' is not part", 1),
    "|x|": ("'|' is not part", 0),
    "x.real": ("'.' is not part", 1),
    "[x]": ("'[' is not part", 0),
    "'x'": ("is not part", 0),
    "x;x": ("';' is not part", 1),
    "x # x": ("'#' is not part", 2),
    "lambda x: x": ("unknown name 'lambda'", 0),
    "x if x else 1": ("unknown name 'if'", 2),
    "not x": ("unknown name 'not'", 0),
    "True": ("unknown name 'True'", 0),
    "None": ("unknown name 'None'", 0),
    "_": ("unknown variable '_'", 0),
    "x\u2212x": ("U+2212", 1),
    "\uff58": ("U+FF58", 0),
    "x\x00": ("U+0000", 1),
    "x\u202e": ("U+202E", 1),
    "\N{MATHEMATICAL ITALIC SMALL X}": ("U+1D465", 0),
    "x\N{SUPERSCRIPT TWO}": ("U+00B2", 1),
    "I*x": ("imaginary", 0),
    "oo": ("infinities", 0),
    "x + zoo": ("infinities", 4),
    "nan": ("undefined", 0),
    "abs(x)": ("Liouville", 0),
    "floor(x)": ("Liouville", 0),
    "1/0": ("division by zero", 2),
    "x/(1-1)": ("division by zero", 3),
    "log(0)": ("no finite value", None),
    "tan(pi/2)*x": ("no finite value", None),
    "sqrt(-2)*x": ("not real", None),
    "log(-1)": ("not real", None),
    "sqrt(asin(5))*x": ("not real", 0),
}


@pytest.mark.parametrize(("text", "expected"), (NOTATION | LEFT_OUT).items(), ids=str)
def test_notation(text: str, expected: Any) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(("name", "function"), SPELLINGS.items(), ids=str)
def test_the_usual_spellings_of_a_function(name: str, function: Any) -> None:
    assert parse(f"{name}(x)") == function(X)


@pytest.mark.parametrize("name", ["intclass", "lample-charton"])
def test_every_operator_of_a_built_in_grammar_is_read(name: str) -> None:
    infix = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
    grammar = load(name)
    for operator in grammar.unary:
        text = (
            f"x**{operator[3:]}"
            if operator.startswith("pow")
            else {"neg": "-x", "inv": "1/x"}.get(operator, f"{operator}(x)")
        )
        assert X in parse(text).free_symbols
    for operator in grammar.binary:
        assert X in parse(f"x {infix[operator]} sin(x + 1)").free_symbols
    assert set(grammar.unary) <= set(UNARY_OPERATORS)
    assert set(grammar.binary) <= set(BINARY_OPERATORS)


@pytest.mark.parametrize(("text", "expected"), REFUSED.items(), ids=ascii)
def test_an_error_says_what_and_where(text: str, expected: Any) -> None:
    message, position = expected
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert caught.value.position == position
    assert "\n" not in str(caught.value)
    if position is not None:
        assert f"at position {position}" in str(caught.value)


LIMITS = Limits(length=60, depth=5, nodes=12, exponent=20, digits=10)


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("x" + "+1" * 40, "the text is 81 characters long, over the limit of 60 (length)", None),
        ("((((((x))))))", "deeper, over the limit of 5 nested levels (depth)", 5),
        ("sin(x**(x**(x**(x**x))))", "deeper, over the limit of 5 nested levels (depth)", 16),
        ("+".join("x" * 13), "larger, over the limit of 12 nodes (nodes)", 24),
        ("x + 2 + 3*x + 4*x + 5*x + 6*x", "over the limit of 12 nodes (nodes)", 26),
        ("x + x**21", "the exponent at position 7 is 21, over the limit of 20 (exponent)", 7),
        ("x**-21", "is -21, over the limit of 20 (exponent)", 3),
        ("x**(x - 21)", "over the limit of 20 (exponent)", 4),
        ("(x**5)**5", "is 25, over the limit of 20 (exponent)", 8),
        ("x**20*x**20", "is 40, over the limit of 20 (exponent)", 0),
        ("exp(21*x)", "is 21, over the limit of 20 (exponent)", 4),
        ("x + 12345678901", "11 digits long, over the limit of 10 (digits)", 4),
        ("x + 99999**3", "outside 10^-10 to 10^10 (digits)", 11),
        ("1/99999**3 + x", "outside 10^-10 to 10^10 (digits)", 9),
    ],
)
def test_limits_name_themselves_and_the_place(text: str, message: str, position: int | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, limits=LIMITS)
    assert message in str(caught.value)
    assert caught.value.position == position
    parse(text, limits=Limits())  # it was this limit alone


def test_a_limit_must_be_a_positive_number() -> None:
    with pytest.raises(ConfigError, match="depth"):
        Limits(depth=0)
    with pytest.raises(ConfigError, match="digits"):
        Limits(digits=5000)


def test_a_sum_is_one_level_however_long() -> None:
    assert parse("+".join(f"x**{n}" for n in range(1, 101)), limits=Limits(depth=3)).is_Add


def test_variable_has_no_assumptions() -> None:
    (symbol,) = parse("sqrt(x**2)").free_symbols
    assert symbol == sympy.Symbol("x")
    assert parse("sqrt(x**2)") == sqrt(X**2) != X


def test_every_function_of_the_first_authors_generator_and_of_lample_and_charton() -> None:
    rows = [json.loads(line) for line in PEER_FUNCTIONS.read_text().splitlines()]
    assert len(rows) == 225
    for row in rows:
        text = row["integrand"]
        if "zoo" in text or "nan" in text:
            with pytest.raises(ExpressionError, match="infinities and undefined values are refused"):
                parse(text)
        else:
            assert parse(text).free_symbols == ({X} if "x" in text.replace("exp", "") else set())
    assert sum("zoo" in row["integrand"] or "nan" in row["integrand"] for row in rows) == 8


def test_agrees_with_python_on_values() -> None:
    for text in ("2*x - 3*x**2/4 + x**-1", "-x**2 + 3*-x", "2**x**0.5/7/x", "1-(2-(3-x))", "x*(x+1)/((x+2)*(x+3))"):
        value = eval(text, {"x": 1.7})
        assert float(parse(text).subs(X, Rational(17, 10))) == pytest.approx(value)


@pytest.mark.parametrize("function", [sin, tan, cosh])
def test_functions_of_zero_are_evaluated(function: Any) -> None:
    assert parse(f"{function.__name__}(0) + x") == function(0) + X
