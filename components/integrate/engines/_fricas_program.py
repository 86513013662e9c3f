"""Where FriCAS is: the system's program if there is one, else the one in the PyPI wheel `passagemath-fricas`.

The wheel's program runs on ECL, a Lisp that looks for its modules in ECLDIR. Of all of ECL it asks for the compiler
module alone, and never compiles when used as here, so the empty `cmp.lsp` beside this file stands in where the wheel
`passagemath-ecl` is not installed: `pip install --no-deps passagemath-fricas` is enough.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from intclass.components.shared.errors import EngineUnavailableError

WHEEL: Final = "passagemath-fricas"
HOW_TO_GET: Final = (
    "FriCAS is not installed: `apt-get install --no-install-recommends fricas` (Debian, Ubuntu) "
    f"or `pip install --no-deps {WHEEL}`"
)


@dataclass(frozen=True, kw_only=True)
class FricasProgram:
    """How to start FriCAS, without curses, graphics, HyperDoc: a command line and what its environment must hold."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def find_program() -> FricasProgram:
    """The program to use; raises EngineUnavailableError, which says how to get one."""
    program = system_program() or wheel_program()
    if program is None:
        raise EngineUnavailableError(HOW_TO_GET)
    return program


def system_program() -> FricasProgram | None:
    """The `fricas` on PATH."""
    path = shutil.which("fricas")
    return FricasProgram(command=(path, "-nosman")) if path else None


def wheel_program() -> FricasProgram | None:
    """The program in the wheel, if the wheel is installed in this environment."""
    try:
        root = Path(str(distribution(WHEEL).locate_file("sage_wheels")))
    except PackageNotFoundError:
        return None
    for binary in sorted(root.glob("lib/fricas/target/*/bin/FRICASsys")):
        compilers = sorted(root.glob("lib/ecl-*/cmp.fas"))
        library = compilers[-1].parent if compilers else Path(__file__).parent
        environment = {"FRICAS": str(binary.parents[1]), "ECLDIR": f"{library}/"}  # ECL needs the final slash
        return FricasProgram(command=(str(binary),), environment=environment)
    return None
