"""Examples whose labels follow from their functions, and an evaluation of a classifier on them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from intclass.components.evaluate.asking import MODEL, UNCALIBRATED
from intclass.components.evaluate.assessment import Setting, assess
from intclass.components.evaluate.baselines import BASELINES, fit_predict
from intclass.components.evaluate.evaluation import Evaluation
from intclass.components.evaluate.metrics import Scored
from intclass.components.shared.expressions import canonical, canonical_text, parse, prefix_words, skeleton_hash
from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import EXAMPLES, write_table

LABELS = ("nonelementary", "elementary")
NOISE = 0.1  # of the labels are wrong, so that nothing can be right on all

# (function of the integers a and b, label)
_SHAPES = (
    ("{a}*x**2 + sin({b}*x)", 1),
    ("x*exp({a}*x**2 + {b})", 1),
    ("{a}*log(x + {b})", 1),
    ("x/(x + {a}) - {b}*x", 1),
    ("exp({a}*x**2 + {b})", 0),
    ("{a}*sin({b}*x)/x", 0),
    ("{a}*x**x + {b}", 0),
    ("{b}*x + exp({a}*x)/x", 0),
    ("sqrt({a}*x**3 + {b})*log(x)", 0),
)


def _row(index: int, rng: random.Random) -> dict[str, Any]:
    shape, truth = rng.choice(_SHAPES)
    text = shape.format(a=rng.randint(2, 30), b=rng.randint(2, 9))
    expr = canonical(parse(text))
    words = prefix_words(expr)
    label = 1 - truth if rng.random() < NOISE else truth
    return {
        "id": f"test-0-{index}",
        "index": index,
        "seed": 0,
        "grammar": rng.choice(("intclass", "lample-charton")),
        "generator": "forward",
        "internal_nodes": rng.randint(3, 5),
        "integrand": text,
        "canonical": canonical_text(expr),
        "fingerprint": f"{index:016x}",
        "skeleton": skeleton_hash(expr),
        "prefix": " ".join(words),
        "num_nodes": len(words),
        "target": "elementary",
        "label": label,
        "outcome": LABELS[label],
        "reason": ("no elementary antiderivative", "antiderivative checked by differentiation")[label],
        "seconds": 0.5,
        "split": ("test", "validation", "train", "train", "test")[index % 5],
    }


@pytest.fixture(scope="package")
def rows() -> list[dict[str, Any]]:
    """500 rows of records.EXAMPLES, 200 of them in the test split."""
    rng = random.Random(0)
    return [_row(index, rng) for index in range(500)]


@pytest.fixture(scope="package")
def held_out(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["split"] == "test"]


@pytest.fixture(scope="package")
def scored(rows: list[dict[str, Any]], held_out: list[dict[str, Any]]) -> dict[str, Scored]:
    """The test split as scored by every baseline, and by a model that is noisier than it says."""
    train = [row for row in rows if row["split"] == "train"]
    prefixes, labels = [row["prefix"] for row in train], np.array([row["label"] for row in train])
    truth = np.array([row["label"] for row in held_out])
    logits = 3 * (2 * truth - 1) + np.random.default_rng(0).normal(0, 3, len(truth))
    scores = {MODEL: 1 / (1 + np.exp(-logits / 2)), UNCALIBRATED: 1 / (1 + np.exp(-4 * logits))}
    for baseline in BASELINES:
        scores[baseline.name] = fit_predict(baseline, prefixes, labels, [row["prefix"] for row in held_out], seed=0)
    return {name: Scored(truth, probabilities) for name, probabilities in scores.items()}


Assess = Callable[..., Evaluation]


@pytest.fixture(scope="package")
def assess_with(scored: dict[str, Scored], held_out: list[dict[str, Any]]) -> Assess:
    """Evaluates with other scores of the model, or another setting."""

    def call(model: Scored | None = None, *, trained_on_this_dataset: bool = True) -> Evaluation:
        setting = Setting(
            target="elementary",
            labels=LABELS,
            model_name="small",
            train_examples=200,
            trained_on_this_dataset=trained_on_this_dataset,
        )
        changed = {} if model is None else {MODEL: model}
        return assess(scored | changed, held_out, setting, bootstrap=200, seed=0)

    return call


@pytest.fixture(scope="package")
def evaluation(assess_with: Assess) -> Evaluation:
    return assess_with()


@pytest.fixture(scope="package")
def dataset(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> Path:
    """A dataset folder as the stage `dataset` writes it."""
    folder = tmp_path_factory.mktemp("dataset")
    write_table(folder, rows, EXAMPLES)
    write_manifest(folder, "dataset", config={"target": "elementary"}, counts={"outcomes": 700, "dropped_unknown": 200})
    return folder
