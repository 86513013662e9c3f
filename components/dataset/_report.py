"""The report: the dataset in pictures, one HTML file beside the data card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from intclass.components.dataset import _figures as figures
from intclass.components.dataset import _story as story
from intclass.components.dataset._agreement import STATUSES, THEOREMS, Disagreement, Pair, disagreements, pairs
from intclass.components.dataset._card import Facts, command
from intclass.components.dataset._card_text import DROPPED
from intclass.components.dataset._tables import kind_of_reason
from intclass.components.shared.manifest import program_version
from intclass.components.shared.page import page_environment, picture
from intclass.components.shared.phrases import count, percent

REPORT_NAME: Final = "report.html"
MAX_REASONS: Final = 10
MAX_DISAGREEMENTS: Final = 100

Counts = Mapping[tuple[str, str], int]


def render_report(facts: Facts) -> str:
    """The page; the same facts give the same text."""
    outcomes, config = facts.source.table, facts.config
    asked = outcomes.filter(pc.greater(pc.list_value_length(outcomes["answers"]), 0))
    found = disagreements(outcomes)
    negative, positive = config.class_names
    return (
        page_environment("intclass.components.dataset")
        .get_template("report.html.j2")
        .render(
            target=config.target,
            negative=negative,
            positive=positive,
            headline=story.headline(facts),
            standfirst=story.standfirst(facts, found),
            key_numbers=story.key_numbers(facts),
            findings=story.findings(facts, asked, found),
            split_sentence=story.split_sentence(facts),
            outcomes=count(len(outcomes)),
            examples=count(len(facts.examples)),
            charts=_charts(facts, asked),
            engines=_engines(asked),
            evidence=_reasons(facts.examples["outcome"].to_pylist(), facts.examples["reason"].to_pylist()),
            unknown=_unknown(outcomes),
            flow=_flow(facts),
            agreement=[_matrix(pair) for pair in pairs(outcomes)],
            disagreements=[_disagreement(each) for each in found[:MAX_DISAGREEMENTS]],
            command=command(config),
            provenance=_provenance(facts),
            program=program_version(),
        )
    )


def _charts(facts: Facts, asked: pa.Table) -> dict[str, Any]:
    outcomes, class_names = facts.source.table, facts.config.class_names
    return {
        "origins": picture(figures.outcomes_by_origin(outcomes)),
        "sizes": picture(figures.outcomes_by_size(asked))
        if pc.any(pc.is_valid(asked["internal_nodes"])).as_py()
        else "",
        "splits": picture(figures.classes_by_split(facts.balance)),
        "nodes": picture(figures.classes_by_size(facts.examples, class_names)),
        "seconds": picture(figures.seconds_by_outcome(asked)) if len(asked) else "",
    }


def _engines(asked: pa.Table) -> list[dict[str, Any]]:
    """A histogram for each engine, the one that was asked most first."""
    answers = pc.list_flatten(asked["answers"].combine_chunks())
    totals = Counter(engine for engine in answers.field("engine").to_pylist() if engine != THEOREMS)
    return [
        {
            "finding": story.speed(engine, answers.filter(pc.equal(answers.field("engine"), engine))),
            "picture": picture(
                figures.seconds_by_engine(answers.filter(pc.equal(answers.field("engine"), engine)), engine)
            ),
        }
        for engine in sorted(totals, key=lambda engine: (-totals[engine], engine))
    ]


def _unknown(outcomes: pa.Table) -> list[dict[str, Any]]:
    """Why nothing is known, by what the first engine came to: each engine's reason ends at a semicolon."""
    unknown = outcomes.filter(pc.equal(outcomes["label"], "unknown"))
    return _reasons(unknown["label"].to_pylist(), [text.partition("; ")[0] for text in unknown["reason"].to_pylist()])


def _reasons(labels: Sequence[str], reasons: Sequence[str]) -> list[dict[str, Any]]:
    """The commonest reasons, and how many have another."""
    kinds = zip(labels, map(kind_of_reason, reasons), strict=True)
    counts = sorted(Counter(kinds).items(), key=lambda item: (-item[1], item[0]))
    rows = [
        _bar_row(reason, number, kind=figures.KINDS[label], detail=label if label != "unknown" else "")
        for (label, reason), number in counts[:MAX_REASONS]
    ]
    rest = counts[MAX_REASONS:]
    if rest:
        rows.append(_bar_row(f"{len(rest)} other reasons", sum(number for _, number in rest)))
    return _weighted(rows)


def _bar_row(name: str, number: int, *, kind: str = "unknown", detail: str = "") -> dict[str, Any]:
    return {"name": name, "detail": detail, "kind": kind, "count": number, "number": count(number)}


def _weighted(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    largest = max((row["count"] for row in rows), default=1) or 1
    return [row | {"weight": f"{row['count'] / largest:.3f}"} for row in rows]


def _flow(facts: Facts) -> list[dict[str, Any]]:
    rows = [_bar_row("outcomes read", len(facts.source.table))]
    rows += [_bar_row(f"dropped: {DROPPED[rule]}", number) for rule, number in facts.dropped.items() if number]
    return _weighted([*rows, _bar_row("examples", len(facts.examples), kind="positive")])


def _matrix(pair: Pair) -> dict[str, Any]:
    """The table of a pair: only statuses that occur, and each cell's share of all functions."""
    rows, columns = (
        [status for status in STATUSES if any(each[side] == status for each in pair.counts)] for side in (0, 1)
    )

    def cell(row: str, column: str) -> dict[str, str]:
        number = pair.counts.get((row, column), 0)
        return {"number": count(number) if number else "", "share": f"{number / pair.functions:.3f}"}

    return {
        "first": pair.first,
        "second": pair.second,
        "functions": count(pair.functions),
        "columns": columns,
        "rows": [{"name": row, "cells": [cell(row, column) for column in columns]} for row in rows],
    }


def _disagreement(each: Disagreement) -> dict[str, str]:
    answers = ", ".join(f"{engine}: {status}" for engine, status in each.statuses.items())
    return {"integrand": each.integrand, "answers": answers, "right": each.right, "reason": each.reason}


def _provenance(facts: Facts) -> list[tuple[str, str]]:
    configs = facts.source.configs
    rows = [("outcome tables read", count(len(facts.source.inputs)))]
    for name in ("engines", "limit_seconds", "memory_mb"):
        found = sorted({_setting(config[name]) for config in configs if name in config})
        rows += [(name.replace("_", " "), "; ".join(found))] if found else []
    versions = pc.unique(pc.list_flatten(facts.source.table["answers"].combine_chunks()).field("engine_version"))
    rows += [("engine versions", ", ".join(sorted(versions.to_pylist())) or "no engine was asked")]
    rows += [("share of examples in train", percent(_share_of_train(facts)))]
    return rows


def _share_of_train(facts: Facts) -> float:
    return sum(facts.balance["train"].values()) / len(facts.examples)


def _setting(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
