"""From texts to probabilities, beside the event loop: what arrives together is read and predicted in one go.

It is one thread that does both. SymPy's assumptions are not made for several, and a second thread of Python beside it
would have smaller batches and spend its time on taking the interpreter's lock away from the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kserve.errors import InvalidInput

from intclass.components.serve import metrics
from intclass.components.serve.batching import Batcher
from intclass.components.serve.reading import Reading, read_text
from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions import Limits

_PATIENCE_SECONDS = 0.005  # what a request under load may lose so that a forward pass has more of them
_PART = 16  # texts of one request that are answered before others have their turn


@dataclass(frozen=True)
class Estimate:
    """An expression as read, and the model's probability of its positive class."""

    reading: Reading
    probability: float


class Estimator:
    """Estimates for texts, at most `size` of them at a time.

    `predict` gives the probabilities (n,) for n readings' prefix words. What comes while it is busy goes together in
    its next turn. A long list goes in parts and lets others in between, so that one request cannot hold up the rest.
    """

    def __init__(self, predict: Callable[[list[str]], Sequence[float]], *, limits: Limits, size: int) -> None:
        self._predict, self._limits = predict, limits
        thread = ThreadPoolExecutor(1, thread_name_prefix="estimate")
        self._batcher: Batcher[str, Estimate | ExpressionError] = Batcher(
            self._estimate_all, size=size, executor=thread, patience=_PATIENCE_SECONDS
        )

    @property
    def standstill_seconds(self) -> float:
        """How long nothing has come back though something is asked; 0.0 when there is nothing."""
        return self._batcher.standstill_seconds

    async def estimate(self, texts: Sequence[str]) -> list[Estimate]:
        """One estimate for each text; raises InvalidInput naming the first that is no expression, and why."""
        estimates: list[Estimate] = []
        for start in range(0, len(texts), _PART):
            for outcome in await self._batcher.submit(texts[start : start + _PART]):
                if isinstance(outcome, ExpressionError):
                    metrics.PARSE_FAILURES.inc()
                    raise InvalidInput(f"instance {len(estimates)}: {outcome}") from outcome
                if isinstance(outcome, BaseException):
                    raise outcome
                estimates.append(outcome)
        return estimates

    def _estimate_all(self, texts: list[str]) -> list[Estimate | ExpressionError]:
        readings = [self._read(text) for text in texts]
        prefixes = [reading.prefix for reading in readings if isinstance(reading, Reading)]
        probabilities = iter(self._predict(prefixes) if prefixes else ())
        return [
            Estimate(reading, next(probabilities)) if isinstance(reading, Reading) else reading for reading in readings
        ]

    def _read(self, text: str) -> Reading | ExpressionError:
        try:
            return read_text(text, self._limits)
        except ExpressionError as error:
            return error
