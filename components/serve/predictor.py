"""The model behind the protocols."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

import kserve

from intclass.components.finetune import Classifier
from intclass.components.serve import metrics
from intclass.components.serve.batching import Batcher
from intclass.components.serve.config import ServeConfig
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
from intclass.components.serve.reading import Reader, Reading
from intclass.components.serve.solving import SolverDesk
from intclass.components.shared.expressions import DEFAULT_LIMITS

GOLDEN: Final = ("x*exp(x**2)", "exp(x**2)", "sin(x)/x", "1/(x**2 + 1)")
STALL_SECONDS: Final = 60.0
_LOGGED_FINGERPRINTS = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Question:
    """One request as read; `request` is None for V1, which has no envelope to answer in."""

    request: kserve.InferRequest | None
    asked: Asked
    readings: Sequence[Reading]


@dataclass(frozen=True)
class Reply:
    """A question and its answers."""

    question: Question
    answers: Sequence[Answer]


class Predictor(kserve.Model):  # type: ignore[misc] # the SDK is untyped
    """A fine-tuned classifier as a KServe model; `ready` only once it is loaded and has predicted."""

    def __init__(self, folder: str, config: ServeConfig) -> None:
        super().__init__(config.model_name)
        self._folder, self._config = folder, config
        self.desk = SolverDesk(config)
        self._reader = Reader(config.limits or DEFAULT_LIMITS)
        self._batcher: Batcher[str, float] = Batcher(
            self._probabilities, size=config.batch_size, executor=ThreadPoolExecutor(1, thread_name_prefix="predict")
        )

    def load(self) -> bool:
        """Load the classifier and run it at both ends of the batch size, so that the first client waits for nothing."""
        warm = [self._reader.read_one(text).prefix for text in GOLDEN]
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
        if self._batcher.standstill_seconds > STALL_SECONDS:
            return "a forward pass does not end"
        if self._reader.busy_seconds > STALL_SECONDS:
            return "the parser does not come back"
        return self.desk.broken

    def get_input_types(self) -> list[dict[str, Any]]:
        """The V2 input tensors."""
        return describe_inputs()

    def get_output_types(self) -> list[dict[str, Any]]:
        """The V2 output tensors."""
        return describe_outputs()

    async def preprocess(self, payload: Any, headers: Mapping[str, str] | None = None) -> Question:  # noqa: ANN401
        """The request's integrands, read; raises InvalidInput naming the instance that is no expression."""
        request = payload if isinstance(payload, kserve.InferRequest) else None
        most = self._config.max_instances
        asked = read_v1(payload, max_instances=most) if request is None else read_v2(request, max_instances=most)
        if asked.solve:
            self.desk.check(len(asked.integrands))
        readings = await self._reader.read(asked.integrands)
        marks = ",".join(reading.fingerprint for reading in readings[:_LOGGED_FINGERPRINTS])
        seen = f"instances={len(readings)} fingerprints={marks}"
        if not note(seen):  # over gRPC, which has no door of its own
            _log.info("id=%s %s", (headers or {}).get("x-request-id", "-"), seen)
        return Question(request, asked, readings)

    async def predict(self, question: Question, headers: Mapping[str, str] | None = None) -> Reply:
        """The likelier label and the positive one's probability for each integrand, and its solution if asked for."""
        readings = question.readings
        metrics.BATCH_WAITING.inc(len(readings))
        try:
            outcomes = await self._batcher.submit([reading.prefix for reading in readings])
        finally:
            metrics.BATCH_WAITING.dec(len(readings))
        answers = []
        for integrand, reading, outcome in zip(question.asked.integrands, readings, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            label = self._classifier.labels[outcome >= 0.5]
            metrics.PREDICTIONS.labels(label).inc()
            answers.append(Answer(integrand, reading.canonical, label, probability=outcome))
        return Reply(question, await self._solved(answers) if question.asked.solve else answers)

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

    def _probabilities(self, prefixes: list[str]) -> list[float]:
        metrics.BATCH_SIZE.observe(len(prefixes))
        probabilities: list[float] = self._classifier.predict_prefixes(prefixes).tolist()
        return probabilities
