from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import mpmath
import pytest
import sympy
from flint import acb, arb, ctx, fmpq
from sympy import Expr, I, Integer, Lambda, Piecewise, Poly, Rational, RootSum, Symbol, exp, log, pi, sin, sqrt

from intclass.components.integrate._ball_functions import FUNCTIONS, REAL_FUNCTIONS
from intclass.components.integrate._balls import Program, UnsupportedError, _roots
from intclass.components.shared.expressions import X

x = X

BITS = 128
COMPLEX = (Fraction(3, 7), Fraction(5, 9))
POSITIVE = (Fraction(4, 7), Fraction(0))
NEGATIVE = (Fraction(-13, 7), Fraction(0))
POINTS = [COMPLEX, POSITIVE, NEGATIVE]
THIRD = Rational(1, 3)

# Functions of several arguments, with a parameter that makes them interesting.
PARAMETRISED: dict[object, Callable[[Expr], Expr]] = {
    sympy.expint: lambda u: sympy.expint(THIRD, u),
    sympy.uppergamma: lambda u: sympy.uppergamma(THIRD, u),
    sympy.lowergamma: lambda u: sympy.lowergamma(THIRD, u),
    sympy.polylog: lambda u: sympy.polylog(3, u),
    sympy.polygamma: lambda u: sympy.polygamma(1, u),
    sympy.elliptic_f: lambda u: sympy.elliptic_f(u, THIRD),
    sympy.elliptic_e: lambda u: sympy.elliptic_e(u, THIRD),
    sympy.elliptic_pi: lambda u: sympy.elliptic_pi(Rational(1, 5), u, THIRD),
}


def _at(expression: Expr, point: tuple[Fraction, Fraction], bits: int = BITS) -> tuple[acb, acb]:
    with ctx.workprec(bits):
        real, imaginary = (arb(fmpq(part.numerator, part.denominator)) for part in point)
        [(value, slope)] = Program(expression).at((acb(real, imaginary), acb(1)))
    return value, acb(0) if slope is None else slope


def _expected(expression: Expr, point: tuple[Fraction, Fraction]) -> tuple[mpmath.mpc, mpmath.mpc]:
    """Value and derivative by another library and another method: mpmath and a difference quotient."""
    function = sympy.lambdify(x, expression.rewrite(sympy.li) if expression.has(sympy.Li) else expression, "mpmath")
    with mpmath.workdps(60):
        centre = mpmath.mpc(*(mpmath.mpf(part.numerator) / part.denominator for part in point))
        step = mpmath.mpf(10) ** -20
        slope = (function(centre + step) - function(centre - step)) / (2 * step)
        return function(centre), slope


def _assert_close(ball: acb, number: mpmath.mpc) -> None:
    found = complex(ball)
    assert abs(found - complex(number)) <= 1e-14 * (1 + abs(found))


@pytest.mark.parametrize("point", POINTS, ids=["complex", "positive", "negative"])
@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f is not sympy.exp_polar], ids=lambda f: f.__name__)
def test_each_function_and_its_derivative(function: Callable[[Expr], Expr], point: tuple[Fraction, Fraction]) -> None:
    make = PARAMETRISED.get(function, function)
    expression = make(x**2 + x / 3)
    value, slope = _at(expression, point)
    expected_value, expected_slope = _expected(expression, point)
    _assert_close(value, expected_value)
    _assert_close(slope, expected_slope)
    assert value.rel_accuracy_bits() > 80


@pytest.mark.parametrize("point", [POSITIVE, NEGATIVE], ids=["positive", "negative"])
@pytest.mark.parametrize("function", list(REAL_FUNCTIONS), ids=lambda f: f.__name__)
def test_functions_of_the_real_line(function: Callable[[Expr], Expr], point: tuple[Fraction, Fraction]) -> None:
    expression = function(
        (x**2 - x / 3 - 1) * (1 if function in (sympy.Abs, sympy.sign, sympy.floor, sympy.ceiling) else 1 + I * x)
    )
    value, slope = _at(expression, point)
    expected_value, expected_slope = _expected(expression, point)
    _assert_close(value, expected_value)
    _assert_close(slope, expected_slope)


@pytest.mark.parametrize("point", POINTS, ids=["complex", "positive", "negative"])
@pytest.mark.parametrize(
    "expression",
    [
        x**7 - 3 * x**2 + Rational(5, 3),
        x**-3,
        sqrt(x) ** 5,
        x ** Rational(-2, 3),
        (x + 1) ** pi,
        2**x,
        x**x,
        (x**2 + 1) ** sin(x),
        pi * exp(1) + I * x,
        sympy.EulerGamma * x + sympy.Catalan * x**2 + sympy.GoldenRatio,
        sin(x) * exp(x) * log(x) / (x**2 + 2),
        sympy.hyper((1, THIRD), (2, Rational(5, 2)), x / 5),
    ],
    ids=str,
)
def test_powers_sums_and_products(expression: Expr, point: tuple[Fraction, Fraction]) -> None:
    value, slope = _at(expression, point)
    expected_value, expected_slope = _expected(expression, point)
    _assert_close(value, expected_value)
    _assert_close(slope, expected_slope)


