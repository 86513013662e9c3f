"""The stage: a dataset in, a model folder out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, cast

import torch

from intclass.components.finetune.calibration import Calibration, calibrate
from intclass.components.finetune.card import CARD_NAME, model_card
from intclass.components.finetune.checkpoint import FOLDER_NAME as CHECKPOINTS
from intclass.components.finetune.compute import Compute, choose_compute, reproducible
from intclass.components.finetune.config import FinetuneConfig
from intclass.components.finetune.examples import Split
from intclass.components.finetune.inference import predict_logits
from intclass.components.finetune.job import Job, prepare
from intclass.components.finetune.log import MEASURED_FOLDER, TrainingLog
from intclass.components.finetune.loop import Fit, Training
from intclass.components.finetune.model import Encoder
from intclass.components.finetune.parallel.ddp import Ddp
from intclass.components.finetune.parallel.fsdp import Fsdp
from intclass.components.finetune.parallel.group import Place, join_group
from intclass.components.finetune.parallel.hogwild import Hogwild, adopt, work_in_shared_memory
from intclass.components.finetune.parallel.local_sgd import LocalSgd, refuse_other_starts
from intclass.components.finetune.parallel.parameter_server import (
    Meeting,
    ParameterServer,
    check_roles,
    cut,
    serve,
    work,
)
from intclass.components.finetune.parallel.shard import Shard
from intclass.components.finetune.parallel.strategy import Stepwise, Strategy
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.manifest import FILE_NAME as MANIFEST
from intclass.components.shared.manifest import Manifest, write_manifest

_DEFAULT: Final = FinetuneConfig()


def finetune(dataset: str | Path, out: str | Path, config: FinetuneConfig = _DEFAULT) -> Manifest:
    """Train a classifier on the dataset's train split and write it to the folder `out`, in Hugging Face format.

    The validation split decides when to stop, which epoch's weights to keep, and the temperature; the test split is
    never looked at. Beside the model and its tokenizer lie `calibration.json`, `training.jsonl`, a model card
    `README.md`, the folder `measured`, and last the manifest, which is returned. Its stats are numbers.

    Under torchrun or in a PyTorchJob all ranks call it with the same arguments; rank 0 writes. Until the end
    `out/checkpoints` holds the state from which the same call goes on.

    Raises ConfigError if the base model cannot be had or training diverges, RecordsError if a split or class is empty,
    StorageError if a folder cannot be read or written, LostRankError if another rank ended.
    """
    place = Place.of(os.environ)
    compute = choose_compute(config.device, config.precision, local_rank=place.local_rank)
    with reproducible(config.seed):
        match config.strategy:
            case "parameter-server":
                return _with_servers(dataset, out, config, place=place, compute=compute)
            case "hogwild":
                return _with_shared_memory(dataset, out, config, place=place, compute=compute)
            case _:
                return _with_group(dataset, out, config, place=place, compute=compute)


def _with_group(
    dataset: str | Path, out: str | Path, config: FinetuneConfig, *, place: Place, compute: Compute
) -> Manifest:
    """All ranks train alike, in torch's process group."""
    with join_group(place, compute.device) as group:
        refuse_other_starts(group, config.seed)
        job = prepare(dataset, config, compute=compute, ranks=group.size)
        shares = {"batch_tokens": job.batch_tokens, "pad_id": job.plan.pad_id}
        strategy: Stepwise
        if config.strategy == "local-sgd":
            strategy = LocalSgd(job.learner, group, config, **shares)
        elif config.strategy == "fsdp":
            strategy = Fsdp(job.learner, group, seed=config.seed, **shares)
        else:
            strategy = Ddp(job.learner, group, seed=config.seed, **shares)
        try:
            return cast("Manifest", group.broadcast(_train(job, strategy, out)))
        finally:
            strategy.close()


def _with_servers(
    dataset: str | Path, out: str | Path, config: FinetuneConfig, *, place: Place, compute: Compute
) -> Manifest:
    """Some ranks are servers, the others workers; rank 0, a server, leads."""
    check_roles(place, config.servers)
    job = prepare(dataset, config, compute=compute)
    job.counts["ranks"] = place.size
    meeting = Meeting(place, config.servers)
    if place.rank >= config.servers:
        plan = job.plan
        return Manifest(**work(job.learner, meeting, place.rank, job.epoch, seed=plan.seed, pad_id=plan.pad_id))
    shares = cut(job.learner.trained, config.servers)
    shard = Shard(shares[place.rank], job.recipe, consistency=config.consistency, staleness=config.staleness)
    if place.rank > 0:
        return Manifest(**serve(meeting, shard))
    strategy = ParameterServer(job.learner, meeting, shard)
    manifest = _train(job, strategy, out)
    assert manifest is not None
    strategy.close(asdict(manifest))
    return manifest


