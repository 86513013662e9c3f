"""Lock-free processes and the sparse linear baseline: mean and spread over five runs, by number of processes."""

from __future__ import annotations

import os
import random
from itertools import pairwise
from pathlib import Path
from statistics import mean, stdev

import pytest

from intclass.components.finetune.linear import LinearOptions, train_linear
from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import EXAMPLES, write_table

RUNS = 5
EXAMPLES_DRAWN = 6_000
NAMES = ("exp", "sin", "cos", "log", "atan", "sqrt")
OPERATORS = ("add", "mul", "div")


def random_words(rng: random.Random, depth: int) -> list[str]:
    if depth == 0 or rng.random() < 0.15:
        return ["x"]
    if rng.random() < 0.5:
        return [rng.choice(NAMES), *random_words(rng, depth - 1)]
    return [rng.choice(OPERATORS), *random_words(rng, depth - 1), *random_words(rng, depth - 1)]


def write_examples(folder: Path) -> Path:
    """Random prefix words, labelled by a rule over pairs of neighbours with 10 % of the labels wrong."""
    rng, rows = random.Random(0), []
    for index in range(EXAMPLES_DRAWN):
        words = random_words(rng, 5)
        pairs = set(pairwise(words))
        label = int((len(pairs & {("exp", "mul"), ("log", "add"), ("div", "sin")}) > 0) != (rng.random() < 0.1))
        text = dict.fromkeys(("integrand", "canonical", "skeleton", "reason"), "")
        rows.append(
            {
                **text,
                "id": str(index),
                "generator": "file",
                "fingerprint": f"{index:016x}",
                "prefix": " ".join(words),
                "num_nodes": len(words),
                "target": "elementary",
                "label": label,
                "outcome": ("nonelementary", "elementary")[label],
                "seconds": 0.0,
                "split": ("test", "validation", *["train"] * 4)[index % 6],
            }
        )
    write_table(folder, rows, EXAMPLES)
    write_manifest(folder, "dataset", config={})
    return folder


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("workers", [1, 2])
def test_sparse_linear(workers: int, tmp_path: Path, machine: str) -> None:
    dataset = write_examples(tmp_path / "examples")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    fits = [train_linear(dataset, LinearOptions(epochs=5, seed=seed), workers=workers)[0] for seed in range(RUNS)]
    accuracy = [fit.best.scores.accuracy for fit in fits]
    rate = [fit.samples / fit.seconds for fit in fits]
    print(
        f"\nhogwild, sparse linear, {workers} process(es), {RUNS} runs: accuracy {mean(accuracy):.4f} "
        f"± {stdev(accuracy):.4f}, {mean(rate):.0f} ± {stdev(rate):.0f} samples/s ({machine})"
    )
    assert mean(accuracy) > 0.8
