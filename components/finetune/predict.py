"""`intclass predict`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from intclass.components.shared.command import run
from intclass.components.shared.errors import ConfigError, ExpressionError
from intclass.components.shared.last_run import usual_model
from intclass.components.shared.manifest import is_complete

STDIN = "-"
_SHOWN = 40


def main(
    expressions: Annotated[list[str], typer.Argument(metavar="EXPR...", help="Functions of x; - reads stdin.")],
    model: Annotated[
        str | None,
        typer.Option(metavar="DIR|gs://", help="Model folder.", show_default="the last run's, else the shipped one"),
    ] = None,
) -> None:
    """Say how likely each expression is to be integrable: one JSON line each, in their order.

    `probability` is that of the positive class (`elementary`, or `solved`), whatever the `label`. If one expression
    cannot be read, nothing is predicted and the exit code is 2. Put -- before expressions that begin with -.

    Example: `intclass predict "x*exp(x**2)" "exp(x^2)" "ln(x)/x"`, or `intclass predict - < functions.txt`
    """
    from intclass.components.shared.expressions import parse

    texts = list(_texts(expressions))
    integrands = []
    for number, text in enumerate(texts, start=1):
        try:
            integrands.append(parse(text))
        except ExpressionError as error:
            raise ExpressionError(f"expression {number}, {_short(text)}: {error}", position=error.position) from error

    folder = model or usual_model()
    if not is_complete(folder):
        raise ConfigError(f"{folder}: no model here; `intclass finetune DATASET --out {folder}` makes one")

    # torch takes seconds to import: a wrong expression or folder is refused before that.
    from intclass.components.finetune.classifier import Classifier

    classifier = Classifier.load(folder)
    for text, probability in zip(texts, classifier.predict(integrands), strict=True):
        label = classifier.labels[int(probability >= 0.5)]
        typer.echo(json.dumps({"integrand": text, "label": label, "probability": round(float(probability), 6)}))


def _texts(expressions: Iterable[str]) -> Iterator[str]:
    for expression in expressions:
        if expression == STDIN:
            yield from (line.strip() for line in sys.stdin if line.strip())
        else:
            yield expression


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


if __name__ == "__main__":
    run(main)
