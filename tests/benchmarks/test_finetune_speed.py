"""`finetune` against the first author's recipe, on the same functions, for the same epochs, on one core, in one run.

His recipe: a BERT, transformers' Trainer with its defaults (float32, AdamW, batches of 32 drawn at random, a linear
decay of the learning rate), padding to the longest of the batch, on the text "Is f(x) integrable?" in BERT's pieces,
with a look at the validation split after each epoch. His BERT has the layers, the width, the heads and, within a few
percent, the weights of `small`. Two things are measured against it: `small` as it is, and our loop with that very BERT,
which shows what the loop alone is worth. All start from random weights. With one thread a second of the processor is a
second of an idle machine's clock, so other programs that run meanwhile do not count.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertTokenizerFast,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

from intclass.components.finetune import FinetuneConfig
from intclass.components.finetune.compute import choose_compute, reproducible
from intclass.components.finetune.job import prepare
from intclass.components.finetune.log import TrainingLog
from intclass.components.finetune.loop import Training
from intclass.components.finetune.model import make_encoder
from intclass.components.finetune.parallel.ddp import Ddp
from intclass.components.finetune.parallel.group import Group
from intclass.components.shared.records import EXAMPLES, read_table
from intclass.components.shared.subset import subset

DATASET = Path(__file__).parents[2] / "datasets" / "v1"
TRAIN_EXAMPLES = 3_000
VALIDATION_EXAMPLES = 1_500
EPOCHS = 3
REQUIRED_RATIO = 3.0
BATCH = 32
BERT_LEARNING_RATE = 5e-4  # Trainer's own 5e-5 is for pretrained weights
SIZE_TOLERANCE = 0.03

# As BERT's own vocabulary spells functions and the prompt.
PIECES = ("ex", "##p", "co", "##s", "sin", "tan", "log", "as", "##in", "ac", "##os", "at", "##an", "sq", "##rt", "pi")
PREFIX_PIECES = ("add", "sub", "mu", "##l", "di", "##v", "pow", "ne", "##g", "in", "end", "int", "##h")
PROMPT_PIECES = ("is", "##eg", "##rable", "?")
SYMBOLS = "x0123456789()+-*/,.e"

Row = dict[str, Any]


@dataclass(frozen=True)
class Result:
    """Training samples per second of the processor, and the accuracy on the validation split after the last epoch.

    The split is looked at after each epoch, and the time for that counts.
    """

    name: str
    samples_per_second: float
    accuracy: float

    def __str__(self) -> str:
        return f"{self.name}: {self.samples_per_second:.0f} samples/s, accuracy {self.accuracy:.3f}"


def read_rows(split: str, count: int) -> list[Row]:
    """The rows that `finetune` takes from the split for that count."""
    rows = [row for row in read_table(DATASET, EXAMPLES).to_pylist() if row["split"] == split]
    return [rows[place] for place in subset(len(rows), count)]


def write_bert(folder: Path) -> Path:
    """A BERT of the size of `small`, with random weights, and its tokenizer."""
    characters = [*SYMBOLS, *(f"##{each}" for each in SYMBOLS)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *PIECES, *PREFIX_PIECES, *PROMPT_PIECES]
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys(words))}
    BertTokenizerFast(vocab=vocabulary).save_pretrained(folder)
    small = FinetuneConfig()
    shape = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=small.hidden_size,
        num_hidden_layers=small.num_layers,
        num_attention_heads=small.num_heads,
        intermediate_size=3 * small.hidden_size,  # instead of 4, for as many weights as `small` has
    )
    model = BertForSequenceClassification(shape)
    theirs, ours = model.num_parameters(), make_encoder(small, target="elementary").model.num_parameters()
    assert abs(theirs / ours - 1) < SIZE_TOLERANCE, (theirs, ours)
    model.save_pretrained(folder)
    return folder


def train_like_the_first_author(bert: Path, folder: Path) -> Result:
    tokenizer = BertTokenizerFast.from_pretrained(bert, model_max_length=512)

    def features(split: str, count: int) -> list[Row]:
        rows = read_rows(split, count)
        texts = tokenizer([f"Is {row['canonical']} integrable?" for row in rows], truncation=True)["input_ids"]
        return [{"input_ids": ids, "label": row["label"]} for ids, row in zip(texts, rows, strict=True)]

    training, validation = features("train", TRAIN_EXAMPLES), features("validation", VALIDATION_EXAMPLES)
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=EPOCHS,
        learning_rate=BERT_LEARNING_RATE,
        per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=BATCH,
        eval_strategy="epoch",
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        dataloader_pin_memory=False,
        seed=0,
    )
    trainer = Trainer(
        model=BertForSequenceClassification.from_pretrained(bert),
        args=arguments,
        train_dataset=training,
        eval_dataset=validation,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=lambda found: {"accuracy": float((found.predictions.argmax(1) == found.label_ids).mean())},
    )
    seconds = processor_seconds(trainer.train)
    accuracy = trainer.state.log_history[-2]["eval_accuracy"]  # the last row sums up
    return Result("the first author's recipe", EPOCHS * len(training) / seconds, accuracy)


def processor_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def train_with_our_loop(name: str, **options: Any) -> Result:
    config = FinetuneConfig(
        epochs=EPOCHS,
        patience=EPOCHS,
        train_examples=TRAIN_EXAMPLES,
        validation_examples=VALIDATION_EXAMPLES,
        device="cpu",
        **options,
    )
    log = TrainingLog(silent=True)
    with reproducible(0):
        job = prepare(DATASET, config, compute=choose_compute("cpu", "auto"))
        strategy = Ddp(job.learner, Group(), seed=config.seed, batch_tokens=job.batch_tokens, pad_id=job.plan.pad_id)
        training = Training(strategy, job.splits, job.plan, log=log)
        seconds = processor_seconds(training.run)
    return Result(name, EPOCHS * TRAIN_EXAMPLES / seconds, log.rows[-1]["validation_accuracy"])


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("one_core")
def test_samples_per_second_against_the_first_authors_recipe(
    tmp_path: Path, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This repository's folder `datasets` would pass for the library of that name.
    monkeypatch.setattr("transformers.trainer.is_datasets_available", lambda: False)
    torch.set_num_threads(1)
    with reproducible(0):
        bert = write_bert(tmp_path / "bert")
        theirs = train_like_the_first_author(bert, tmp_path / "trainer")
    our_bert = functools.partial(
        train_with_our_loop, base_model=str(bert), learning_rate=BERT_LEARNING_RATE, batch_tokens=2_048
    )
    small = train_with_our_loop("small")
    loops = [
        our_bert(f"our loop with his BERT, {encoding}", encoding=encoding) for encoding in ("infix", "prefix-tokens")
    ]
    labels = np.array([row["label"] for row in read_rows("validation", VALIDATION_EXAMPLES)])
    print()
    for result in (theirs, small, *loops):
        print(f"{result}; ratio {result.samples_per_second / theirs.samples_per_second:.2f}")
    majority = max(labels.mean(), 1 - labels.mean())
    print(f"majority {majority:.3f}; {TRAIN_EXAMPLES} functions of datasets/v1, {EPOCHS} epochs ({machine})")
    assert small.accuracy >= theirs.accuracy
    assert small.samples_per_second >= REQUIRED_RATIO * theirs.samples_per_second
