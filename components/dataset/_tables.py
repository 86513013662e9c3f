"""The data card's tables, in Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from intclass.components.dataset._split import Balance
from intclass.components.shared.records import LABELS

MOST_REASONS: Final = 12  # of each label
NODE_BINS: Final = ((1, 4), (5, 9), (10, 14), (15, 19), (20, 29), (30, 49), (50, None))


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; numbers are set to the right."""
    body = [list(row) for row in rows]
    numeric = [bool(body) and all(isinstance(row[column], int) for row in body) for column in range(len(header))]
    lines = [header, ["---:" if right else "---" for right in numeric], *body]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else " ".join(str(value).split()).replace("|", "\\|")


def outcomes_by(outcomes: pa.Table, *columns: str) -> str:
    """How many rows have which label, for each combination of values in these columns."""
    keys = list(zip(*(outcomes[column].to_pylist() for column in columns), strict=True))
    counts = Counter(zip(keys, outcomes["label"].to_pylist(), strict=True))
    order = sorted(set(keys), key=lambda key: [(value is None, value) for value in key])
    rows = ([*map(_given, key), *(counts[key, label] for label in LABELS)] for key in order)
    return table([*(column.replace("_", " ") for column in columns), *LABELS], rows)


def _given(value: object) -> str:
    return "(not given)" if value is None else str(value)


def reasons(outcomes: pa.Table) -> str:
    """The commonest reasons of each label, what is measured or quoted in them left out."""
    pairs = zip(outcomes["label"].to_pylist(), map(kind_of_reason, outcomes["reason"].to_pylist()), strict=True)
    counts = Counter(pairs)
    rows: list[list[object]] = []
    for label in LABELS:
        of_label = sorted((-count, reason) for (of, reason), count in counts.items() if of == label)
        rows += [[label, reason, -count] for count, reason in of_label[:MOST_REASONS]]
        rest = -sum(count for count, _ in of_label[MOST_REASONS:])
        rows += [[label, "(other reasons)", rest]] if rest else []
    return table(["label", "reason", "rows"], rows)


def kind_of_reason(reason: str) -> str:
    """The reason without what is measured or quoted in it."""
    kind = reason.partition(":")[0] if reason.startswith("unparsable") else reason
    return re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "N", re.sub(r"'[^']*'", "'...'", kind))


def engines(outcomes: pa.Table) -> str:
    """What each engine answered, and how long that took."""
    answers = pc.list_flatten(outcomes["answers"].combine_chunks())
    keys = ["engine", "engine_version", "status"]
    columns = {name: answers.field(name) for name in [*keys, "seconds"]}
    grouped = pa.table(columns).group_by(keys, use_threads=False).aggregate([("seconds", "count"), ("seconds", "sum")])
    rows = sorted(([row[key] for key in keys], row["seconds_count"], row["seconds_sum"]) for row in grouped.to_pylist())
    body = ([*names, count, f"{seconds:.1f}"] for names, count, seconds in rows)
    return table(["engine", "version", "status", "answers", "seconds in all"], body)


def splits(balance: Balance) -> str:
    """Examples of each class in each split."""
    negative, positive = next(iter(balance.values()))
    rows = []
    for split, classes in balance.items():
        total = sum(classes.values())
        rows.append([split, total, *classes.values(), f"{100 * classes[positive] / total:.1f} %"])
    return table(["split", "examples", f"`0` {negative}", f"`1` {positive}", f"share {positive}"], rows)


def sizes(examples: pa.Table, class_names: Sequence[str]) -> str:
    """Examples of each class by the number of nodes."""
    bins = [node_bin(nodes) for nodes in examples["num_nodes"].to_pylist()]
    counts = Counter(zip(bins, examples["label"].to_pylist(), strict=True))
    rows = ([node_bin_name(number), counts[number, 0], counts[number, 1]] for number in sorted(set(bins)))
    return table(["nodes", *class_names], rows)


def node_bin(nodes: int) -> int:
    """The place of this size in NODE_BINS."""
    return next(number for number, (_, most) in enumerate(NODE_BINS) if most is None or nodes <= most)


def node_bin_name(number: int) -> str:
    """The sizes of a bin in words: `5 to 9`."""
    least, most = NODE_BINS[number]
    return f"{least} or more" if most is None else f"{least} to {most}"


def settings(configs: Iterable[dict[str, Any]]) -> str:
    """What `integrate` was told, one row for each different set of options; empty if nothing is known."""
    names = ("engines", "limit_seconds", "memory_mb")
    found = Counter(tuple(_setting(config.get(name)) for name in names) for config in configs)
    rows = [[*values, count] for values, count in sorted(found.items())]
    return table(["engines", "limit in seconds", "memory in MB", "outcome tables"], rows) if rows else ""


def _setting(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else _given(value)