def _with_shared_memory(
    dataset: str | Path, out: str | Path, config: FinetuneConfig, *, place: Place, compute: Compute
) -> Manifest:
    """This process starts its workers itself."""
    if place.size > 1:
        raise ConfigError("strategy is 'hogwild', which starts its own --workers on one machine; start one rank")
    job = prepare(dataset, config, compute=compute)
    job.counts["ranks"] = config.workers
    strategy = Hogwild(job.learner, workers=config.workers, main=_hogwild_worker, arguments=(dataset, config))
    manifest = _train(job, strategy, out)
    strategy.close()
    assert manifest is not None
    return manifest


def _hogwild_worker(
    connection: Connection, number: int, weights: Sequence[torch.Tensor], dataset: str | Path, config: FinetuneConfig
) -> None:
    """The main function of a worker's process."""
    torch.set_num_threads(1)
    job = prepare(dataset, config, compute=choose_compute(config.device, config.precision))
    adopt(job.learner.model, weights)
    work_in_shared_memory(
        connection,
        number,
        job.learner,
        job.epoch,
        workers=config.workers,
        seed=config.seed,
        pad_id=job.plan.pad_id,
    )


def _train(job: Job, strategy: Strategy, out: str | Path) -> Manifest | None:
    """Train, calibrate, and on rank 0 write the folder; then the checkpoints go."""
    group = strategy.group
    log = TrainingLog(silent=not group.leads)
    log.write(**job.counts)
    fit = Training(strategy, job.splits, job.plan, log=log, checkpoints=job.checkpoints(out)).run()
    if not group.leads:
        return None
    job.encoder.model.load_state_dict(fit.best.weights)  # which may be whole here only
    calibration = _calibrate(job.encoder, job.splits[1], job.learner.compute)
    log.write(best_epoch=fit.best.epoch, **calibration.scalars)
    manifest = _write(job, fit, calibration, out=out, log=log)
    storage.delete(storage.join(out, CHECKPOINTS))
    return manifest


def _write(job: Job, fit: Fit, calibration: Calibration, *, out: str | Path, log: TrainingLog) -> Manifest:
    """The model's folder, with its manifest last."""
    options: dict[str, Any] = {**asdict(job.config), "target": job.encoder.target}
    with tempfile.TemporaryDirectory(prefix="intclass-model-") as temporary:  # transformers knows no gs://
        folder = Path(temporary)
        job.encoder.save(folder)
        calibration.save(folder)
        log.save(folder)
        (folder / CARD_NAME).write_text(model_card(options, job.counts, fit.best.scores, calibration))
        storage.delete(storage.join(out, MANIFEST))  # an older model's: the folder is not complete until the end
        storage.copy_folder(folder, out)
    return write_manifest(
        out,
        "finetune",
        config=options,
        inputs=job.inputs,
        counts={**job.counts, "epochs": fit.epochs, "best_epoch": fit.best.epoch},
        stats={
            **_stats(fit, calibration),
            "seconds": fit.seconds,
            "samples_per_second": fit.samples / fit.seconds,
        },
        ignore=(CHECKPOINTS, MEASURED_FOLDER),
    )


def _calibrate(encoder: Encoder, validation: Split, compute: Compute) -> Calibration:
    """Fitted in float32, in which a loaded model answers, whatever it was trained in."""
    exact = Compute(device=compute.device)
    model = encoder.model.to(compute.device)
    logits = predict_logits(model, validation.ids, pad_id=encoder.tokenizer.pad_token_id, compute=exact)
    return calibrate(logits, validation.labels)


def _stats(fit: Fit, calibration: Calibration) -> dict[str, float]:
    scores = {f"validation_{name}": value for name, value in asdict(fit.best.scores).items() if value is not None}
    return {**scores, **{name: value for name, value in calibration.scalars.items() if name != "examples"}}
