"""The model behind the protocols."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import kserve

from intclass.components.finetune import Classifier
from intclass.components.serve import metrics
from intclass.components.serve.config import ServeConfig
from intclass.components.serve.estimating import Estimator
from intclass.components.serve.gate import note
from intclass.components.serve.loading import load_classifier
from intclass.components.serve.protocol import (
    Answer,
    Asked,
    describe_inputs,
    describe_outputs,
    read_v1,
    read_v2,
    write_v1,
    write_v2,
)
from intclass.components.serve.reading import Reading, read_text
from intclass.components.serve.solving import SolverDesk
from intclass.components.shared.expressions import DEFAULT_LIMITS

GOLDEN: Final = ("x*exp(x**2)", "exp(x**2)", "sin(x)/x", "1/(x**2 + 1)")
STALL_SECONDS: Final = 60.0
_LOGGED_FINGERPRINTS = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Question:
    """One request as decoded; `request` is None for V1, which has no envelope to answer in."""

    request: kserve.InferRequest | None
    asked: Asked


@dataclass(frozen=True)
class Reply:
    """A question, its integrands as read, and its answers."""

    question: Question
    readings: Sequence[Reading]
    answers: Sequence[Answer]


class Predictor(kserve.Model):  # type: ignore[misc] # the SDK is untyped
    """A fine-tuned classifier as a KServe model; `ready` only once it is loaded and has predicted."""

    def __init__(self, folder: str, config: ServeConfig) -> None:
        super().__init__(config.model_name)
        self._folder, self._config = folder, config
        self._limits = config.limits or DEFAULT_LIMITS
        self.desk = SolverDesk(config)
        self._estimator = Estimator(self.probabilities, limits=self._limits, size=config.batch_size)

    def load(self) -> bool:
        """Load the classifier and run it at both ends of the batch size, so that the first client waits for nothing."""
        warm = [read_text(text, self._limits).prefix for text in GOLDEN]
        self._classifier = load_classifier(self._folder, self._config, warm)
        for size in (1, self._config.batch_size):
            self._classifier.predict_prefixes((warm * size)[:size])
        self.ready = True
        return self.ready

    @property
    def classifier(self) -> Classifier:
        """The model itself; there is one once it is loaded."""
        return self._classifier

    @property
    def broken(self) -> str | None:
        """Why only a restart can help, or None: predictions stand still, or the solvers are out of order."""
        if self._estimator.standstill_seconds > STALL_SECONDS:
            return "the parser or a forward pass does not come back"
        return self.desk.broken

    def get_input_types(self) -> list[dict[str, Any]]:
        """The V2 input tensors."""
        return describe_inputs()

    def get_output_types(self) -> list[dict[str, Any]]:
        """The V2 output tensors."""
        return describe_outputs()

    async def preprocess(self, payload: Any, headers: Mapping[str, str] | None = None) -> Question:  # noqa: ANN401
        """What the request asks; raises InvalidInput if it is not to be had."""
        request = payload if isinstance(payload, kserve.InferRequest) else None
        most = self._config.max_instances
        asked = read_v1(payload, max_instances=most) if request is None else read_v2(request, max_instances=most)
        if asked.solve:
            self.desk.check(len(asked.integrands))
        return Question(request, asked)

    async def predict(self, question: Question, headers: Mapping[str, str] | None = None) -> Reply:
        """The likelier label and the positive one's probability for each integrand, and its solution if asked for.

        Raises InvalidInput naming the instance that is no expression.
        """
        integrands = question.asked.integrands
        metrics.BATCH_WAITING.inc(len(integrands))
        try:
            estimates = await self._estimator.estimate(integrands)
        finally:
            metrics.BATCH_WAITING.dec(len(integrands))
        readings = [estimate.reading for estimate in estimates]
        _take_down(readings, headers or {})
        answers = []
        for integrand, estimate in zip(integrands, estimates, strict=True):
            label = self._classifier.labels[estimate.probability >= 0.5]
            metrics.PREDICTIONS.labels(label).inc()
            answers.append(Answer(integrand, estimate.reading.canonical, label, estimate.probability))
        return Reply(question, readings, await self._solved(answers) if question.asked.solve else answers)

    async def _solved(self, answers: Sequence[Answer]) -> list[Answer]:
        solutions = await self.desk.solve([answer.canonical for answer in answers])
        for answer, solution in zip(answers, solutions, strict=True):
            if self._classifier.target == "elementary" and solution.label != "unknown":
                metrics.AGREEMENTS.labels(str(answer.label == solution.label).lower()).inc()
        return [replace(answer, solution=solution) for answer, solution in zip(answers, solutions, strict=True)]

    async def postprocess(self, reply: Reply, headers: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401
        """The answers in the protocol that asked."""
        request = reply.question.request
        return write_v1(reply.answers) if request is None else write_v2(reply.answers, request)

    def probabilities(self, prefixes: list[str]) -> list[float]:
        """The model's probabilities (n,) for the prefix words of n expressions, in one forward pass or a few."""
        metrics.BATCH_SIZE.observe(len(prefixes))
        probabilities: list[float] = self._classifier.predict_prefixes(prefixes).tolist()
        return probabilities


def _take_down(readings: Sequence[Reading], headers: Mapping[str, str]) -> None:
    """Write into the log which expressions came, never how they were written."""
    marks = ",".join(reading.fingerprint for reading in readings[:_LOGGED_FINGERPRINTS])
    seen = f"instances={len(readings)} fingerprints={marks}"
    if not note(seen):  # over gRPC, which has no door of its own
        _log.info("id=%s %s", headers.get("x-request-id", "-"), seen)
