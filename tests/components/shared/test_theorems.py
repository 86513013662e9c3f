from __future__ import annotations

import pytest
from sympy import E, Expr, Rational, cos, diff, exp, log, pi, sin, sqrt

from intclass.components.shared.expressions import X
from intclass.components.shared.theorems import prove_nonelementary

x = X

# Each pair differs by little: the first has no elementary antiderivative, the second has one.
MINIMAL_PAIRS: list[tuple[Expr, Expr]] = [
    (exp(x**2), x * exp(x**2)),
    (x**2 * exp(x**2), x**3 * exp(x**2)),
    (exp(x) / x, exp(x) * (1 / x - 1 / x**2)),
    (exp(x) / x**2, exp(x) * (x**2 + 1) / (x + 1) ** 2),
    (exp(1 / x), exp(1 / x) / x**2),
    (exp(x + 1 / x), (1 - 1 / x**2) * exp(x + 1 / x)),
    (exp(x) / (x**2 + 1), exp(x) * x / (x + 1) ** 2),
    (2 ** (x**2), x * 2 ** (x**2)),
    (exp(pi * x**2), x * exp(pi * x**2)),
    (sin(x) / x, x * sin(x)),
    (cos(x**2), x * cos(x**2)),
    (sin(1 / x), sin(1 / x) / x**2),
    (x + exp(x) / x, x + exp(x)),
    (sqrt(1 + x**3), x**2 / sqrt(1 + x**3)),
    (x**2 / sqrt(1 - x**4), x / sqrt(1 - x**4)),
    ((x**4 + 1) ** Rational(1, 3), x**3 * (x**4 + 1) ** Rational(1, 3)),
    (sqrt(1 + x**4) / 3, sqrt(1 + x**2) / 3),
]


@pytest.mark.parametrize("integrand", [pair[0] for pair in MINIMAL_PAIRS], ids=str)
def test_a_theorem_proves_the_classics(integrand: Expr) -> None:
    proof = prove_nonelementary(integrand)
    assert proof is not None
    assert str(proof).startswith(("Liouville 1835: ", "Chebyshev 1853: "))


@pytest.mark.parametrize("integrand", [pair[1] for pair in MINIMAL_PAIRS], ids=str)
def test_no_theorem_denies_their_integrable_twins(integrand: Expr) -> None:
    assert prove_nonelementary(integrand) is None


@pytest.mark.parametrize(
    "exponent", [x, x**2, 1 / x, x + 1 / (x - 1), x**3 / (x**2 + 1), (x + 1) / (x - 2) ** 2], ids=str
)
@pytest.mark.parametrize(
    "cofactor", [x, 1 / x, x**2 / (x - 1), (x**3 + 2) / (x**2 + 1) ** 2, 1 / (x - 2) ** 3, x**5 - 1], ids=str
)
def test_a_derivative_is_never_denied(cofactor: Expr, exponent: Expr) -> None:
    derivative = diff(cofactor, x) + cofactor * diff(exponent, x)
    assert prove_nonelementary(derivative.together().cancel() * exp(exponent)) is None


@pytest.mark.parametrize(
    "integrand",
    [
        exp(pi * x**2 + E * x),  # two transcendental constants: nobody knows whether they are independent
        exp(sqrt(2) * x**2),
        2 ** (x**2) * 3 ** (x**2),
        log(x) / x,
        exp(x) * sin(x**2),
        exp(exp(x)),
        x,
        x**0,
        exp(x**41),
        exp((x + 1) ** 2 - x**2 - 2 * x) / x,  # the exponent is 1
        sin((x + 1) ** 2 - x**2 - 2 * x) / x,
    ],
    ids=str,
)
def test_what_the_theorems_do_not_cover_is_left_open(integrand: Expr) -> None:
    assert prove_nonelementary(integrand) is None
