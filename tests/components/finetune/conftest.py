"""A dataset with a rule that can be learnt in seconds, and a model trained on it, for all tests of the stage."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from intclass.components.finetune import FinetuneConfig, finetune
from intclass.components.shared.expressions import canonical, canonical_text, parse, prefix_words, skeleton_hash
from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import EXAMPLES, write_table

NOISE = 0.08  # of the labels are wrong, so that certainty would be a mistake

TINY = FinetuneConfig(epochs=4, batch_tokens=512, learning_rate=3e-3, hidden_size=32, num_layers=2, num_heads=2)


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """The models are so small, and the machine perhaps so busy, that a second thread would only get in the way."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def example_rows(count: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Rows of records.EXAMPLES: sums and products of two functions; those with an exponential are labelled 1."""
    rng = random.Random(seed)
    names = ("exp", "exp", "sin", "cos", "log", "atan", "sqrt")
    rows = []
    for index in range(count):
        first, second = rng.choice(names), rng.choice(names[2:])
        text = (
            f"{first}({rng.randint(2, 99)}*x + {rng.randint(1, 9)}){rng.choice('+*/')}{second}({rng.randint(2, 9)}*x)"
        )
        expr = canonical(parse(text))
        words = prefix_words(expr)
        label = int((first == "exp") != (rng.random() < NOISE))
        rows.append(
            {
                "id": str(index),
                "generator": "file",
                "integrand": text,
                "canonical": canonical_text(expr),
                "fingerprint": f"{index:016x}",
                "skeleton": skeleton_hash(expr),
                "prefix": " ".join(words),
                "num_nodes": len(words),
                "target": "elementary",
                "label": label,
                "outcome": ("nonelementary", "elementary")[label],
                "reason": "",
                "seconds": 0.0,
                "split": ("test", "validation", *["train"] * 4)[index % 6],
            }
        )
    return rows


def write_dataset(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """A dataset folder as the stage `dataset` writes it."""
    write_table(folder, rows, EXAMPLES)
    write_manifest(folder, "dataset", config={})
    return folder


@pytest.fixture(scope="package")
def tiny() -> FinetuneConfig:
    """Options with which the rule is learnt in seconds."""
    return TINY


@pytest.fixture(scope="package")
def rows() -> list[dict[str, Any]]:
    return example_rows(540)


@pytest.fixture(scope="package")
def dataset(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> Path:
    return write_dataset(tmp_path_factory.mktemp("dataset"), rows)


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[[list[dict[str, Any]]], Path]:
    """Writes other rows as a dataset folder."""
    return lambda rows: write_dataset(tmp_path / "dataset", rows)


@pytest.fixture(scope="package")
def model(tmp_path_factory: pytest.TempPathFactory, dataset: Path) -> Path:
    """The folder of a tiny model that has learnt the rule."""
    folder = tmp_path_factory.mktemp("model") / "out"
    finetune(dataset, folder, TINY)
    return folder


@pytest.fixture(scope="package")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a masked language model with random weights: BERT's architecture, 32 positions, a WordPiece
    vocabulary that splits words as tbs17/MathBERT's does, and, like it, no word about the longest input."""
    from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

    symbols = "x0123456789()+-*/"
    pieces = ["ex", "##p", "co", "##s", "sin", "log", "at", "##an", "sq", "##rt", *(f"##{each}" for each in symbols)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *symbols, *pieces]
    folder = tmp_path_factory.mktemp("bert")
    BertTokenizerFast(vocab={word: number for number, word in enumerate(words)}).save_pretrained(folder)
    shape = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    BertForMaskedLM(shape).save_pretrained(folder)
    return folder
