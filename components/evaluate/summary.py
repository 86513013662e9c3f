"""The evaluation on one screen: as Markdown for a file or an issue, and as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.table import Table

from intclass.components.evaluate import story
from intclass.components.evaluate.bootstrap import Estimate
from intclass.components.evaluate.evaluation import Evaluation, Result
from intclass.components.evaluate.metrics import heading
from intclass.components.evaluate.phrases import percent_range
from intclass.components.shared.phrases import count, decimal, percent

COLUMNS: Final = ("accuracy", "balanced_accuracy", "auroc", "mcc", "brier", "ece")
TERMINAL_COLUMNS: Final = ("accuracy", "auroc", "brier", "ece")  # what fits 80 characters
_SHARES: Final = frozenset({"accuracy", "balanced_accuracy"})


def render_summary(evaluation: Evaluation) -> str:
    """`summary.md`: the headline, what is behind it, and the table of the model and the baselines."""
    header = ["Classifier", *(heading(name) for name in COLUMNS)]
    lines = [
        f"# {story.headline(evaluation)}",
        "",
        " ".join(story.standfirst(evaluation)),
        "",
        story.against_baselines(evaluation),
        "",
        _line(header),
        _line(["---", *["---:"] * len(COLUMNS)]),
        *(_line(_cells(result, COLUMNS)) for result in [evaluation.model, *evaluation.baselines]),
        "",
        (
            f"{count(evaluation.train_examples)} training and {count(evaluation.test_examples)} test examples; target "
            f"`{evaluation.target}`; in brackets 95 % bootstrap intervals."
        ),
    ]
    return "\n".join([*lines, *_held_out(evaluation), *_gate(evaluation)]) + "\n"


def _gate(evaluation: Evaluation) -> list[str]:
    """Whether the model may be deployed, in a line of its own."""
    return ["", f"Gate: {evaluation.gate.reason}."] if evaluation.gate else []


def _held_out(evaluation: Evaluation) -> list[str]:
    """The further test splits, one a row; nothing where there are none."""
    if not evaluation.held_out:
        return []
    model, rival = evaluation.model, evaluation.best_baseline
    header = ["Held-out test split", "examples", "larger class", "accuracy", "AUROC", f"{rival.title}: accuracy"]
    rows = [
        [
            f"`{each.split}`",
            count(each.examples),
            percent(each.majority_share),
            _estimate(each.metrics[model.name]["accuracy"], "accuracy"),
            _estimate(each.metrics[model.name]["auroc"], "auroc"),
            _estimate(each.metrics[rival.name]["accuracy"], "accuracy"),
        ]
        for each in evaluation.held_out
    ]
    return ["", _line(header), _line(["---", *["---:"] * (len(header) - 1)]), *map(_line, rows)]


def summary_table(evaluation: Evaluation) -> Table:
    """The table of the model and the baselines, for a terminal."""
    table = Table(title=story.headline(evaluation), title_justify="left", caption=story.against_baselines(evaluation))
    table.caption_justify = "left"
    table.add_column("Classifier", no_wrap=True)
    for name in TERMINAL_COLUMNS:
        table.add_column(heading(name), justify="right", no_wrap=True)
    table.add_row(*_cells(evaluation.model, TERMINAL_COLUMNS), style="bold", end_section=True)
    for baseline in sorted(evaluation.baselines, key=lambda result: -result.metrics["accuracy"].value):
        table.add_row(*_cells(baseline, TERMINAL_COLUMNS))
    return table


def _cells(result: Result, columns: Sequence[str]) -> list[str]:
    return [result.title, *(_cell(result, name) for name in columns)]


def _cell(result: Result, metric: str) -> str:
    return _estimate(result.metrics[metric], metric)


def _estimate(estimate: Estimate, metric: str) -> str:
    text = percent(estimate.value) if metric in _SHARES else decimal(estimate.value)
    return f"{text} ({percent_range(estimate)})" if metric == "accuracy" else text


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
