"""An engine that answers from a table, so that a plan can be led through every turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sympy import Expr

from intclass.components.integrate.engines import Answer, Engine, Status
from intclass.components.shared.errors import EngineUnavailableError
from intclass.components.shared.expressions import to_text


class ScriptedEngine(Engine):
    """Knows the antiderivatives in its table, right and wrong ones; finds nothing for anything else."""

    name = "scripted"
    TABLE: ClassVar[Mapping[str, str]] = {
        "2*x": "x**2",
        "3*x": "x**2",
        "exp(x**2)": "sqrt(pi)*erfi(x)/2",
        "sqrt(x**2)": "x**2/2",
        "cos(x)": "f(x)",
    }

    @property
    def version(self) -> str:
        return "scripted 1.0"

    def integrate(self, integrand: Expr, *, limit_seconds: float) -> Answer:
        found = self.TABLE.get(to_text(integrand))
        return Answer(
            engine=self.name,
            engine_version=self.version,
            status=Status.SOLVED if found else Status.UNEVALUATED,
            reason="looked up",
            seconds=0.001,
            antiderivative=found,
        )


def present() -> None:
    """Finds its program."""


def absent() -> None:
    """Does not find its program."""
    raise EngineUnavailableError("it is not installed")
