"""Which engines there are, by name, what their word is worth, and which of them are installed here."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from intclass.components.integrate.engines._base import Engine
from intclass.components.shared.errors import ConfigError, EngineUnavailableError

AUTO: Final = "auto"
_PACKAGE: Final = "intclass.components.integrate.engines"
PROGRAM_GRACE_SECONDS: Final = 15.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class EngineEntry:
    """What the plan and the pool must know of an engine.

    Attributes:
        target: `module:Class`. The class may have a classmethod `prepare()`, which warms what its workers share.
        procedure: The decision procedure whose negative end is a proof, if the engine has one.
        program: `module:function` that finds the program which the engine runs as a child of its worker, and raises
            EngineUnavailableError, naming the way to get it, if there is none; None for an engine that computes in the
            worker itself. The class takes the argument `memory_bytes` for its program.
    """

    name: str
    target: str
    procedure: str | None = None
    program: str | None = None

    @property
    def grace_seconds(self) -> float:
        """What the pool gives beyond the limit: an engine with a program stops it itself, and may have to start it."""
        return PROGRAM_GRACE_SECONDS if self.program else 0.0

    def load(self) -> type[Engine]:
        """The engine's class; raises ConfigError if there is none of that name."""
        loaded = _load(self.target)
        if not (isinstance(loaded, type) and issubclass(loaded, Engine)):
            raise ConfigError(f"{self.target} is no Engine")
        return loaded

    def check_available(self) -> None:
        """Raises EngineUnavailableError, naming the way to get it, if the engine's program is not installed."""
        if self.program is not None:
            _load(self.program)()


def _load(target: str) -> Any:  # noqa: ANN401 - found by name
    module, _, name = target.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"no engine {target!r}: {error}") from error


ENGINES: Final[Mapping[str, EngineEntry]] = {
    entry.name: entry
    for entry in [
        EngineEntry(
            name="fricas",
            target=f"{_PACKAGE}.fricas:FricasEngine",
            procedure="Risch procedure completed",
            program=f"{_PACKAGE}._fricas_program:find_program",
        ),
        EngineEntry(name="sympy", target=f"{_PACKAGE}._sympy:SymPyEngine"),
        EngineEntry(
            name="giac", target=f"{_PACKAGE}.giac:GiacEngine", program=f"{_PACKAGE}._giac_program:find_program"
        ),
    ]
}


def find_engine(name: str) -> EngineEntry:
    """The engine of that name, or the one at `module:Class`; raises ConfigError listing the names there are."""
    if ":" in name:
        entry = EngineEntry(name=name, target=name)
        return EngineEntry(name=entry.load().name, target=name)
    try:
        return ENGINES[name]
    except KeyError:
        raise ConfigError(f"no engine '{name}'; there are {', '.join(ENGINES)}, or module:Class of your own") from None


def is_available(name: str) -> bool:
    """Whether the engine is installed on this machine."""
    try:
        find_engine(name).check_available()
    except EngineUnavailableError:
        return False
    return True


def parse_engines(text: str | Sequence[str]) -> tuple[str, ...]:
    """Engine names in the order they are asked, from `fricas,sympy` or `auto`.

    `auto` takes FriCAS and then SymPy, or SymPy alone where FriCAS is not installed, and then logs a warning that says
    what that costs. Raises ConfigError for unknown names.
    """
    names = [name.strip() for name in (text.split(",") if isinstance(text, str) else text)]
    if not names:
        raise ConfigError("--engines names no engine; give sympy, fricas,sympy or auto")
    if names == [AUTO]:
        return _best_available()
    for name in names:
        find_engine(name)
    if len(set(names)) != len(names):
        raise ConfigError(f"--engines {','.join(names)} names an engine twice")
    return tuple(names)


def _best_available() -> tuple[str, ...]:
    if is_available("fricas"):
        return ("fricas", "sympy")
    _log.warning(
        "FriCAS is not installed, so SymPy works alone: several times slower, and hardly any integrand is proved "
        "non-elementary (see `intclass integrate --help`)"
    )
    return ("sympy",)
