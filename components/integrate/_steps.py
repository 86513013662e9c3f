"""What workers do: the steps of an engine, and the steps that read, check and prove."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from intclass.components.integrate._channel import Message
from intclass.components.integrate._elementary import nature
from intclass.components.integrate._verify import prove_equal, verify
from intclass.components.integrate.engines import Engine, Status
from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions import TRUSTED_LIMITS, canonical_text, fingerprint, parse, parse_trusted
from intclass.components.shared.theorems import prove_nonelementary

MAX_ANSWER_CHARACTERS: Final = TRUSTED_LIMITS.length


def _load(engine: str) -> Any:  # noqa: ANN401 - found by name
    module, _, name = engine.partition(":")
    return getattr(importlib.import_module(module), name)


class EngineSteps:
    """A worker that holds one engine."""

    def __init__(self, engine: str, arguments: Mapping[str, Any]) -> None:
        self._engine: Engine = _load(engine)(**arguments)

    @staticmethod
    def prepare(engine: str, arguments: Mapping[str, Any]) -> None:
        """Warm what the engine's workers share."""
        prepare = getattr(_load(engine), "prepare", None)
        if prepare is not None:
            prepare()

    def perform(self, payload: Message) -> Message:
        """The engine's version, or its answer to an integrand as a record."""
        if "integrand" not in payload:
            return {"version": self._engine.version}
        answer = self._engine.integrate(parse_trusted(payload["integrand"]), limit_seconds=payload["limit_seconds"])
        record = answer.record()
        length = len(answer.antiderivative or "")
        if length > MAX_ANSWER_CHARACTERS:
            reason = f"an antiderivative of {length} characters is over the limit of {MAX_ANSWER_CHARACTERS}"
            record |= {"status": Status.ERROR, "reason": reason, "antiderivative": None}
        return record


class CheckSteps:
    """A worker that reads integrands, checks antiderivatives and applies theorems."""

    def __init__(self) -> None:
        self._steps: Mapping[str, Callable[[Message], Message]] = {
            "read": _read,
            "verify": _verify,
            "classify": _classify,
            "prove_equal": _prove_equal,
            "prove_nonelementary": _prove_nonelementary,
        }

    def perform(self, payload: Message) -> Message:
        """The step that the payload names."""
        return self._steps[payload["step"]](payload)


def _read(payload: Message) -> Message:
    try:
        expression = parse(payload["integrand"])
        return {"canonical": canonical_text(expression), "fingerprint": fingerprint(expression)}
    except ExpressionError as error:
        return {"error": str(error)}


def _verify(payload: Message) -> Message:
    integrand, antiderivative = parse_trusted(payload["integrand"]), parse_trusted(payload["antiderivative"])
    verification = verify(integrand, antiderivative, seed=payload["integrand"])
    return {"verification": verification.record(), "nature": nature(antiderivative).record()}


def _classify(payload: Message) -> Message:
    return {"nature": nature(parse_trusted(payload["antiderivative"])).record()}


def _prove_equal(payload: Message) -> Message:
    integrand, antiderivative = parse_trusted(payload["integrand"]), parse_trusted(payload["antiderivative"])
    return {"verification": prove_equal(integrand, antiderivative).record()}


def _prove_nonelementary(payload: Message) -> Message:
    proof = prove_nonelementary(parse_trusted(payload["integrand"]))
    return {"proof": None if proof is None else str(proof)}
