"""Labels functions as elementary, nonelementary or unknown, each with its evidence.

The names are imported when they are first used: the process that forks workers imports modules of this package, and
must stay without what starts threads (pyarrow, NumPy).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from intclass.components.integrate.config import IntegrateConfig
    from intclass.components.integrate.engines import Answer, Engine, Status, parse_engines
    from intclass.components.integrate.labelling import integrate
    from intclass.components.integrate.solving import Solver, solve

__all__ = ["Answer", "Engine", "IntegrateConfig", "Solver", "Status", "integrate", "parse_engines", "solve"]

_HOMES = {
    "IntegrateConfig": "config",
    "integrate": "labelling",
    "Solver": "solving",
    "solve": "solving",
    **dict.fromkeys(("Answer", "Engine", "Status", "parse_engines"), "engines"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any of the names above
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
