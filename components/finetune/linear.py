"""The sparse linear baseline: logistic regression on word n-grams, the kind of model that Hogwild was meant for.

A gradient touches the few hundred weights of its batch's n-grams out of 2^18, so processes that write without locks
seldom write to the same place (Recht et al. 2011, section 4).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import torch
from torch import nn
from transformers.modeling_outputs import SequenceClassifierOutput

from intclass.components.finetune.compute import Compute, reproducible
from intclass.components.finetune.examples import Split, TrainSplit, read_texts
from intclass.components.finetune.learner import Learner, Recipe
from intclass.components.finetune.log import TrainingLog
from intclass.components.finetune.loop import Fit, Plan, Training
from intclass.components.finetune.parallel.ddp import Ddp
from intclass.components.finetune.parallel.group import Group
from intclass.components.finetune.parallel.hogwild import Hogwild, adopt, work_in_shared_memory
from intclass.components.finetune.parallel.strategy import Epoch, Strategy
from intclass.components.finetune.tokenizer import Tokens
from intclass.components.shared.records import EXAMPLES, read_table

FEATURES: Final = 2**18
MAX_N: Final = 3
_PAD: Final = 0
_CPU: Final = Compute(device=torch.device("cpu"))


class SparseLinear(nn.Module):
    """One weight for each feature; the logit of class 1 is the sum over an input's features, that of class 0 is 0."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.EmbeddingBag(FEATURES, 1, mode="sum", sparse=True)
        nn.init.zeros_(self.weights.weight)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SequenceClassifierOutput:
        """Logits (batch, 2) of feature numbers (batch, most features) and their mask."""
        sums = self.weights(input_ids, per_sample_weights=attention_mask.float())
        return SequenceClassifierOutput(logits=torch.cat([torch.zeros_like(sums), sums], dim=1))


class NgramReader:
    """Reads texts into the numbers of their 1- to 3-grams of words, each once; number 0 is always there."""

    pad_id = _PAD

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """The texts' feature numbers, in their order."""
        return Tokens([_ngrams(text.split()) for text in texts], truncated=0)


def _ngrams(words: Sequence[str]) -> list[int]:
    grams = {" ".join(words[start : start + n]) for n in range(1, MAX_N + 1) for start in range(len(words) - n + 1)}
    # A hash that is the same in every process, which Python's own is not.
    return [_PAD, *sorted({1 + zlib.crc32(gram.encode()) % (FEATURES - 1) for gram in grams})]


@dataclass(frozen=True, kw_only=True)
class LinearOptions:
    """How the baseline is trained; a batch holds about `batch_tokens` features."""

    epochs: int = 10
    learning_rate: float = 2.0
    batch_tokens: int = 512
    seed: int = 0


def train_linear(dataset: str | Path, options: LinearOptions, *, workers: int) -> tuple[Fit, TrainingLog]:
    """Train the baseline with so many lock-free processes (1: the plain loop) and no patience; nothing is written."""
    log = TrainingLog(silent=True)
    with reproducible(options.seed):
        learner, splits, plan = _prepare(dataset, options)
        strategy: Strategy
        if workers == 1:
            shares = {"batch_tokens": options.batch_tokens, "pad_id": _PAD}
            strategy = Ddp(learner, Group(), seed=options.seed, **shares)
            return Training(strategy, splits, plan, log=log).run(), log
        strategy = Hogwild(learner, workers=workers, main=_work, arguments=(dataset, options, workers))
        try:
            return Training(strategy, splits, plan, log=log).run(), log
        finally:
            strategy.close()


def _work(
    connection: Connection,
    number: int,
    weights: Sequence[torch.Tensor],
    dataset: str | Path,
    options: LinearOptions,
    workers: int,
) -> None:
    """The main function of a lock-free process."""
    torch.set_num_threads(1)
    learner, splits, plan = _prepare(dataset, options)
    adopt(learner.model, weights)

    def epoch(number: int) -> Epoch:
        return plan.epoch(splits[0].epoch(number), number)

    work_in_shared_memory(connection, number, learner, epoch, workers=workers, seed=options.seed, pad_id=_PAD)


def _prepare(dataset: str | Path, options: LinearOptions) -> tuple[Learner, tuple[TrainSplit, Split], Plan]:
    examples = read_table(dataset, EXAMPLES)
    reader = NgramReader()
    texts, labels = read_texts(examples, "train", "prefix")
    training = TrainSplit(texts=texts, labels=labels, reader=reader, reordered=False, seed=options.seed)
    texts, labels = read_texts(examples, "validation", "prefix")
    plan = Plan(
        epochs=options.epochs,
        patience=options.epochs,
        batch_tokens=options.batch_tokens,
        seed=options.seed,
        pad_id=_PAD,
    )
    # A sparse gradient can be neither decayed nor cut to a length.
    recipe = Recipe(
        learning_rate=options.learning_rate,
        warmup_fraction=0.0,
        weight_decay=0.0,
        label_smoothing=0.0,
        optimizer="sgd",
        max_gradient_norm=float("inf"),
    )
    return Learner(SparseLinear(), recipe, _CPU), (training, Split(reader(texts).ids, labels)), plan
