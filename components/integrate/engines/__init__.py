"""Engines: computer algebra systems that are asked for an antiderivative, one integrand at a time."""

from intclass.components.integrate.engines._base import Answer, Engine, Status

__all__ = ["Answer", "Engine", "Status"]
