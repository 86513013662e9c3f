"""The stage: a dataset in, a model folder out."""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import numpy as np

from intclass.components.finetune.calibration import Calibration, calibrate
from intclass.components.finetune.card import CARD_NAME, model_card
from intclass.components.finetune.compute import Compute, choose_compute, reproducible
from intclass.components.finetune.config import FinetuneConfig
from intclass.components.finetune.examples import Split, TrainSplit, read_splits, read_target
from intclass.components.finetune.inference import predict_logits
from intclass.components.finetune.learner import Learner, Recipe
from intclass.components.finetune.log import TrainingLog
from intclass.components.finetune.loop import Fit, Plan, train
from intclass.components.finetune.model import Encoder, make_encoder
from intclass.components.shared import storage
from intclass.components.shared.manifest import FILE_NAME as MANIFEST
from intclass.components.shared.manifest import Manifest, is_complete, read_manifest, write_manifest
from intclass.components.shared.records import EXAMPLES, read_table

_DEFAULT: Final = FinetuneConfig()


def finetune(dataset: str | Path, out: str | Path, config: FinetuneConfig = _DEFAULT) -> Manifest:
    """Train a classifier on the dataset's train split and write it to the folder `out`, in Hugging Face format.

    The validation split decides when to stop, which epoch's weights to keep, and the temperature; the test split is
    never looked at. Beside the model and its tokenizer lie `calibration.json`, `training.jsonl`, a model card
    `README.md`, and last the manifest, which is returned. Its stats are numbers.

    Raises ConfigError if the base model cannot be had or training diverges, RecordsError if a split or class is empty,
    StorageError if a folder cannot be read or written.
    """
    examples = read_table(dataset, EXAMPLES)
    target = read_target(examples, source=str(dataset))
    inputs = _inputs(dataset)
    log = TrainingLog()
    started = time.monotonic()
    with reproducible(config.seed):
        encoder = make_encoder(config, target=target)
        compute = choose_compute(config.device, config.precision)
        config = _resolved(config, encoder, compute)
        splits, counts = read_splits(examples, encoder, reordered=config.reorder_arguments, seed=config.seed)
        counts["parameters"] = encoder.model.num_parameters()
        log.write(**counts)
        fit = _fit(encoder, splits, config, compute=compute, log=log)
        calibration = _calibrate(encoder, splits[1], compute)
    log.write(best_epoch=fit.best.epoch, **calibration.scalars)
    seconds = time.monotonic() - started

    counts |= {"epochs": fit.epochs, "best_epoch": fit.best.epoch}
    stats = {**_stats(fit, calibration), "seconds": seconds, "samples_per_second": fit.samples / seconds}
    options = {**asdict(config), "target": target}
    card = model_card(options, counts, fit.best.scores, calibration)
    _write(out, encoder, calibration, log=log, card=card)
    return write_manifest(out, "finetune", config=options, inputs=inputs, counts=counts, stats=stats)


def _write(out: str | Path, encoder: Encoder, calibration: Calibration, *, log: TrainingLog, card: str) -> None:
    """Everything but the manifest, written here first because transformers knows no gs://."""
    with tempfile.TemporaryDirectory(prefix="intclass-model-") as temporary:
        folder = Path(temporary)
        encoder.save(folder)
        calibration.save(folder)
        log.save(folder)
        (folder / CARD_NAME).write_text(card)
        storage.delete(storage.join(out, MANIFEST))  # an older model's: the folder is not complete until the end
        storage.copy_folder(folder, out)


def _inputs(dataset: str | Path) -> dict[str, str]:
    """The dataset's fingerprint; a Parquet file by itself has none."""
    return {"dataset": read_manifest(dataset).fingerprint} if is_complete(dataset) else {}


def _resolved(config: FinetuneConfig, encoder: Encoder, compute: Compute) -> FinetuneConfig:
    """The options as they were in the end, for the manifest."""
    return replace(
        config,
        encoding=encoder.encoding,
        reorder_arguments=config.reorder_arguments and encoder.encoding == "prefix",
        learning_rate=config.learning_rate or (1e-3 if config.is_small else 5e-5),
        batch_tokens=config.batch_tokens or (1024 if config.is_small else 4096),
        device=str(compute.device),
        precision="bfloat16" if compute.bfloat16 else "float32",
    )


def _fit(
    encoder: Encoder, splits: tuple[TrainSplit, Split], config: FinetuneConfig, *, compute: Compute, log: TrainingLog
) -> Fit:
    assert config.learning_rate is not None
    assert config.batch_tokens is not None
    plan = Plan(
        epochs=config.epochs,
        patience=config.patience,
        batch_tokens=config.batch_tokens,
        seed=config.seed,
        pad_id=encoder.tokenizer.pad_token_id,
    )
    recipe = Recipe(
        learning_rate=config.learning_rate,
        warmup_fraction=config.warmup_fraction,
        weight_decay=config.weight_decay,
        label_smoothing=config.label_smoothing,
        class_weights=_class_weights(splits[0]) if config.class_weights == "balanced" else (1.0, 1.0),
    )
    learner = Learner(encoder.model.to(compute.device), recipe, compute)
    return train(learner, splits, plan, compute=compute, log=log)


def _class_weights(split: TrainSplit) -> tuple[float, float]:
    """Inverse class frequencies, scaled so that the examples' mean weight is 1."""
    negative, positive = np.bincount(split.labels, minlength=2)
    return len(split) / (2 * float(negative)), len(split) / (2 * float(positive))


def _calibrate(encoder: Encoder, validation: Split, compute: Compute) -> Calibration:
    """Fitted in float32, in which a loaded model answers, whatever it was trained in."""
    exact = Compute(device=compute.device)
    logits = predict_logits(encoder.model, validation.ids, pad_id=encoder.tokenizer.pad_token_id, compute=exact)
    return calibrate(logits, validation.labels)


def _stats(fit: Fit, calibration: Calibration) -> dict[str, float]:
    scores = {f"validation_{name}": value for name, value in asdict(fit.best.scores).items() if value is not None}
    return {**scores, **{name: value for name, value in calibration.scalars.items() if name != "examples"}}
