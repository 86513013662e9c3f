"""Functions of complex balls and their derivatives, by SymPy class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sympy
from flint import acb, arb

Ball = Any  # acb; its stubs leave many methods untyped


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function of balls.

    Attributes:
        value: Of the arguments.
        slope: Of the value, the derivative of the argument that depends on x, and the arguments.
        variable: Which argument may depend on x; the others are parameters.
    """

    value: Callable[..., Ball]
    slope: Callable[..., Ball]
    variable: int = -1


def _of_argument(value: Callable[[Ball], Ball], derivative: Callable[[Ball], Ball]) -> Function:
    """A function whose derivative is given by its argument."""
    return Function(value=value, slope=lambda _, du, u: derivative(u) * du)


def _of_value(value: Callable[[Ball], Ball], derivative: Callable[[Ball], Ball]) -> Function:
    """A function whose derivative is given by its value."""
    return Function(value=value, slope=lambda f, du, _: derivative(f) * du)


def _gaussian(sign: int) -> Callable[[Ball], Ball]:
    return lambda u: 2 * (sign * u * u).exp() / acb.pi().sqrt()


def _over(function: Callable[[Ball], Ball]) -> Callable[[Ball], Ball]:
    return lambda u: function(u) / u


ELEMENTARY: Final[Mapping[Any, Function]] = {
    sympy.exp: _of_value(acb.exp, lambda f: f),
    sympy.log: _of_argument(acb.log, lambda u: 1 / u),
    sympy.sin: _of_argument(acb.sin, acb.cos),
    sympy.cos: _of_argument(acb.cos, lambda u: -u.sin()),
    sympy.tan: _of_value(acb.tan, lambda f: 1 + f * f),
    sympy.cot: _of_value(acb.cot, lambda f: -1 - f * f),
    sympy.sec: Function(value=acb.sec, slope=lambda f, du, u: f * u.tan() * du),
    sympy.csc: Function(value=acb.csc, slope=lambda f, du, u: -f * u.cot() * du),
    sympy.asin: _of_argument(acb.asin, lambda u: 1 / (1 - u * u).sqrt()),
    sympy.acos: _of_argument(acb.acos, lambda u: -1 / (1 - u * u).sqrt()),
    sympy.atan: _of_argument(acb.atan, lambda u: 1 / (1 + u * u)),
    sympy.acot: _of_argument(lambda u: (1 / u).atan(), lambda u: -1 / (1 + u * u)),
    sympy.asec: _of_argument(lambda u: (1 / u).acos(), lambda u: 1 / (u * u * (1 - 1 / (u * u)).sqrt())),
    sympy.acsc: _of_argument(lambda u: (1 / u).asin(), lambda u: -1 / (u * u * (1 - 1 / (u * u)).sqrt())),
    sympy.sinh: _of_argument(acb.sinh, acb.cosh),
    sympy.cosh: _of_argument(acb.cosh, acb.sinh),
    sympy.tanh: _of_value(acb.tanh, lambda f: 1 - f * f),
    sympy.coth: _of_value(acb.coth, lambda f: 1 - f * f),
    sympy.sech: Function(value=acb.sech, slope=lambda f, du, u: -f * u.tanh() * du),
    sympy.csch: Function(value=acb.csch, slope=lambda f, du, u: -f * u.coth() * du),
    sympy.asinh: _of_argument(acb.asinh, lambda u: 1 / (1 + u * u).sqrt()),
    sympy.acosh: _of_argument(acb.acosh, lambda u: 1 / ((u - 1).sqrt() * (u + 1).sqrt())),
    sympy.atanh: _of_argument(acb.atanh, lambda u: 1 / (1 - u * u)),
    sympy.acoth: _of_argument(lambda u: (1 / u).atanh(), lambda u: 1 / (1 - u * u)),
    sympy.asech: _of_argument(
        lambda u: (1 / u).acosh(), lambda u: -1 / (u * u * (1 / u - 1).sqrt() * (1 / u + 1).sqrt())
    ),
    sympy.acsch: _of_argument(lambda u: (1 / u).asinh(), lambda u: -1 / (u * u * (1 + 1 / (u * u)).sqrt())),
}

