"""Proofs that an integrand has no elementary antiderivative, by theorems that are exact and cheap to apply.

*Liouville, 1835* (Rosenlicht, "Integration in finite terms", Amer. Math. Monthly 79, 1972; Bronstein, "Symbolic
Integration I", ch. 6): with r and p rational functions and p not constant, r*exp(p) has an elementary antiderivative
exactly if y' + p'*y = r has a rational solution y. That is linear algebra, as the poles of y and its degree are bounded
by those of r and p. The real and imaginary part of r*exp(i*p) give the same for r*sin(p) and r*cos(p).

*Chebyshev, 1853*: x^m*(a + b*x^n)^p with rational m, n, p and a*b*n != 0 has an elementary antiderivative exactly if
one of p, (m+1)/n, (m+1)/n + p is an integer.

Coefficients are rational numbers, with at most one of pi, E or the logarithm of one prime among them: each is
transcendental (Lindemann, 1882), so it may be computed with as if it were an indeterminate. Two of them together are
left alone, because nobody knows whether they are algebraically independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sympy import (
    QQ,
    QQ_I,
    Add,
    Dummy,
    E,
    Expr,
    I,
    Integer,
    Mul,
    Poly,
    Pow,
    Rational,
    cancel,
    cos,
    exp,
    expand_log,
    factorint,
    fraction,
    log,
    pi,
    sin,
    together,
)
from sympy.polys.domains.domain import Domain
from sympy.polys.matrices import DomainMatrix
from sympy.polys.polyerrors import BasePolynomialError

from intclass.components.shared.expressions import X

MAX_DEGREE: Final = 40  # of numerators and denominators; beyond it the proof would cost more than it is worth


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A theorem that applies: its name and why its condition fails, in one line."""

    theorem: str
    argument: str

    def __str__(self) -> str:
        return f"{self.theorem}: {self.argument}"


def prove_nonelementary(integrand: Expr) -> Proof | None:
    """A proof that the integrand has no elementary antiderivative, or None if no theorem here gives one."""
    constant, rest = _without_constant_factor(integrand)
    if constant.is_zero or not rest.has(X):
        return None
    return _by_chebyshev(rest) or _by_liouville(rest)


def _without_constant_factor(expression: Expr) -> tuple[Expr, Expr]:
    constant, rest = expression.as_independent(X, as_Add=False)
    return constant, rest


def _by_chebyshev(expression: Expr) -> Proof | None:
    binomial = _match_binomial(expression)
    if binomial is None:
        return None
    m, n, p = binomial
    ratio = (m + 1) / n
    if p.is_integer or ratio.is_integer or (ratio + p).is_integer:
        return None
    argument = f"m={m}, n={n}, p={p}; none of p, (m+1)/n={ratio}, (m+1)/n+p={ratio + p} is an integer"
    return Proof(theorem="Chebyshev 1853", argument=argument)


def _match_binomial(expression: Expr) -> tuple[Rational, Rational, Rational] | None:
    """(m, n, p) of x^m*(a + b*x^n)^p, or None."""
    m: Rational = Integer(0)
    found: tuple[Rational, Rational] | None = None
    for factor in Mul.make_args(expression):
        base, exponent = factor.as_base_exp()
        if not exponent.is_Rational:
            return None
        if base == X:
            m += exponent
        elif found is None and (n := _match_two_terms(base)) is not None:
            found = (n, exponent)
        else:
            return None
    return None if found is None else (m, *found)


def _match_two_terms(expression: Expr) -> Rational | None:
    """The n of a + b*x^n with constants a and b, not zero; else None."""
    constant, power = expression.as_independent(X, as_Add=True)
    if constant.is_zero is not False:
        return None
    factor, power = power.as_independent(X, as_Add=False)
    base, n = power.as_base_exp()
    is_monomial = base == X and n.is_Rational and factor.is_zero is False
    return n if is_monomial else None


def _by_liouville(expression: Expr) -> Proof | None:
    split = _split_exponential(expression)
    if split is None:
        return None
    cofactor, exponent, kind = split
    try:
        solvable = _has_rational_solution(cofactor, exponent, imaginary=kind != "exp")
    except (BasePolynomialError, _OutOfReachError):
        return None
    if solvable:
        return None
    equation = f"y' + ({'I*' if kind != 'exp' else ''}({exponent}))'*y = {cofactor}"
    return Proof(theorem="Liouville 1835", argument=f"{equation} has no rational solution")


def _split_exponential(expression: Expr) -> tuple[Expr, Expr, str] | None:
    """(r, p, kind) of r*exp(p), r*sin(p) or r*cos(p), where exactly one such factor is there; else None.

    A rational term beside it is dropped: it is always integrable. Constant powers a^q are exp(q*log(a)).
    """
    terms = Add.make_args(expression)
    kept = [term for term in terms if not term.is_rational_function(X)]
    if len(kept) != 1:
        return None
    exponent: Expr = Integer(0)
    cofactor: list[Expr] = []
    trigonometric: list[Expr] = []
    for factor in Mul.make_args(kept[0]):
        if isinstance(factor, sin | cos):
            trigonometric.append(factor)
        elif (power := _exponent(factor)) is not None:
            exponent += power
        else:
            cofactor.append(factor)
    rational = Mul(*cofactor)
    if not rational.is_rational_function(X) or (exponent.has(X) and trigonometric) or len(trigonometric) > 1:
        return None
    if trigonometric:
        kind = "sin" if isinstance(trigonometric[0], sin) else "cos"
        rational, exponent = rational * exp(exponent), trigonometric[0].args[0]
    else:
        kind = "exp"
    if not exponent.has(X) or not exponent.is_rational_function(X):
        return None
    return rational, exponent, kind


