"""The table of models and baselines as Markdown, for the docs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from intclass.components.evaluate.metrics import heading
from intclass.components.evaluate.model_table import PAIRS, Line, ModelTable, Spread
from intclass.components.shared.manifest import program_version
from intclass.components.shared.phrases import UNDEFINED, count, p_value

COLUMNS: Final = ("accuracy", "balanced_accuracy", "auroc", "auprc", "auprc_negative", "mcc", "brier", "ece")
COVERED: Final = ("accuracy_at_80", "accuracy_at_90", "accuracy_at_95")
_SHARES: Final = frozenset({"accuracy", "balanced_accuracy", *COVERED})


def render_table(table: ModelTable) -> str:
    """The whole page: the random test split, the further ones with the pairs, and who is better than whom."""
    lines = [*table.models, *table.baselines]
    further = [*table.splits, *([PAIRS] if PAIRS in lines[0].accuracies else [])]
    parts = [
        "# Models and baselines",
        (
            f"Target `{table.target}`; {count(table.train_examples)} training and {count(table.test_examples)} test "
            f"functions of the dataset `{table.dataset}`; {program_version()}. A number is the mean over the seeds "
            "with their standard deviation; ↓: lower is better."
        ),
        _markdown(
            ["classifier", "parameters", "seeds", *(heading(name) for name in COLUMNS)],
            ([*_head(line), *(_cell(line.metrics[name], share=name in _SHARES) for name in COLUMNS)] for line in lines),
        ),
        "Accuracy when only the surest share of the answers is given:",
        _markdown(
            ["classifier", "80 %", "90 %", "95 %"],
            ([line.title, *(_cell(line.metrics[name], share=True) for name in COVERED)] for line in lines),
        ),
    ]
    if further:
        parts += [
            "Accuracy on functions unlike those of training, and share of minimal pairs with both answers right:",
            _markdown(
                ["classifier", *(f"`{name}`" for name in further)],
                ([line.title, *(_cell(line.accuracies[name], share=True) for name in further)] for line in lines),
            ),
        ]
    parts += [
        "Test functions that the line alone gets right : those that the column alone does, and McNemar's p-value:",
        _markdown(
            ["", *(line.title for line in _rivals(table))],
            ([line.title, *(_contest(line, rival) for rival in _rivals(table))] for line in table.models),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _rivals(table: ModelTable) -> list[Line]:
    """The other models, and the best baseline."""
    return [*table.models, table.baselines[0]]


def _contest(line: Line, rival: Line) -> str:
    if line is rival:
        return ""
    test = rival.beaten_by(line)
    return f"{count(test.only_first)} : {count(test.only_second)}, {p_value(test.p_value)}"


def _head(line: Line) -> list[str]:
    return [line.title, UNDEFINED if line.parameters is None else count(line.parameters), str(line.seeds)]


def _cell(spread: Spread, *, share: bool) -> str:
    """`93.1 ± 0.2 %`, or `0.978 ± 0.001`; nothing behind ± where there is one seed."""
    if math.isnan(spread.mean):
        return UNDEFINED
    scale, digits, unit = (100, 1, "\N{NO-BREAK SPACE}%") if share else (1, 3, "")
    deviation = "" if math.isnan(spread.deviation) else f" ± {scale * spread.deviation:.{digits}f}"
    return f"{scale * spread.mean:.{digits}f}{deviation}{unit}"


def _markdown(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