SPECIAL: Final[Mapping[Any, Function]] = {
    sympy.erf: _of_argument(acb.erf, _gaussian(-1)),
    sympy.erfc: _of_argument(acb.erfc, lambda u: -_gaussian(-1)(u)),
    sympy.erfi: _of_argument(acb.erfi, _gaussian(1)),
    sympy.Ei: _of_argument(acb.ei, _over(acb.exp)),
    sympy.li: _of_argument(acb.li, lambda u: 1 / u.log()),
    sympy.Li: _of_argument(lambda u: u.li(offset=True), lambda u: 1 / u.log()),
    sympy.Si: _of_argument(acb.si, _over(acb.sin)),
    sympy.Ci: _of_argument(acb.ci, _over(acb.cos)),
    sympy.Shi: _of_argument(acb.shi, _over(acb.sinh)),
    sympy.Chi: _of_argument(acb.chi, _over(acb.cosh)),
    sympy.fresnels: _of_argument(acb.fresnel_s, lambda u: (acb.pi() * u * u / 2).sin()),
    sympy.fresnelc: _of_argument(acb.fresnel_c, lambda u: (acb.pi() * u * u / 2).cos()),
    sympy.exp_polar: _of_value(acb.exp, lambda f: f),
    sympy.gamma: Function(value=acb.gamma, slope=lambda f, du, u: f * u.digamma() * du),
    sympy.loggamma: _of_argument(acb.lgamma, acb.digamma),
    sympy.polygamma: Function(value=lambda n, u: u.polygamma(n), slope=lambda _, du, n, u: u.polygamma(n + 1) * du),
    sympy.LambertW: Function(value=acb.lambertw, slope=lambda f, du, u: f / (u * (1 + f)) * du),
    sympy.expint: Function(value=lambda s, u: u.expint(s), slope=lambda _, du, s, u: -u.expint(s - 1) * du),
    sympy.uppergamma: Function(
        value=lambda s, u: u.gamma_upper(s), slope=lambda _, du, s, u: -(u.pow(s - 1)) * (-u).exp() * du
    ),
    sympy.lowergamma: Function(
        value=lambda s, u: u.gamma_lower(s), slope=lambda _, du, s, u: u.pow(s - 1) * (-u).exp() * du
    ),
    sympy.polylog: Function(value=lambda s, u: u.polylog(s), slope=lambda _, du, s, u: u.polylog(s - 1) / u * du),
    sympy.elliptic_f: Function(
        value=acb.elliptic_f, slope=lambda _, du, u, m: du / (1 - m * u.sin() ** 2).sqrt(), variable=0
    ),
    sympy.elliptic_e: Function(
        value=acb.elliptic_e_inc, slope=lambda _, du, u, m: (1 - m * u.sin() ** 2).sqrt() * du, variable=0
    ),
    sympy.elliptic_pi: Function(
        value=acb.elliptic_pi_inc,
        slope=lambda _, du, n, u, m: du / ((1 - n * u.sin() ** 2) * (1 - m * u.sin() ** 2).sqrt()),
        variable=1,
    ),
}


def hypergeometric(p: int, q: int) -> Function:
    """The generalized hypergeometric function of p upper and q lower parameters and its argument, in this order."""

    def value(*arguments: Ball) -> Ball:
        return arguments[-1].hypgeom(arguments[:p], arguments[p : p + q])

    def slope(_: Ball, du: Ball, *arguments: Ball) -> Ball:
        factor = acb(1)
        for upper in arguments[:p]:
            factor *= upper
        for lower in arguments[p : p + q]:
            factor /= lower
        return factor * value(*[parameter + 1 for parameter in arguments[:-1]], arguments[-1]) * du

    return Function(value=value, slope=slope)


FUNCTIONS: Final[Mapping[Any, Function]] = {**ELEMENTARY, **SPECIAL}

# Not analytic: their slopes are those along the real line.
REAL_FUNCTIONS: Final[Mapping[Any, Function]] = {
    sympy.Abs: Function(value=lambda u: acb(abs(u)), slope=lambda f, du, u: acb((u.conjugate() * du).real) / f),
    sympy.sign: Function(value=lambda u: u.sgn(), slope=lambda _, du, u: _zero_unless_undefined(1 / u)),
    sympy.floor: Function(value=lambda u: _rounded(u, arb.floor), slope=lambda f, *_: _zero_unless_undefined(f)),
    sympy.ceiling: Function(value=lambda u: _rounded(u, arb.ceil), slope=lambda f, *_: _zero_unless_undefined(f)),
    sympy.re: Function(value=lambda u: acb(u.real), slope=lambda _, du, u: acb(du.real)),
    sympy.im: Function(value=lambda u: acb(u.imag), slope=lambda _, du, u: acb(du.imag)),
    sympy.conjugate: Function(value=acb.conjugate, slope=lambda _, du, u: du.conjugate()),
    sympy.arg: Function(value=lambda u: acb(u.arg()), slope=lambda _, du, u: acb((du / u).imag)),
}


def _rounded(ball: Ball, rounding: Callable[[Any], Any]) -> Ball:
    """The rounded real number; undefined where the ball holds a jump or is not real."""
    whole = rounding(ball.real)
    return acb(whole) if ball.imag.is_zero() and whole.is_exact() else acb("nan")


def _zero_unless_undefined(ball: Ball) -> Ball:
    return acb(0) if ball.is_finite() else ball
