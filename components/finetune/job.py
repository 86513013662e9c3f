"""What is trained: the model, the data and the plan, made alike by every process of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from intclass.components.finetune.checkpoint import FOLDER_NAME, Checkpoints
from intclass.components.finetune.compute import Compute, check_compiling
from intclass.components.finetune.config import FinetuneConfig
from intclass.components.finetune.examples import Split, TrainSplit, read_splits, read_target
from intclass.components.finetune.learner import Learner, Recipe
from intclass.components.finetune.loop import Plan
from intclass.components.finetune.model import Encoder, make_encoder
from intclass.components.finetune.parallel.fsdp import layers, sharded
from intclass.components.finetune.parallel.strategy import Epoch
from intclass.components.shared import storage
from intclass.components.shared.manifest import is_complete, read_manifest
from intclass.components.shared.records import EXAMPLES, read_table

# Between a checkpoint and the training that goes on from it.
_MAY_CHANGE: Final = ("checkpoint_every", "device", "epochs", "pause_after")


@dataclass(frozen=True, kw_only=True)
class Job:
    """A training that can begin; `config` has no open choices, and `inputs` are the fingerprints of what was read."""

    encoder: Encoder
    learner: Learner
    recipe: Recipe
    splits: tuple[TrainSplit, Split]
    plan: Plan
    config: FinetuneConfig
    inputs: Mapping[str, str]
    counts: dict[str, int]

    @property
    def batch_tokens(self) -> int:
        """Tokens in one step of one rank."""
        assert self.config.batch_tokens is not None
        return self.config.batch_tokens

    def epoch(self, number: int) -> Epoch:
        """The epoch's batches, alike in every process."""
        split = self.splits[0].epoch(number)
        return self.plan.epoch(split, number)

    def checkpoints(self, out: str | Path) -> Checkpoints:
        """The training's checkpoints beside its model."""
        options = {name: value for name, value in asdict(self.config).items() if name not in _MAY_CHANGE}
        folder = storage.join(out, FOLDER_NAME)
        return Checkpoints(
            folder,
            identity={**options, **self.inputs},
            every=self.config.checkpoint_every,
            defaults=asdict(FinetuneConfig()),
        )


def prepare(dataset: str | Path, config: FinetuneConfig, *, compute: Compute, ranks: int = 1) -> Job:
    """The job; `ranks` share each batch. New weights come from torch's random state.

    Raises ConfigError if the base model cannot be had, RecordsError if a split or class is empty.
    """
    examples = read_table(dataset, EXAMPLES)
    encoder = make_encoder(config, target=read_target(examples, source=str(dataset)))
    config = _resolved(config, encoder, compute)
    assert config.batch_tokens is not None
    limits = config.train_examples, config.validation_examples
    splits, counts = read_splits(examples, encoder, reordered=config.reorder_arguments, seed=config.seed, limits=limits)
    recipe = _recipe(config, splits[0])
    if config.strategy == "fsdp" and ranks > 1:
        trained = sharded(encoder.model, compute.device, ranks)
    else:
        trained = encoder.model.to(compute.device)
    if config.compile:
        check_compiling(compute.device)
        # Layer by layer: alike as they are, they share their code. Batches differ in size and length.
        for layer in layers(trained) or [trained]:
            layer.compile(dynamic=True)
    plan = Plan(
        epochs=config.epochs,
        patience=config.patience,
        batch_tokens=config.batch_tokens * ranks,
        batch_growth=config.batch_growth,
        pause_after=config.pause_after,
        seed=config.seed,
        pad_id=encoder.tokenizer.pad_token_id,
    )
    return Job(
        encoder=encoder,
        learner=Learner(trained, recipe, compute),
        recipe=recipe,
        splits=splits,
        plan=plan,
        config=config,
        inputs={"dataset": read_manifest(dataset).fingerprint} if is_complete(dataset) else {},
        counts={**counts, "parameters": encoder.model.num_parameters(), "ranks": ranks},
    )


def _resolved(config: FinetuneConfig, encoder: Encoder, compute: Compute) -> FinetuneConfig:
    """The options as they were in the end, for the manifest."""
    return replace(
        config,
        encoding=encoder.encoding,
        reorder_arguments=config.reorder_arguments and encoder.encoding != "infix",
        learning_rate=config.learning_rate or (1e-3 if config.is_small else 5e-5),
        batch_tokens=config.batch_tokens or (1024 if config.is_small else 4096),
        device=str(compute.device),
        precision="bfloat16" if compute.bfloat16 else "float32",
    )


def _recipe(config: FinetuneConfig, split: TrainSplit) -> Recipe:
    assert config.learning_rate is not None
    return Recipe(
        learning_rate=config.learning_rate,
        schedule=config.schedule,
        warmup_fraction=config.warmup_fraction,
        weight_decay=config.weight_decay,
        label_smoothing=config.label_smoothing,
        class_weights=_class_weights(split) if config.class_weights == "balanced" else (1.0, 1.0),
        optimizer=config.optimizer,
        max_gradient_norm=config.max_gradient_norm,
    )


def _class_weights(split: TrainSplit) -> tuple[float, float]:
    """Inverse class frequencies, scaled so that the examples' mean weight is 1."""
    negative, positive = np.bincount(split.labels, minlength=2)
    return len(split) / (2 * float(negative)), len(split) / (2 * float(positive))
