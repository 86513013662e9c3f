"""Which samples become rows: the first index of each distinct function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa

from intclass.components.generate._blocks import Sample, Source
from intclass.components.generate._constants import Junk
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.expressions import digest
from intclass.components.shared.records import FUNCTIONS

# So many indices in a row without a new function mean that there are next to none left.
MAX_REPEATS: Final = 3000
KNOWN: Final = ("elementary", "nonelementary")


class Selection:
    """Takes samples in the order of their indices, from `start_index` on, until it has `wanted` distinct functions."""

    def __init__(self, *, source: Source, wanted: int, start_index: int) -> None:
        self.rows = self.duplicates = 0
        self._source, self._wanted = source, wanted
        self._next_index = start_index
        self._repeats = 0  # indices since the last new function
        self._refused: Counter[Junk] = Counter()
        self._drawn: Counter[str] = Counter()  # by family
        self._kept: Counter[str] = Counter()  # by family and by label
        self._known: set[str] = set()
        self._tables: list[pa.Table] = []

    @property
    def counts(self) -> dict[str, int]:
        """What became of everything drawn for the indices taken, and the index to go on from."""
        used = self.rows + self.duplicates
        return {
            "rows": self.rows,
            "drawn": used + self._refused.total(),
            "duplicates": self.duplicates,
            **{f"refused_{junk}": self._refused[junk] for junk in Junk},
            **{f"drawn_{family}": self._drawn[family] for family in self._source.families},
            **{f"rows_{family}": self._kept[family] for family in self._source.families},
            **{label: self._kept[label] for label in KNOWN},
            "next_index": self._next_index,
        }

    def table(self) -> pa.Table:
        """The rows, of schema records.FUNCTIONS."""
        return pa.concat_tables(self._tables)

    def take(self, samples: Iterable[Sample]) -> None:
        """Take from these what is new; raises ConfigError when nothing new has come for a long time."""
        rows = []
        for sample in samples:
            if sample.index < self._next_index or self.rows == self._wanted:
                continue
            self._next_index = sample.index + 1
            self._refused.update(sample.refused)
            self._drawn[sample.family] += 1 + len(sample.refused)
            fingerprint = digest(sample.text)
            if self._is_new(fingerprint):
                rows.append(self._row(sample, fingerprint))
                self._kept.update((sample.family, str(sample.label)))
        self._tables.append(FUNCTIONS.build(rows))

    def _is_new(self, fingerprint: str) -> bool:
        if fingerprint in self._known:
            self.duplicates += 1
            self._repeats += 1
            if self._repeats == MAX_REPEATS:
                raise self._exhausted()
            return False
        self._known.add(fingerprint)
        self.rows += 1
        self._repeats = 0
        return True

    def _row(self, sample: Sample, fingerprint: str) -> dict[str, Any]:
        name, seed = self._source.grammar.name, self._source.seed
        return {
            "id": f"{name}-{seed}-{sample.index:09}",
            "index": sample.index,
            "seed": seed,
            "grammar": name,
            "generator": sample.family,
            "internal_nodes": sample.internal_nodes,
            "integrand": sample.text,
            "canonical": sample.text,
            "fingerprint": fingerprint,
            "label": sample.label,
            "certificate": sample.certificate,
            "antiderivative": sample.antiderivative,
        }

    def _exhausted(self) -> ConfigError:
        low, high = self._source.internal_nodes
        return ConfigError(
            f"count {self._wanted}: grammar '{self._source.grammar.name}' with {low} to {high} internal nodes has few "
            f"functions: {self.rows} were found, and the last {MAX_REPEATS} samples brought no other; "
            f"ask for at most {self.rows}, or for more internal nodes"
        )
