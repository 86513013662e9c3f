"""Engines: computer algebra systems that are asked for an antiderivative, one integrand at a time."""

from intclass.components.integrate.engines._base import Answer, Engine, Status
from intclass.components.integrate.engines._registry import EngineEntry, find_engine, is_available, parse_engines

__all__ = ["Answer", "Engine", "EngineEntry", "Status", "find_engine", "is_available", "parse_engines"]
