"""Reading expressions beside the event loop, in slices of time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kserve.errors import InvalidInput

from intclass.components.serve import metrics
from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions import Limits, canonical, canonical_text, fingerprint, parse, prefix_words

_SLICE_SECONDS = 0.005


@dataclass(frozen=True)
class Reading:
    """What is needed of an expression once it is read; `prefix` are prefix words joined by spaces."""

    canonical: str
    prefix: str
    fingerprint: str


class Reader:
    """Reads in one thread, because SymPy's assumptions are not made for several."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read")
        self._started: float | None = None

    @property
    def busy_seconds(self) -> float:
        """How long the present slice has been running; 0.0 when there is none."""
        started = self._started
        return 0.0 if started is None else time.monotonic() - started

    async def read(self, texts: Sequence[str]) -> list[Reading]:
        """One reading for each text; raises InvalidInput naming the first that is no expression, and why.

        A long list lets others in between, so that one request cannot hold up the rest.
        """
        readings: list[Reading] = []
        loop = asyncio.get_running_loop()
        while len(readings) < len(texts):
            readings += await loop.run_in_executor(self._thread, self.read_slice, texts, len(readings))
        return readings

    def read_slice(self, texts: Sequence[str], start: int = 0) -> list[Reading]:
        """As many readings, from `start` on, as a slice of time holds; at least one."""
        self._started = time.monotonic()
        try:
            return self._read_until(self._started + _SLICE_SECONDS, texts, start)
        finally:
            self._started = None

    def _read_until(self, end: float, texts: Sequence[str], start: int) -> list[Reading]:
        readings: list[Reading] = []
        for number in range(start, len(texts)):
            try:
                expression = canonical(parse(texts[number], limits=self._limits))
                prefix = " ".join(prefix_words(expression))
            except ExpressionError as error:
                metrics.PARSE_FAILURES.inc()
                raise InvalidInput(f"instance {number}: {error}") from error
            readings.append(Reading(canonical_text(expression), prefix, fingerprint(expression)))
            if time.monotonic() > end:
                break
        return readings
