"""A test from outside: a file of integrands with their truth, in any notation that our parser takes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from intclass.components.evaluate.arrays import Bools, Floats, Ints
from intclass.components.evaluate.exposure import Exposure
from intclass.components.evaluate.held_out import HeldOut, measure_held_out
from intclass.components.evaluate.metrics import Scored
from intclass.components.shared import storage
from intclass.components.shared.errors import ExpressionError, RecordsError
from intclass.components.shared.expressions import canonical, parse, prefix_words

INTEGRAND: Final = "integrand"
TRUTHS: Final = ("truth", "label")  # the column of the truth, in this order
OUTSIDE: Final = "outside"  # the split's name in an evaluation
MAX_LISTED: Final = 20

_DELIMITERS: Final = {".csv": ",", ".tsv": "\t"}
_JSON_LINES: Final = (".jsonl", ".ndjson")
_WORDS: Final = {"0": 0, "false": 0, "no": 0, "1": 1, "true": 1, "yes": 1}

Cells = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class OutsideFile:
    """The file as read: texts, prefix words and labels of what could be read, and the lines of what could not."""

    name: str
    texts: Sequence[str]
    prefixes: Sequence[str]
    labels: Ints
    unreadable: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Outside:
    """Every classifier's metrics on an outside file, on all of it and on what has no near-copy in training.

    Attributes:
        name: The file's name, without its folder.
        unreadable: `line 3: reason` for each integrand that could not be read; those are left out.
        exposed: How many functions have a near-copy in training, and `exposed_rows`, how many rows of it that are.
        listed: At most MAX_LISTED of the exposed functions, each with a near-copy.
        whole: The metrics on all functions that could be read.
        unexposed: The metrics on the others alone; None where all or none are exposed.
    """

    name: str
    unreadable: tuple[str, ...]
    exposed: int
    exposed_rows: int
    listed: tuple[tuple[str, str], ...]
    whole: HeldOut
    unexposed: HeldOut | None

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The inverse of `dataclasses.asdict`, lists for tuples admitted."""
        return cls(
            **{
                **fields,
                "unreadable": tuple(fields["unreadable"]),
                "listed": tuple((first, second) for first, second in fields["listed"]),
                "whole": HeldOut.from_fields(fields["whole"]),
                "unexposed": HeldOut.from_fields(fields["unexposed"])
                if isinstance(fields["unexposed"], Mapping)
                else None,
            }
        )


def read_outside(path: str | Path, labels: tuple[str, str]) -> OutsideFile:
    """Read a CSV, TSV or JSONL file with the columns `integrand` and `truth` (or `label`).

    A truth is one of `labels`, the names of class 0 and class 1, or 0, 1, true, false, yes, no.

    Raises StorageError, and RecordsError naming the line for a truth that is none, or if no integrand can be read.
    """
    texts, prefixes, truths, unreadable = [], [], [], []
    for line, cells in _lines(str(path)):
        text = str(cells.get(INTEGRAND) or "").strip()
        truth = _truth(cells, labels, f"{path}, line {line}")
        try:
            prefix = " ".join(prefix_words(canonical(parse(text))))
        except ExpressionError as error:
            unreadable.append(f"line {line}: {error}")
            continue
        texts.append(text)
        prefixes.append(prefix)
        truths.append(truth)
    if not texts:
        said = f"; {unreadable[0]}" if unreadable else ""
        raise RecordsError(f"{path}: no integrand that can be read{said}: write functions of x as x*exp(x^2)")
    return OutsideFile(
        name=Path(str(path)).name,
        texts=texts,
        prefixes=prefixes,
        labels=np.array(truths, dtype=np.int64),
        unreadable=tuple(unreadable),
    )


def measure_outside(
    file: OutsideFile, answers: Mapping[str, Floats], exposure: Sequence[Exposure], *, bootstrap: int, seed: int
) -> Outside:
    """The metrics of each classifier from its probabilities (n,) on the file's functions, by its name."""

    def measured(kept: Bools) -> HeldOut:
        scored = {name: Scored(file.labels[kept], each[kept]) for name, each in answers.items()}
        return measure_held_out(OUTSIDE, scored, bootstrap=bootstrap, seed=seed)

    new = np.array([not each.exposed for each in exposure])
    near = {each.example: each.rows for each in exposure if each.example is not None}
    pairs = [(text, each.example) for text, each in zip(file.texts, exposure, strict=True) if each.example is not None]
    return Outside(
        name=file.name,
        unreadable=file.unreadable,
        exposed=int((~new).sum()),
        exposed_rows=sum(near.values()),
        listed=tuple(pairs[:MAX_LISTED]),
        whole=measured(np.ones(len(new), dtype=bool)),
        unexposed=measured(new) if 0 < new.sum() < len(new) else None,
    )


def _lines(path: str) -> Iterator[tuple[int, Cells]]:
    """The line number and the cells of each row."""
    ending = Path(path).suffix
    if ending in _JSON_LINES:
        yield from _json_lines(path)
        return
    if ending not in _DELIMITERS:
        raise RecordsError(f"{path}: its name must end in {', '.join((*_DELIMITERS, *_JSON_LINES))}")
    reader = csv.DictReader(io.StringIO(storage.read_text(path)), delimiter=_DELIMITERS[ending])
    for cells in reader:
        yield reader.line_num, cells


def _json_lines(path: str) -> Iterator[tuple[int, Cells]]:
    for number, line in enumerate(storage.read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            cells = json.loads(line)
        except ValueError as error:
            raise RecordsError(f"{path}, line {number}: not JSON: {error}") from error
        if not isinstance(cells, dict):
            raise RecordsError(f"{path}, line {number}: not a JSON object")
        yield number, cells


def _truth(cells: Cells, labels: tuple[str, str], place: str) -> int:
    if INTEGRAND not in cells:
        raise RecordsError(f"{place}: no column '{INTEGRAND}' among {', '.join(map(str, cells))}")
    given = next((cells[name] for name in TRUTHS if cells.get(name) is not None), None)
    words = _WORDS | {name: number for number, name in enumerate(labels)}
    found = words.get(str(given).strip().lower())
    if found is None:
        raise RecordsError(
            f"{place}: the truth is {given!r}; give a column '{TRUTHS[0]}' with {labels[1]} or {labels[0]}, or 1 or 0"
        )
    return found
