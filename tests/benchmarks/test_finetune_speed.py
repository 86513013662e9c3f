"""`finetune` against the first author's recipe: same model, data, epochs and machine, one after the other in one run.

His recipe, as its description has it: transformers' Trainer with its defaults (float32, AdamW, batches of 32 drawn at
random, a linear decay of the learning rate, padding to the longest of the batch) on the text "Is f(x) integrable?" in
BERT's pieces. Trainer itself is not needed for that: the loop below is what it does, without its bookkeeping. Both
train `small` from random weights at the same peak learning rate, on labels that are known by construction.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from transformers import BertTokenizerFast, ModernBertForSequenceClassification

from intclass.components.finetune import FinetuneConfig, finetune
from intclass.components.finetune.compute import reproducible
from intclass.components.finetune.model import make_encoder
from intclass.components.generate import GenerateConfig, generate
from intclass.components.shared.expressions import parse, prefix_words
from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import EXAMPLES, FUNCTIONS, read_table, write_table

FUNCTIONS_DRAWN = 1_200
FAMILIES = {"backward": 1.0, "chebyshev": 0.5, "disguised": 0.5}  # elementary; elementary or not; not elementary
PEER_BATCH = 32
LEARNING_RATE = 1e-3
EPOCHS = 3
REQUIRED_RATIO = 3.0
PIECES = ("ex", "##p", "co", "##s", "sin", "tan", "log", "as", "##in", "ac", "##os", "at", "##an", "sq", "##rt", "pi")
PROMPT_PIECES = ("is", "int", "##eg", "##rable", "?")
SYMBOLS = "x0123456789()+-*/,."


@dataclass(frozen=True)
class Result:
    samples_per_second: float
    accuracy: float


def make_examples(folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    generate(folder / "functions", GenerateConfig(count=FUNCTIONS_DRAWN, families=FAMILIES, internal_nodes=(6, 10)))
    rows = []
    for index, row in enumerate(read_table(folder / "functions", FUNCTIONS).to_pylist()):
        words = prefix_words(parse(row["canonical"]))
        rows.append(
            {
                "id": str(index),
                "generator": row["generator"],
                "integrand": row["integrand"],
                "canonical": row["canonical"],
                "fingerprint": row["fingerprint"],
                "skeleton": "",
                "prefix": " ".join(words),
                "num_nodes": len(words),
                "target": "elementary",
                "label": int(row["label"] == "elementary"),
                "outcome": row["label"],
                "reason": "",
                "seconds": 0.0,
                "split": "validation" if index % 6 == 0 else "train",
            }
        )
    write_table(folder / "examples", rows, EXAMPLES)
    write_manifest(folder / "examples", "dataset", config={})
    return folder / "examples", rows


def peer_tokenizer() -> BertTokenizerFast:
    pieces = [*(f"##{each}" for each in SYMBOLS), *(f"##{chr(each)}" for each in range(97, 123))]
    letters = [chr(each) for each in range(97, 123) if chr(each) != "x"]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *SYMBOLS, *PIECES, *PROMPT_PIECES, *letters, *pieces]
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys(words))}
    return BertTokenizerFast(vocab=vocabulary, model_max_length=512)


def train_like_the_first_author(rows: list[dict[str, Any]]) -> Result:
    tokenizer = peer_tokenizer()
    shape = make_encoder(FinetuneConfig(), target="elementary").model.config
    shape.vocab_size = len(tokenizer)
    model = ModernBertForSequenceClassification(shape)

    def collate(batch: list[dict[str, Any]]) -> tuple[Any, torch.Tensor]:
        texts = [f"Is {row['canonical']} integrable?" for row in batch]
        tokens = tokenizer(texts, padding=True, truncation=True, return_tensors="pt", return_token_type_ids=False)
        return tokens, torch.tensor([row["label"] for row in batch])

    training = [row for row in rows if row["split"] == "train"]
    loader: DataLoader[Any] = DataLoader(training, batch_size=PEER_BATCH, shuffle=True, collate_fn=collate)  # type: ignore[arg-type]
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.0)
    steps = EPOCHS * len(loader)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    started = time.perf_counter()
    model.train()
    for _ in range(EPOCHS):
        for tokens, labels in loader:
            loss = model(**tokens, labels=labels).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    seconds = time.perf_counter() - started
    model.eval()
    right = []
    with torch.inference_mode():
        for start in range(0, len(rows), PEER_BATCH):
            batch = [row for row in rows[start : start + PEER_BATCH] if row["split"] == "validation"]
            if batch:
                tokens, labels = collate(batch)
                right += (model(**tokens).logits.argmax(dim=1) == labels).tolist()
    return Result(EPOCHS * len(training) / seconds, float(np.mean(right)))


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("one_core")
def test_samples_per_second_against_the_first_authors_recipe(tmp_path: Path, machine: str) -> None:
    dataset, rows = make_examples(tmp_path)
    torch.set_num_threads(1)
    with reproducible(0):
        peer = train_like_the_first_author(rows)
    config = FinetuneConfig(epochs=EPOCHS, patience=EPOCHS, learning_rate=LEARNING_RATE, device="cpu")
    stats = finetune(dataset, tmp_path / "model", config).stats
    ours = Result(stats["samples_per_second"], stats["validation_accuracy"])
    ratio = ours.samples_per_second / peer.samples_per_second
    labels = np.array([row["label"] for row in rows])
    majority = max(labels.mean(), 1 - labels.mean())
    print(
        f"\nfinetune: {ours.samples_per_second:.0f} samples/s, accuracy {ours.accuracy:.3f}; "
        f"the first author's recipe: {peer.samples_per_second:.0f} samples/s, accuracy {peer.accuracy:.3f}; "
        f"ratio {ratio:.2f}; majority {majority:.3f}; {len(rows)} functions, {EPOCHS} epochs ({machine})"
    )
    assert ours.accuracy >= peer.accuracy - 0.02
    assert ratio >= REQUIRED_RATIO
