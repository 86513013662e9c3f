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

    They keep building below a fraction of a second whatever the text says; see `tests` for the towers that this stops.
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


def place_of(position: int) -> str:
    """` at position 7`, or nothing where no place is known (a negative position)."""
    return f" at position {position}" if position >= 0 else ""


def over_limit(what: str, *, value: str, limit: str, position: int = -1) -> ExpressionError:
    """The error for a value over a limit: `exponent 2000 at position 3 is over the limit of 1000 (exponent)`."""
    text = f"{what}{place_of(position)} is {value}, over the limit of {limit}"
    return ExpressionError(text, position=position if position >= 0 else None)


def unreadable(message: str, position: int = -1) -> ExpressionError:
    """The error for text that is no expression; the place is put behind the message."""
    return ExpressionError(f"{message}{place_of(position)}", position=position if position >= 0 else None)
