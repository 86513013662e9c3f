"""`intclass tune`."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from intclass.components.shared.command import run as run_program
from intclass.components.shared.kube.options import label_pairs
from intclass.components.tune.config import (
    ClusterConfig,
    Executor,
    Kind,
    Launcher,
    Pruner,
    ResumePolicy,
    Sampler,
    TuneConfig,
)

_USUAL: Final = TuneConfig()
_CLUSTER: Final = ClusterConfig()


def main(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Folder that `intclass dataset` wrote, or gs://.")],
    out: Annotated[str, typer.Option(metavar="DIR|gs://", help="Folder for the study, its trials and the report.")],
    space: Annotated[
        str, typer.Option(metavar="small|pretrained|FILE", help="What is searched, as YAML: docs/tuning.md.")
    ] = "small",
    sampler: Annotated[Sampler, typer.Option(help="Who proposes trials.")] = _USUAL.sampler,
    pruner: Annotated[Pruner, typer.Option(help="Who stops them early.")] = _USUAL.pruner,
    trials: Annotated[
        int | None, typer.Option(help="In the whole study.", show_default="32; with pbt see --population")
    ] = _USUAL.trials,
    parallel: Annotated[int, typer.Option(help="Trials at the same time; 0: as many as fit.")] = _USUAL.parallel,
    objective: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="validation_loss, validation_accuracy, validation_auroc, latency_ms, parameters; repeatable.",
            show_default="validation_loss",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the proposals.")] = _USUAL.seed,
    first_epochs: Annotated[int, typer.Option(help="Epochs before a trial may be stopped.")] = _USUAL.first_epochs,
    reduction: Annotated[
        int, typer.Option(help="asha, hyperband: one of so many goes on, for so many times as long.")
    ] = _USUAL.reduction,
    startup_trials: Annotated[
        int, typer.Option(help="Before tpe and gp learn from results, and median stops trials.")
    ] = _USUAL.startup_trials,
    grid_points: Annotated[int, typer.Option(help="grid: values of each range.")] = _USUAL.grid_points,
    population: Annotated[int, typer.Option(help="pbt: members.")] = _USUAL.population,
    interval: Annotated[int, typer.Option(metavar="EPOCHS", help="pbt: length of a generation.")] = _USUAL.interval,
    truncation: Annotated[float, typer.Option(help="pbt: share that copies the best.")] = _USUAL.truncation,
    max_restarts: Annotated[
        int, typer.Option(help="How often a trial that was killed goes on from its checkpoint.")
    ] = _USUAL.max_restarts,
    max_failed: Annotated[int, typer.Option(help="Failed trials that a study bears.")] = _USUAL.max_failed,
    trial_seconds: Annotated[int, typer.Option(help="Longest time of a trial; 0: none.")] = _USUAL.trial_seconds,
    trial_memory_mb: Annotated[
        int, typer.Option(help="Memory to reckon with for a trial, for --parallel 0.")
    ] = _USUAL.trial_memory_mb,
    keep_models: Annotated[
        bool, typer.Option(help="Keep all models, not only those of the best trials.")
    ] = _USUAL.keep_models,
    launcher: Annotated[
        Launcher, typer.Option(help="Who drives the study. local: this command; kubernetes: Katib, an Experiment.")
    ] = _USUAL.launcher,
    executor: Annotated[
        Executor, typer.Option(help="Where this command's trials train: processes here, or Jobs on Kubernetes.")
    ] = _USUAL.executor,
    run: Annotated[
        str,
        typer.Option(
            help="kubernetes: run that trials belong to; the same name finds them again.",
            show_default="this pod's Workflow",
        ),
    ] = "",
    kind: Annotated[Kind, typer.Option(help="kubernetes: what a trial is.")] = _CLUSTER.kind,
    cpu: Annotated[str, typer.Option(help="kubernetes: cores of a trial.")] = _CLUSTER.cpu,
    memory: Annotated[str, typer.Option(help="kubernetes: memory of a trial.")] = _CLUSTER.memory,
    gpus: Annotated[int, typer.Option(help="kubernetes: NVIDIA GPUs of a trial.")] = _CLUSTER.gpus,
    node_selector: Annotated[
        list[str] | None, typer.Option(metavar="LABEL=VALUE", help="Label that a node must have; repeatable.")
    ] = None,
    spot: Annotated[bool, typer.Option(help="Allow spot machines, and prefer them.")] = _CLUSTER.spot,
    queue: Annotated[str, typer.Option(help="Kueue's LocalQueue that trials wait in.")] = _CLUSTER.queue,
    image: Annotated[str, typer.Option(help="Container image of a trial.")] = _CLUSTER.image,
    service_account: Annotated[
        str, typer.Option(help="Service account of the trials, for the bucket.")
    ] = _CLUSTER.service_account,
    namespace: Annotated[str, typer.Option(help="Where trials run.", show_default="the present one")] = "",
    resume_policy: Annotated[
        ResumePolicy, typer.Option(help="Whether Katib keeps the sampler after the end.")
    ] = _CLUSTER.resume_policy,
    retain: Annotated[bool, typer.Option(help="Keep the trials' pods, for their logs.")] = _CLUSTER.retain,
    deadline_seconds: Annotated[
        int, typer.Option(help="kubernetes: a trial ends after so long.")
    ] = _CLUSTER.deadline_seconds,
    options: Annotated[
        list[str] | None, typer.Argument(metavar="-- FINETUNE OPTIONS", help="Those that are not searched.")
    ] = None,
) -> None:
    """Search for the options of `intclass finetune` that do best on a dataset.

    Every trial is a training in a process of its own, or with `--executor kubernetes` in a Job; each epoch's metrics
    decide whether it goes on. A study that was interrupted, however hard, goes on when the same command is given again,
    and the same command given twice on one machine shares the trials among both. OUT/report.html shows all of them,
    OUT/best.json has the best options.

    Example: `intclass tune runs/laptop/examples --out study --trials 24 -- --epochs 15`
    """
    from intclass.components.finetune.command_line import finetune_config
    from intclass.components.tune.reading import read_space
    from intclass.components.tune.stage import tune

    config = TuneConfig(
        sampler=sampler,
        pruner=pruner,
        trials=trials,
        parallel=parallel,
        objectives=tuple(objective or _USUAL.objectives),
        seed=seed,
        first_epochs=first_epochs,
        reduction=reduction,
        startup_trials=startup_trials,
        grid_points=grid_points,
        population=population,
        interval=interval,
        truncation=truncation,
        max_restarts=max_restarts,
        max_failed=max_failed,
        trial_seconds=trial_seconds,
        trial_memory_mb=trial_memory_mb,
        keep_models=keep_models,
        launcher=launcher,
        executor=executor,
    )
    cluster = ClusterConfig(
        kind=kind,
        cpu=cpu,
        memory=memory,
        gpus=gpus,
        node_selector=label_pairs("--node-selector", node_selector or []),
        spot=spot,
        queue=queue,
        image=image,
        service_account=service_account,
        namespace=namespace,
        resume_policy=resume_policy,
        retain=retain,
        deadline_seconds=deadline_seconds,
    )
    base = finetune_config(options or [])
    manifest = tune(dataset, out, read_space(space), config, base=base, cluster=cluster, run=run)
    best = " ".join(f"{name}={manifest.stats[name]:.4g}" for name in config.objectives)
    counts = manifest.counts
    typer.echo(f"{out}: {best} in trial {counts['best_trial']} of {counts['trials']} ({counts['complete']} to the end)")


if __name__ == "__main__":
    run_program(main)
