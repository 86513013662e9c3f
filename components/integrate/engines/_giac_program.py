"""Where giac is: the system's program if there is one, else the one in the PyPI wheel `passagemath-giac`."""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from intclass.components.shared.errors import EngineUnavailableError

WHEEL: Final = "passagemath-giac"
HOW_TO_GET: Final = f"giac is not installed: `apt-get install giac` (Debian, Ubuntu) or `pip install --no-deps {WHEEL}`"


def find_program() -> str:
    """The path of the program; raises EngineUnavailableError, which says how to get one."""
    path = shutil.which("giac") or _wheel_program()
    if path is None:
        raise EngineUnavailableError(HOW_TO_GET)
    return path


def _wheel_program() -> str | None:
    try:
        path = Path(str(distribution(WHEEL).locate_file("sage_wheels/bin/giac")))
    except PackageNotFoundError:
        return None
    return str(path) if path.is_file() else None
