"""Reading expressions beside the event loop, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kserve.errors import InvalidInput

from intclass.components.serve import metrics
from intclass.components.serve.batching import Batcher
from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions import Limits, canonical, canonical_text, fingerprint, parse, prefix_words

_PART = 8  # texts of one request that are read before others have their turn
_TURN = 32  # texts that are read at a time


@dataclass(frozen=True)
class Reading:
    """What is needed of an expression once it is read; `prefix` are prefix words joined by spaces."""

    canonical: str
    prefix: str
    fingerprint: str


class Reader:
    """Reads in one thread, because SymPy's assumptions are not made for several.

    What comes while the thread is busy is read together in its next turn. A long list goes in parts and lets others in
    between, so that one request cannot hold up the rest.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        thread = ThreadPoolExecutor(1, thread_name_prefix="read")
        self._batcher: Batcher[str, Reading | ExpressionError] = Batcher(
            lambda texts: [self._try(text) for text in texts], size=_TURN, executor=thread
        )

    @property
    def busy_seconds(self) -> float:
        """How long nothing has come back though something is to be read; 0.0 when there is nothing."""
        return self._batcher.standstill_seconds

    async def read(self, texts: Sequence[str]) -> list[Reading]:
        """One reading for each text; raises InvalidInput naming the first that is no expression, and why."""
        readings: list[Reading] = []
        for start in range(0, len(texts), _PART):
            for outcome in await self._batcher.submit(texts[start : start + _PART]):
                if isinstance(outcome, ExpressionError):
                    metrics.PARSE_FAILURES.inc()
                    raise InvalidInput(f"instance {len(readings)}: {outcome}") from outcome
                if isinstance(outcome, BaseException):
                    raise outcome
                readings.append(outcome)
        return readings

    def read_one(self, text: str) -> Reading:
        """The text, read in the caller's thread; raises ExpressionError if it is no expression."""
        expression = canonical(parse(text, limits=self._limits))
        prefix = " ".join(prefix_words(expression))
        return Reading(canonical_text(expression), prefix, fingerprint(expression))

    def _try(self, text: str) -> Reading | ExpressionError:
        try:
            return self.read_one(text)
        except ExpressionError as error:
            return error
