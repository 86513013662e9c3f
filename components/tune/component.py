"""The KFP faces of tune: a study in this step, and one whose trials are pods, by Katib or by the step itself.

Both return the best options of finetune, as a parameter; none for 0 trials, which search nothing.
"""

from kfp import dsl

from intclass.components.shared.images import TRAIN


@dsl.component(base_image=TRAIN, install_kfp_package=False)
def tune(
    examples: dsl.Input[dsl.Dataset],
    trials: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    space: str,
    sampler: str,
    pruner: str,
    num_trials: int,
    parallel: int,
    base_model: str,
    epochs: int,
    seed: int,
    work_dir: str,
) -> dict:  # type: ignore[type-arg] # kfp reads it
    """Search for the options of finetune that do best, trial by trial in this step's own processes."""
    from intclass.components import tune as stage
    from intclass.components.finetune import FinetuneConfig

    if num_trials == 0:
        return {}
    config = stage.TuneConfig(
        sampler=sampler,  # type: ignore[arg-type]
        pruner=pruner,  # type: ignore[arg-type]
        trials=num_trials,
        parallel=parallel,
        seed=seed,
    )
    base = FinetuneConfig(base_model=base_model, epochs=epochs, seed=seed)
    out = f"{work_dir}/tune" if work_dir else trials.path  # where a restart finds the study again
    manifest = stage.tune(examples.path, out, stage.read_space(space), config, base=base)
    trials.metadata.update({**manifest.counts, **manifest.stats})
    stage.publish(out, trials.path, report.path)
    return stage.read_best(out)


@dsl.component(base_image=TRAIN, install_kfp_package=False)
def tune_in_pods(
    examples: dsl.Input[dsl.Dataset],
    trials: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    space: str,
    sampler: str,
    pruner: str,
    num_trials: int,
    parallel: int,
    by: str,
    gpus: int,
    gpu_type: str,
    queue: str,
    run: str,
    base_model: str,
    epochs: int,
    seed: int,
) -> dict:  # type: ignore[type-arg] # kfp reads it
    """Search for the options of finetune that do best, by `katib` (an Experiment) or by `jobs` of this step's own."""
    from intclass.components import tune as stage
    from intclass.components.finetune import FinetuneConfig

    if num_trials == 0:
        return {}
    config = stage.TuneConfig(
        **stage.in_pods(by),  # type: ignore[arg-type]
        sampler=sampler,  # type: ignore[arg-type]
        pruner=pruner,  # type: ignore[arg-type]
        trials=num_trials,
        parallel=parallel,
        seed=seed,
    )
    selector = {"cloud.google.com/gke-accelerator": gpu_type} if gpus and gpu_type else {}
    cluster = stage.ClusterConfig(gpus=gpus, node_selector=selector, queue=queue)
    base = FinetuneConfig(base_model=base_model, epochs=epochs, seed=seed)
    # By their gs:// names, which the pods know: the files under .path are this container's own.
    manifest = stage.tune(
        examples.uri, trials.uri, stage.read_space(space), config, base=base, cluster=cluster, run=run
    )
    trials.metadata.update({**manifest.counts, **manifest.stats})
    stage.publish(trials.uri, trials.uri, report.path)
    return stage.read_best(trials.uri)
