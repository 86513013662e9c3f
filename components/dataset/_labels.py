"""From three-valued outcomes to the two classes of a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intclass.components.dataset.config import DatasetConfig
from intclass.components.shared.errors import ConfigError

NO_LABEL: Final = -1

Labels = np.ndarray[tuple[int], np.dtype[np.int8]]


def labels(outcomes: pa.Table, config: DatasetConfig) -> Labels:
    """1, 0 or NO_LABEL for each row, int8, shape (rows,)."""
    return _elementary(outcomes) if config.target == "elementary" else _solved(outcomes, config.solved_within_seconds)


def _elementary(outcomes: pa.Table) -> Labels:
    label = outcomes["label"].to_numpy()
    return np.select([label == "elementary", label == "nonelementary"], [1, 0], NO_LABEL).astype(np.int8)


def _solved(outcomes: pa.Table, seconds: float) -> Labels:
    """The blog's own target: 1 where SymPy gave a closed form in time, 0 where it was asked and did not."""
    answers = outcomes["answers"].combine_chunks()
    row, answer = pc.list_parent_indices(answers), pc.list_flatten(answers)
    asked = pc.equal(answer.field("engine"), "sympy")
    in_time = pc.less_equal(answer.field("seconds"), seconds)
    solved = pc.and_(pc.and_(asked, pc.equal(answer.field("status"), "solved")), in_time)
    result: Labels = np.full(len(outcomes), NO_LABEL, np.int8)
    result[row.filter(asked).to_numpy()] = 0
    result[row.filter(solved).to_numpy()] = 1
    return result


def check_limit(config: DatasetConfig, limit_seconds: float | None) -> None:
    """Raise ConfigError if SymPy was stopped before the time within which the target wants it to solve."""
    if config.target == "solved" and limit_seconds is not None and config.solved_within_seconds > limit_seconds:
        raise ConfigError(
            f"solved_within_seconds is {config.solved_within_seconds:g}, but SymPy was stopped after {limit_seconds:g} "
            f"seconds: give at most {limit_seconds:g}, or integrate again with a longer limit"
        )


_UNLABELLED: Final[Mapping[str, str]] = {"elementary": "unknown", "solved": "sympy_not_asked"}
_WAYS_OUT: Final[Mapping[str, str]] = {
    "nonelementary": "SymPy alone proves none; use --target solved, or integrate with --engines fricas,sympy",
    "elementary": "integrate more functions, smaller functions, or with a longer limit",
    "unsolved": "use a shorter --solved-within, or integrate more functions",
    "solved": "use a longer --solved-within (SymPy's limit at most), or integrate more functions",
}


def drop_unlabelled(outcomes: pa.Table, config: DatasetConfig) -> tuple[pa.Table, dict[str, int]]:
    """The rows that have a label of the target, in a column `class`, and how many have none, by reason.

    Raises ConfigError, naming the class, what there is instead and the way out, if no row is of one class.
    """
    found = labels(outcomes, config)
    for label, name in enumerate(config.class_names):
        if label not in found:
            raise ConfigError(f"no row is '{name}' (outcomes: {_kinds(outcomes)}): {_WAYS_OUT[name]}")
    parsed = pc.is_valid(outcomes["fingerprint"]).to_numpy()
    labelled = found != NO_LABEL
    dropped = {"unparsable": int((~parsed).sum()), _UNLABELLED[config.target]: int((parsed & ~labelled).sum())}
    rows = outcomes.append_column("class", pa.array(found))
    return rows.filter(pa.array(parsed & labelled)), dropped


def _kinds(outcomes: pa.Table) -> str:
    counts = {item["values"]: item["counts"] for item in pc.value_counts(outcomes["label"]).to_pylist()}
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())) or "none"
