"""A test file from outside, and what training has seen of it."""

from __future__ import annotations

import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from intclass.components.evaluate.exposure import find_exposure
from intclass.components.evaluate.outside import Outside, measure_outside, read_outside
from intclass.components.evaluate.probes import REWRITINGS
from intclass.components.shared.errors import RecordsError
from intclass.components.shared.expressions import (
    canonical,
    canonical_text,
    family,
    from_prefix,
    parse,
    prefix_words,
    skeleton_hash,
)

LABELS = ("nonelementary", "elementary")
FILES = {
    "mine.csv": 'integrand,truth\nx*exp(x^2),elementary\n"exp(x)/x",nonelementary\n',
    "mine.tsv": "id\tlabel\tintegrand\n1\t1\tx e^(x^2)\n2\tno\texp(x)/x\n",
    "mine.jsonl": '{"integrand": "x*exp(x**2)", "truth": true}\n\n{"integrand": "exp(x)/x", "truth": 0}\n',
}


def _row(text: str) -> dict[str, Any]:
    expr = canonical(parse(text))
    return {
        "prefix": " ".join(prefix_words(expr)),
        "skeleton": skeleton_hash(expr),
        "canonical": canonical_text(expr),
    }


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", FILES)
def test_every_format_and_notation_gives_the_same(name: str, tmp_path: Path) -> None:
    file = read_outside(_write(tmp_path, name, FILES[name]), LABELS)
    assert file.name == name
    assert file.prefixes == ["mul x exp pow x 2", "div exp x x"]
    assert file.labels.tolist() == [1, 0]
    assert file.unreadable == ()


def test_what_cannot_be_read_is_left_out_and_told(tmp_path: Path) -> None:
    text = "integrand,truth\nx,1\nfoo(x),1\nsin(x)/x,0\n"
    file = read_outside(_write(tmp_path, "mine.csv", text), LABELS)
    assert (list(file.texts), file.labels.tolist()) == (["x", "sin(x)/x"], [1, 0])
    [line] = file.unreadable
    assert line.startswith("line 3: unknown name 'foo'")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("mine.csv", "integrand,truth\nx,perhaps\n", r"line 2: the truth is 'perhaps'; give a column 'truth'"),
        ("mine.csv", "integrand\nx\n", r"line 2: the truth is None"),
        ("mine.csv", "f,truth\nx,1\n", r"line 2: no column 'integrand' among f, truth"),
        ("mine.csv", "integrand,truth\nfoo(x),1\n", r"no integrand that can be read; line 2: unknown name"),
        ("mine.csv", "integrand,truth\n", r"no integrand that can be read: write functions of x"),
        ("mine.txt", "x", r"its name must end in \.csv, \.tsv, \.jsonl"),
        ("mine.jsonl", "{", r"line 1: not JSON"),
        ("mine.jsonl", "[1]", r"line 1: not a JSON object"),
    ],
)
def test_a_file_that_is_no_test_is_refused(name: str, text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match=message):
        read_outside(_write(tmp_path, name, text), LABELS)


TRAIN = [_row(text) for text in ("3*x*exp(5*x**2 + 1)", "7*x*exp(x**2)", "log(x)/x", "sin(x)")]


class TestExposure:
    def test_near_copies_are_found_and_counted(self) -> None:
        found = find_exposure([_row(text)["prefix"] for text in ("x*exp(x**2)", "exp(x**2)", "sin(2*x)")], TRAIN)
        assert [each.rows for each in found] == [2, 0, 1]
        assert [each.example for each in found] == ["3*x*exp(5*x**2 + 1)", None, "sin(x)"]

    def test_what_is_read_off_the_words_loses_no_member_of_a_family(self) -> None:
        """Rewritings by constants stay in the family, in many notations: with `div`, `neg`, `inv`, `sqrt`, `int`."""
        texts = ("1/sqrt(x)", "x**(-3/2)*exp(-x)", "-x/(x + 12)", "sin(3)*tan(x)**2", "log(2)*2**x/x", "x**x - 345")
        scale = next(each for each in REWRITINGS if each.name == "constant_factor")
        rng = random.Random(0)
        for row in map(_row, texts):
            for _ in range(6):
                words = scale.rewrite(row["prefix"], rng)
                assert words is not None
                same = family(from_prefix(words.split())) == family(from_prefix(row["prefix"].split()))
                assert find_exposure([words], [row])[0].exposed == same

    def test_nothing_asked_is_nothing_found(self) -> None:
        assert find_exposure([], TRAIN) == []


def test_metrics_are_those_of_all_and_of_what_is_new(tmp_path: Path) -> None:
    text = "integrand,truth\nx*exp(x^2),1\nexp(x)/x,0\nsin(x),1\ntan(x)*x,0\nx^2,1\nexp(x^2),0\n"
    file = read_outside(_write(tmp_path, "mine.csv", text), LABELS)
    exposure = find_exposure(file.prefixes, [_row("2*sin(x)"), _row("sin(3*x)"), _row("exp(7*x**2)")])
    probabilities = np.array([0.9, 0.6, 0.2, 0.1, 0.8, 0.3])
    found = measure_outside(file, {"model": probabilities}, exposure, bootstrap=100, seed=0)
    new = [0, 1, 3, 4]
    assert (found.exposed, found.exposed_rows) == (2, 3)
    assert found.listed == (("sin(x)", "2*sin(x)"), ("exp(x^2)", "exp(7*x**2)"))
    for part, kept in ((found.whole, range(6)), (found.unexposed, new)):
        assert part is not None
        expected = accuracy_score(file.labels[list(kept)], probabilities[list(kept)] >= 0.5)
        assert part.metrics["model"]["accuracy"].value == pytest.approx(expected)
    assert Outside.from_fields(asdict(found)).exposed == 2
