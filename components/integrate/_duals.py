"""Pairs of a value and its derivative, and how operations carry them along."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

import sympy
from flint import acb, arb, ctx, fmpq
from sympy import Expr

from intclass.components.integrate._ball_functions import Function

Dual = tuple[acb, acb | None]  # value and derivative with respect to x; None where x does not occur
Operation = Callable[[list[Dual]], Dual]  # from the values of all slots

UNDEFINED: Final[Dual] = (acb("nan"), acb("nan"))


def number(node: Expr) -> Operation:
    """A rational number, or a decimal one, which is taken as exact."""
    rational = sympy.Rational(node)
    ratio = fmpq(int(rational.p), int(rational.q))
    return lambda _: (acb(arb(ratio)), None)


def algebraic_number(node: Expr) -> Operation:
    """A root of a polynomial, to the precision of the moment."""

    def operation(_: list[Dual]) -> Dual:
        digits = int(ctx.prec * 0.30103) + 5
        real, imaginary = node.evalf(digits).as_real_imag()
        error = arb(0, arb(2) ** (4 - ctx.prec))  # SymPy's digits are good but for the last
        return acb(arb(str(real)) + error, arb(str(imaginary)) + error), None

    return operation


def add(left: Dual, right: Dual) -> Dual:
    """The sum of two pairs."""
    slope = right[1] if left[1] is None else left[1] if right[1] is None else left[1] + right[1]
    return left[0] + right[0], slope


def total(slots: list[int]) -> Operation:
    """The sum of the slots."""

    def operation(values: list[Dual]) -> Dual:
        return functools.reduce(add, [values[slot] for slot in slots])

    return operation


def multiply(left: Dual, right: Dual) -> Dual:
    """The product of two pairs."""
    (u, du), (v, dv) = left, right
    if du is None:
        return u * v, None if dv is None else u * dv
    return u * v, du * v if dv is None else du * v + u * dv


def product(slots: list[int]) -> Operation:
    """The product of the slots."""

    def operation(values: list[Dual]) -> Dual:
        return functools.reduce(multiply, [values[slot] for slot in slots])

    return operation


def power(slots: list[int], exponent: Expr) -> Operation:
    """The first slot to the power of the second, which holds `exponent`."""
    base_slot, exponent_slot = slots
    if exponent.is_Integer:
        return lambda values: _integer_power(values[base_slot], int(exponent))
    if exponent.is_Rational and exponent.q == 2:
        return lambda values: _half_power(values[base_slot], int(exponent.p))
    return lambda values: _general_power(values[base_slot], values[exponent_slot])


def _integer_power(base: Dual, exponent: int) -> Dual:
    u, du = base
    return u**exponent, None if du is None else exponent * u ** (exponent - 1) * du


def _half_power(base: Dual, numerator: int) -> Dual:
    u, du = base
    root = u.sqrt()
    return root**numerator, None if du is None else root ** (numerator - 2) * du * numerator / 2


def _general_power(base: Dual, exponent: Dual) -> Dual:
    (u, du), (v, dv) = base, exponent
    value = u.pow(v)
    slope = None
    if du is not None:
        slope = v * value / u * du
    if dv is not None:
        slope = value * u.log() * dv + (0 if slope is None else slope)
    return value, slope


def call(function: Function, slots: list[int], variable: int) -> Operation:
    """The function of the slots; the argument at the place `variable` depends on x."""

    def operation(values: list[Dual]) -> Dual:
        arguments = [values[slot][0] for slot in slots]
        value = function.value(*arguments)
        slope = values[slots[variable]][1]
        return value, None if slope is None else function.slope(value, slope, *arguments)

    return operation
