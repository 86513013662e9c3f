"""The report's pictures, each one inline SVG element."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from intclass.components.dataset._split import Balance
from intclass.components.dataset._tables import node_bin, node_bin_name
from intclass.components.shared.charts import Bar, Part, Series, column_chart, log_histogram, row_chart
from intclass.components.shared.phrases import count
from intclass.components.shared.records import LABELS

KINDS: Final[Mapping[str, str]] = {"elementary": "positive", "nonelementary": "negative", "unknown": "unknown"}
MAX_ROWS: Final = 14
SECONDS: Final = "seconds of wall time"

# How an answer ended, in three kinds that a histogram can tell apart.
ENDINGS: Final[Mapping[str, str]] = {"solved": "positive", "unevaluated": "negative"}


def outcomes_by_size(outcomes: pa.Table) -> str:
    """What became of the functions of each size as drawn."""
    sized = outcomes.filter(pc.is_valid(outcomes["internal_nodes"]))
    counts = Counter(zip(sized["internal_nodes"].to_pylist(), sized["label"].to_pylist(), strict=True))
    bars = [_of_labels(str(size), counts, size) for size in sorted({size for size, _ in counts})]
    return column_chart("Outcomes by size", bars, label="operators, as drawn")


def outcomes_by_origin(outcomes: pa.Table) -> str:
    """What became of the functions of each generator and grammar, the largest group on top."""
    keys = zip(outcomes["generator"].to_pylist(), outcomes["grammar"].to_pylist(), strict=True)
    origins = [generator if grammar is None else f"{generator}, {grammar}" for generator, grammar in keys]
    totals = Counter(origins)
    counts = Counter(zip(origins, outcomes["label"].to_pylist(), strict=True))
    order = sorted(totals, key=lambda origin: (-totals[origin], origin))[:MAX_ROWS]
    bars = [_of_labels(origin, counts, origin, note=count(totals[origin])) for origin in order]
    return row_chart("Outcomes by generator and grammar", bars)


def _of_labels(label: str, counts: Mapping[tuple[Any, str], int], key: object, *, note: str = "") -> Bar:
    parts = [Part(number=counts.get((key, name), 0), kind=KINDS[name], what=name) for name in LABELS]
    return Bar(label=label, parts=[part for part in parts if part.number], note=note)


def classes_by_split(balance: Balance) -> str:
    """The classes of each split; a split that is asked for is never empty."""
    bars = [
        _of_classes(split.replace("_", " held out by ", 1), classes, note=count(sum(classes.values())))
        for split, classes in balance.items()
    ]
    return row_chart("Classes by split", bars)


def classes_by_size(examples: pa.Table, class_names: Sequence[str]) -> str:
    """The classes of each size of the canonical tree."""
    bins = [node_bin(nodes) for nodes in examples["num_nodes"].to_pylist()]
    counts = Counter(zip(bins, examples["label"].to_pylist(), strict=True))
    bars = [
        _of_classes(
            node_bin_name(number).replace(" to ", "\N{EN DASH}").replace(" or more", "+"),
            {name: counts[number, label] for label, name in enumerate(class_names)},
        )
        for number in sorted(set(bins))
    ]
    return column_chart("Classes by size", bars, label="nodes of the canonical tree")


def _of_classes(label: str, classes: Mapping[str, int], *, note: str = "") -> Bar:
    negative, positive = classes
    parts = [
        Part(number=classes[positive], kind="positive", what=positive),
        Part(number=classes[negative], kind="negative", what=negative),
    ]
    return Bar(label=label, parts=[part for part in parts if part.number], note=note)


def seconds_by_outcome(asked: pa.Table) -> str:
    """How long all engines and checks took together, for each outcome."""
    label, seconds = asked["label"], asked["seconds"]
    series = [
        Series(values=seconds.filter(pc.equal(label, name)).to_pylist(), kind=kind, what=name)
        for name, kind in KINDS.items()
    ]
    return log_histogram("Seconds by outcome", series, label=SECONDS)


def seconds_by_engine(answers: pa.StructArray, engine: str) -> str:
    """How long one engine took, by how its answer ended."""
    status, seconds = answers.field("status"), answers.field("seconds")
    others = pc.invert(pc.is_in(status, pa.array(list(ENDINGS))))
    masks: Iterable[tuple[str, str, Any]] = (
        *((name, kind, pc.equal(status, name)) for name, kind in ENDINGS.items()),
        ("no answer", "unknown", others),
    )
    series = [Series(values=seconds.filter(mask).to_pylist(), kind=kind, what=what) for what, kind, mask in masks]
    return log_histogram(f"Seconds of {engine}", series, label=SECONDS)
