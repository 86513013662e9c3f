"""Labels functions as elementary, nonelementary or unknown, each with its evidence."""

from intclass.components.integrate.config import IntegrateConfig
from intclass.components.integrate.engines import Answer, Engine, Status, parse_engines
from intclass.components.integrate.labelling import integrate
from intclass.components.integrate.solving import Solver, solve

__all__ = ["Answer", "Engine", "IntegrateConfig", "Solver", "Status", "integrate", "parse_engines", "solve"]
