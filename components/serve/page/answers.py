"""Everything the page shows of one integrand, in one answer."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from kserve.errors import InvalidInput

from intclass.components.integrate import parse_engines
from intclass.components.serve.config import ServeConfig
from intclass.components.serve.page.examples import PAIRS
from intclass.components.serve.page.words import likeness, outcome, solver_note
from intclass.components.serve.predictor import Predictor, Reply
from intclass.components.serve.solving import Solution
from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions import (
    DEFAULT_LIMITS,
    PREFIX_ARITY,
    Formula,
    formula,
    formula_trusted,
    sympy_text,
)
from intclass.components.shared.phrases import count

_KEYS: Final = ("integrand", "solve")
_LARGEST_TREE: Final = 150  # nodes; a larger one is no picture any more
_LONGEST_SET: Final = 2_000  # characters of an antiderivative that are set as mathematics; longer ones stay text


class Answers:
    """Asks the predictor as V1 does, and adds what people want to see."""

    def __init__(self, predictor: Predictor, config: ServeConfig) -> None:
        self._predictor, self._config = predictor, config
        self._limits = config.limits or DEFAULT_LIMITS
        self._thread = ThreadPoolExecutor(1, "typeset")  # off the event loop; needs no SymPy, so not in its thread
        self.about = _about(predictor, config)

    async def answer(self, payload: object, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """The status and content for `{"integrand": TEXT, "solve": BOOL}`.

        Raises InvalidInput for any other payload, and what the predictor raises.
        """
        if not isinstance(payload, dict) or not isinstance(payload.get("integrand"), str) or set(payload) - {*_KEYS}:
            raise InvalidInput('send {"integrand": "x*exp(x^2)", "solve": false}')
        asked = {"instances": [payload["integrand"]], "solve": payload.get("solve", False)}
        question = await self._predictor.preprocess(asked, headers)
        try:
            reply = await self._predictor.predict(question, headers)
        except InvalidInput as error:
            if not isinstance(error.__cause__, ExpressionError):
                raise
            return 400, {"error": str(error.__cause__), "position": error.__cause__.position}
        return 200, await asyncio.get_running_loop().run_in_executor(self._thread, self._shown, reply)

    def _shown(self, reply: Reply) -> dict[str, Any]:
        [answer], [reading] = reply.answers, reply.readings
        classifier = self._predictor.classifier
        written = formula(answer.integrand, limits=self._limits)
        words = reading.prefix.split()
        shown = {
            "integrand": answer.integrand,
            "integral": written.integral().mathml,
            "latex": written.latex,
            "sympy": sympy_text(answer.integrand, limits=self._limits),
            "canonical": answer.canonical,
            "tree": _tree(words),
            "label": answer.label,
            "probability": answer.probability,
            "record": dataclasses.asdict(likeness(answer.probability, classifier)),
        }
        return shown if answer.solution is None else shown | {"solution": _finding(answer.solution, answer.label)}


def _about(predictor: Predictor, config: ServeConfig) -> dict[str, Any]:
    classifier = predictor.classifier
    negative, positive = classifier.labels
    engines = parse_engines(config.engines) if config.solvers else ()
    return {
        "model": config.model_name,
        "target": classifier.target,
        "positive": positive,
        "negative": negative,
        "description": _description(classifier.description),
        "solver": {"available": bool(engines), "engines": engines, "note": solver_note(engines, config.solve_seconds)},
        "pairs": [
            {"text": pair.why, "members": [{"integrand": one, "mathml": formula(one).mathml} for one in pair.members]}
            for pair in PAIRS
        ],
    }


def _description(description: Mapping[str, Any]) -> str:
    trained = description["counts"].get("train_examples", 0)
    parameters = description["counts"].get("parameters", 0)
    return f"{description['base_model']}, {count(parameters)} parameters, trained on {count(trained)} functions"


def _tree(words: list[str]) -> dict[str, Any]:
    """The nodes in prefix order, each as its word and the number of its arguments; none if they are too many."""
    nodes: list[list[Any]] = []
    digits: list[str] | None = None
    for word in words:
        if word == "int":
            digits = []
        elif word == "end":
            nodes.append(["".join(digits or ()), 0])
            digits = None
        elif digits is not None:
            digits.append(word)
        else:
            nodes.append([word, PREFIX_ARITY.get(word, 0)])
    return {"size": len(nodes), "nodes": nodes if len(nodes) <= _LARGEST_TREE else []}


def _finding(solution: Solution, said: str) -> dict[str, Any]:
    return {
        "label": solution.label,
        "seconds": solution.seconds,
        "verified": solution.verified,
        "antiderivative": _antiderivative(solution),
        **dataclasses.asdict(outcome(solution, said)),
    }


def _antiderivative(solution: Solution) -> dict[str, str | None] | None:
    """The antiderivative that passed the check, in all notations; `mathml` and `latex` are None for a very long one."""
    text = solution.antiderivative
    if text is None or not solution.verified:
        return None
    written = _set(text)
    return {
        "mathml": written.plus_constant().mathml if written else None,
        "latex": written.latex if written else None,
        "sympy": text,
    }


def _set(text: str) -> Formula | None:
    try:
        return formula_trusted(text) if len(text) <= _LONGEST_SET else None
    except ExpressionError:
        return None