def test_shared_subexpressions_are_computed_once() -> None:
    inner = exp(sin(x))
    alone, twice = Program(inner), Program(inner, log(inner) + inner**2)
    assert len(twice._operations) <= len(alone._operations) + 5


def test_a_sum_over_the_roots_of_a_polynomial() -> None:
    r = Symbol("r")
    for polynomial in (r**5 + r + 3, r**2 - sqrt(2) * r + pi):
        root_sum = RootSum(Poly(polynomial, r), Lambda(r, r * log(x + r**2)), auto=False)
        with mpmath.workdps(30):
            roots = mpmath.polyroots(
                [mpmath.mpmathify(c.evalf(30)) for c in Poly(polynomial, r).all_coeffs()], maxsteps=200
            )
        point = complex(*map(float, COMPLEX))
        value, slope = _at(root_sum, COMPLEX)
        _assert_close(value, sum(root * mpmath.log(point + root**2) for root in roots))
        _assert_close(slope, sum(root / (point + root**2) for root in roots))


def test_double_roots_cannot_be_told_apart() -> None:
    with ctx.workprec(BITS):
        pi = acb.pi()
        assert not any(root.is_finite() for root in _roots([acb(1), -2 * pi, pi * pi]))


def test_an_algebraic_number() -> None:
    root = sympy.CRootOf(x**5 - x - 1, 1)
    value, _ = _at(root + x, POSITIVE)
    _assert_close(value, complex(root.evalf(20)) + 4 / 7)


@pytest.mark.parametrize(
    ("expression", "branch"),
    [
        (Piecewise((x**2, abs(x) > 1), (x**3, True)), {POSITIVE: 3, NEGATIVE: 2, COMPLEX: 3}),
        (Piecewise((x**2, (x > 1) | (x < -1)), (x**3, True)), {POSITIVE: 3, NEGATIVE: 2}),
        (Piecewise((x**2, (x > -1) & (x < 1)), (x**3, True)), {POSITIVE: 2, NEGATIVE: 3}),
        (Piecewise((x**2, sympy.Ne(x, 1)), (x**3, True)), {POSITIVE: 2, NEGATIVE: 2, COMPLEX: 2}),
        (Piecewise((x**2, sympy.Eq(x, 1)), (x**3, True)), {POSITIVE: 3, COMPLEX: 3}),
    ],
    ids=str,
)
def test_branches_of_a_piecewise(expression: Expr, branch: dict[tuple[Fraction, Fraction], int]) -> None:
    for point, power in branch.items():
        value, slope = _at(expression, point)
        number = complex(*map(float, point))
        _assert_close(value, number**power)
        _assert_close(slope, power * number ** (power - 1))


@pytest.mark.parametrize(
    "expression", [Piecewise((x, x > 0), (-x, True)), Piecewise((x, x > 1), (-x, x < -1))], ids=["complex", "none"]
)
def test_a_condition_that_cannot_be_decided_leaves_the_value_undefined(expression: Expr) -> None:
    assert not _at(expression, COMPLEX)[0].is_finite()


def test_jumps_and_poles_are_undefined() -> None:
    zero = (Fraction(0), Fraction(0))
    for expression in (1 / x, log(x), sympy.sign(x), abs(x)):
        assert not all(ball.is_finite() for ball in _at(expression, zero))


def test_towers_overflow_without_a_fuss() -> None:
    value, _ = _at(exp(exp(exp(exp(exp(x + 9))))), POSITIVE)
    assert not value.is_finite()


@pytest.mark.parametrize(
    "expression",
    [
        sympy.meijerg([[1], []], [[1], [0]], x),
        sympy.polylog(x, 2),
        sympy.uppergamma(x, x),
        sympy.Integral(exp(x**2), x),
        sympy.Function("f")(x),
    ],
    ids=["meijerg", "polylog", "uppergamma", "Integral", "f"],
)
def test_what_balls_cannot_compute_is_refused(expression: Expr) -> None:
    with pytest.raises(UnsupportedError):
        Program(expression)


def test_only_functions_of_the_real_line_are_marked() -> None:
    assert not Program(sqrt(x**2), Piecewise((x, sympy.Ne(x, 1)), (1, True))).real_only
    assert Program(abs(x)).real_only
    assert Program(Piecewise((abs(x), sympy.Ne(x, 1)), (1, True))).real_only
    assert Program(Piecewise((x, abs(x) > 1), (1, True))).real_only


def test_constants_are_computed_anew_for_each_precision() -> None:
    program = Program(pi * x)
    accuracies = []
    for bits in (53, 256, 53):
        with ctx.workprec(bits):
            [(value, _)] = program.at((acb(1), acb(1)))
            accuracies.append(value.rel_accuracy_bits())
    assert accuracies[0] == accuracies[2] < 60 < 250 < accuracies[1]


def test_constant_expressions_have_no_slope() -> None:
    [(_, slope)] = Program(Integer(5)).at((acb(1), acb(1)))
    assert slope is None
