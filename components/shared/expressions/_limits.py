"""How large an expression may be, and the error that says it is larger."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from intclass.components.shared.errors import ConfigError, ExpressionError

# CPython refuses to turn more than 4300 digits into an integer, and back.
MAX_DIGITS: Final = 4_000
# Constants are checked in double precision where numbers may have no more digits than doubles have magnitude.
DOUBLE_DIGITS: Final = 308


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The largest expression that is read. The defaults allow far more than the generators draw.

    They keep the time for any text to about a second, for most texts to milliseconds. With more than 308 digits,
    constants such as exp(exp(9)) and roots of powers inside one another are no longer weighed: for texts of our own.
    """

    length: int = 10_000  # characters, or prefix words
    depth: int = 100  # nested parentheses, powers and function calls
    nodes: int = 1_000  # operators, functions, numbers and variables
    exponent: int = 1_000  # absolute value of a number in an exponent
    digits: int = 300  # decimal digits of an integer, and the magnitude of a constant: 10**-digits to 10**digits

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or value < 1:
                raise ConfigError(f"the limit {field.name} must be a positive integer, not {value!r}")
        if self.digits > MAX_DIGITS:
            raise ConfigError(f"the limit digits must be at most {MAX_DIGITS}, not {self.digits}")

    @property
    def checks_constants(self) -> bool:
        """Whether constants such as `exp(exp(9))` are measured before SymPy sees them."""
        return self.digits <= DOUBLE_DIGITS


DEFAULT_LIMITS: Final = Limits()
TRUSTED_LIMITS: Final = Limits(length=200_000, depth=190, nodes=200_000, exponent=100_000, digits=MAX_DIGITS)


def at(position: int) -> str:
    """` at position 7`, or nothing where no place is known (a negative position)."""
    return f" at position {position}" if position >= 0 else ""


def unreadable(message: str, position: int = -1) -> ExpressionError:
    """The error for text that is no expression; the place is put behind the message."""
    place = f" ({at(position).strip()})" if position >= 0 else ""
    return ExpressionError(message + place, position=position if position >= 0 else None)


def over_limit(what: str, *, value: str, limit: str, position: int = -1) -> ExpressionError:
    """The error for a value over a limit: `the exponent at position 3 is 2000, over the limit of 1000 (exponent)`."""
    text = f"{what}{at(position)} is {value}, over the limit of {limit}"
    return ExpressionError(text, position=position if position >= 0 else None)


def too_long(what: str, value: str, limits: Limits) -> ExpressionError:
    """The error for more characters or words than `limits.length`."""
    return over_limit(what, value=value, limit=f"{limits.length} (length)")


def too_deep(limits: Limits, position: int) -> ExpressionError:
    """The error for more levels than `limits.depth`."""
    return over_limit(
        "the expression", value="deeper", limit=f"{limits.depth} nested levels (depth)", position=position
    )


def too_large(limits: Limits, position: int) -> ExpressionError:
    """The error for more nodes than `limits.nodes`."""
    return over_limit("the expression", value="larger", limit=f"{limits.nodes} nodes (nodes)", position=position)


def too_many_digits(digits: int, limits: Limits, position: int) -> ExpressionError:
    """The error for an integer of more digits than `limits.digits`."""
    limit = f"{limits.digits} (digits)"
    return over_limit("the number", value=f"{digits} digits long", limit=limit, position=position)


def outside_range(limits: Limits, position: int) -> ExpressionError:
    """The error for a constant that is too large, or too close to zero, for `limits.digits`."""
    digits = limits.digits
    text = f"the constant{at(position)} is outside 10^-{digits} to 10^{digits} (digits)"
    return ExpressionError(text, position=position if position >= 0 else None)
