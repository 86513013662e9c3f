"""`intclass triage`: which integrands to try first, and which not at all."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from intclass.components.shared.errors import ConfigError, ExpressionError
from intclass.components.shared.last_run import usual_model

if TYPE_CHECKING:
    from intclass.components.evaluate.triage import Triage

STDIN = "-"


def main(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Integrands, one in a line, # begins a comment; - reads stdin.")
    ],
    budget: Annotated[float, typer.Option(metavar="SECONDS", help="Solver time that there is.")],
    dataset: Annotated[str, typer.Option(metavar="DIR|gs://", help="Dataset whose seconds tell how long a try takes.")],
    model: Annotated[
        str | None,
        typer.Option(metavar="DIR|gs://", help="Model folder.", show_default="the last run's, else the shipped one"),
    ] = None,
) -> None:
    """Order integrands by the chance of success per second of solver time, and say what that saves.

    Writes one JSON line each, the first to try first: the probability, the seconds expected, and `try`: whether its
    turn comes within the budget and it is worth trying at all. What the order saves against trying everything, and
    what it loses, is measured on the dataset's test split and told on stderr. Nothing is solved.

    Example: `intclass triage functions.txt --budget 600 --dataset runs/laptop/dataset`
    """
    if not budget > 0:
        raise ConfigError(f"--budget {budget:g}: give a number of seconds above 0")
    texts = _texts(file)
    prefixes = _prefixes(texts)

    # torch takes seconds to import: a wrong file is refused before that.
    from intclass.components.evaluate.triage import SolveTimes, searched, triage_held_out
    from intclass.components.finetune import Classifier
    from intclass.components.shared.records import EXAMPLES, read_table

    examples = read_table(dataset, EXAMPLES).to_pylist()
    classifier = Classifier.load(model or usual_model())
    triage = triage_held_out(examples, classifier.predict_prefixes)
    if triage is None:
        raise ConfigError(f"{dataset}: too few functions that a solver searched: take a dataset with more of them")
    times = SolveTimes.fit([row for row in examples if row["split"] == "train" and searched(row)])
    probabilities = classifier.predict_prefixes(prefixes)
    seconds = times.expected([len(prefix.split()) for prefix in prefixes], probabilities)
    for row in _ordered(texts, probabilities.tolist(), seconds.tolist(), budget=budget, least=triage.least_worth):
        typer.echo(json.dumps(row))
    typer.echo(_summary(triage), err=True)


def _ordered(
    texts: list[str], probabilities: list[float], seconds: list[float], *, budget: float, least: float
) -> list[dict[str, Any]]:
    """One row for each integrand, the most successes per expected second first."""
    order = sorted(range(len(texts)), key=lambda place: -probabilities[place] / seconds[place])
    rows, spent = [], 0.0
    for place in order:
        spent += seconds[place]
        worth = probabilities[place] / seconds[place]
        rows.append(
            {
                "integrand": texts[place],
                "probability": round(probabilities[place], 6),
                "seconds": round(seconds[place], 4),
                "try": spent <= budget and worth >= least,
            }
        )
    return rows


def _summary(triage: Triage) -> str:
    return (
        f"on {triage.integrands} held-out functions ({triage.seconds:.0f} s of solving) this order and its stop save "
        f"{triage.saved:.1%} of the time and lose {triage.lost:.2%} of the integrable ones; "
        f"trying all saves 0 %, knowing the answers {triage.oracle_saved:.1%}"
    )


def _texts(file: str) -> list[str]:
    try:
        text = sys.stdin.read() if file == STDIN else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read ({error}); give a text file with one integrand in a line") from error
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    texts = [line for line in lines if line]
    if not texts:
        raise ConfigError(f"{file}: no integrand in it")
    return texts


def _prefixes(texts: list[str]) -> list[str]:
    from intclass.components.shared.expressions import canonical, parse, prefix_words

    prefixes = []
    for number, text in enumerate(texts, start=1):
        try:
            prefixes.append(" ".join(prefix_words(canonical(parse(text)))))
        except ExpressionError as error:
            raise ExpressionError(f"integrand {number}: {error}", position=error.position) from error
    return prefixes