def _exponent(factor: Expr) -> Expr | None:
    """The q where the factor is exp(q), or q*log(a) where it is a^q with a positive constant a and x in q."""
    if isinstance(factor, exp):
        return factor.args[0]
    if isinstance(factor, Pow) and factor.exp.has(X) and not factor.base.has(X) and factor.base.is_positive:
        return factor.exp if factor.base == E else factor.exp * expand_log(log(factor.base), force=True)
    return None


class _OutOfReachError(Exception):
    """The coefficients are not ours to compute with, or the degrees are too high."""


def _has_rational_solution(cofactor: Expr, exponent: Expr, *, imaginary: bool) -> bool:
    """Whether y' + p'*y = r has a rational solution (p is I times the exponent if imaginary).

    With r = N/D and p = A/B in lowest terms, y has poles only where r has. At a pole of r of order d that is a pole of
    p of order m, y has order d - m - 1; elsewhere d - 1. At infinity, y grows like r/p' if p has a polynomial part, and
    otherwise at most one degree faster than r. What remains is a polynomial with unknown coefficients.
    """
    cofactor, exponent, domain = _over_one_field(cofactor, exponent, imaginary=imaginary)
    numerator, denominator = _polynomials(cofactor, domain)
    p_numerator, p_denominator = _polynomials(exponent, domain)
    unit = Poly(I if imaginary else 1, X, domain=domain)
    # p' = slope / square
    slope = unit * (p_numerator.diff(X) * p_denominator - p_numerator * p_denominator.diff(X))
    if slope.is_zero:  # x hides a constant, as in (x + 1)**2 - x**2 - 2*x, and the theorem says nothing
        raise _OutOfReachError
    square = p_denominator**2
    poles = _poles(denominator, p_denominator, domain)
    degree = _degree_bound(numerator, denominator, p_numerator, p_denominator) + poles.degree()
    if degree < 0:
        return False
    if degree > MAX_DEGREE:
        raise _OutOfReachError

    # y = Y/poles:  (Y'*poles - Y*poles')*square*D + Y*poles*slope*D = N*poles^2*square
    def operator(y: Poly) -> Poly:
        return ((y.diff(X) * poles - y * poles.diff(X)) * square + y * poles * slope) * denominator

    columns = [operator(Poly(X**power, X, domain=domain)) for power in range(degree + 1)]
    return _in_span(numerator * poles**2 * square, columns, domain)


def _over_one_field(cofactor: Expr, exponent: Expr, *, imaginary: bool) -> tuple[Expr, Expr, Domain]:
    """Both as rational functions over a field of coefficients; raises _OutOfReachError if there is none for sure."""
    constants = {c for e in (cofactor, exponent) for c in e.atoms(log, exp) | (e.atoms(type(pi)) | e.atoms(type(E)))}
    field: Domain = QQ_I if imaginary else QQ
    if not constants:
        return cofactor, exponent, field
    [constant, *others] = constants
    is_prime_log = isinstance(constant, log) and constant.args[0].is_Integer and _is_prime(int(constant.args[0]))
    if others or not (constant in (pi, E) or is_prime_log):
        raise _OutOfReachError
    indeterminate = Dummy("c")
    return (
        cofactor.subs(constant, indeterminate),
        exponent.subs(constant, indeterminate),
        field.frac_field(indeterminate),
    )


def _is_prime(number: int) -> bool:
    return number > 1 and factorint(number) == {number: 1}


def _polynomials(expression: Expr, domain: Domain) -> tuple[Poly, Poly]:
    """Numerator and denominator in lowest terms."""
    numerator, denominator = fraction(cancel(together(expression)))
    top, bottom = Poly(numerator, X, domain=domain), Poly(denominator, X, domain=domain)
    if max(top.degree(), bottom.degree()) > MAX_DEGREE:
        raise _OutOfReachError
    return top, bottom


def _poles(denominator: Poly, p_denominator: Poly, domain: Domain) -> Poly:
    """The denominator of y."""
    result = Poly(1, X, domain=domain)
    for factor, order in denominator.sqf_list()[1]:
        shared = factor.gcd(p_denominator)
        result *= factor.quo(shared) ** (order - 1)
        for part, p_order in _orders(shared, p_denominator):
            result *= part ** max(0, order - p_order - 1)
    return result


def _orders(factor: Poly, p_denominator: Poly) -> list[tuple[Poly, int]]:
    """The squarefree factor split by the multiplicity that its roots have in p's denominator."""
    return [(part, order) for base, order in p_denominator.sqf_list()[1] if (part := factor.gcd(base)).degree() > 0]


def _degree_bound(numerator: Poly, denominator: Poly, p_numerator: Poly, p_denominator: Poly) -> int:
    """The greatest degree (numerator minus denominator) that y may have."""
    degree = numerator.degree() - denominator.degree()
    p_degree = p_numerator.degree() - p_denominator.degree()
    return int(degree - (p_degree - 1) if p_degree > 0 else max(0, degree + 1))


def _in_span(target: Poly, columns: list[Poly], domain: Domain) -> bool:
    """Whether the target is a linear combination of the columns over the field."""
    height = 1 + max(poly.degree() for poly in [target, *columns] if not poly.is_zero)
    coefficients = [poly.rep.to_list()[::-1] for poly in [*columns, target]]
    rows = [[each[power] if power < len(each) else domain.zero for each in coefficients] for power in range(height)]
    _, pivots = DomainMatrix(rows, (height, len(coefficients)), domain).rref()
    return len(columns) not in pivots
