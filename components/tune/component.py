"""The KFP face of tune: a study in this step, or a launcher that follows an Experiment of Katib."""

from kfp import dsl

from intclass.components.shared.images import TRAIN


@dsl.component(base_image=TRAIN, install_kfp_package=False)
def tune(
    examples: dsl.Input[dsl.Dataset],
    trials: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    launcher: str,
    run: str,
    queue: str,
    gpus: int,
    space: str,
    sampler: str,
    pruner: str,
    num_trials: int,
    parallel: int,
    base_model: str,
    epochs: int,
    seed: int,
    work_dir: str,
) -> dict:
    """Search for the options of finetune that do best: they are the result; all trials are a table and a page.

    With no trials there is no search: the result is empty, and finetune's options stay as they are.
    """
    if num_trials == 0:
        return {}
    from intclass.components import tune as stage
    from intclass.components.finetune import FinetuneConfig

    config = stage.TuneConfig(
        launcher=launcher,  # type: ignore[arg-type]
        sampler=sampler,  # type: ignore[arg-type]
        pruner=pruner,  # type: ignore[arg-type]
        trials=None if sampler == "pbt" else num_trials,
        parallel=parallel,
        seed=seed,
    )
    # The pods of an Experiment know the gs:// names; a study here can go on after a restart if `work_dir` outlives it.
    on_cluster = launcher == "kubernetes"
    dataset = examples.uri if on_cluster else examples.path
    out = trials.uri if on_cluster else f"{work_dir}/tune" if work_dir else trials.path
    base = FinetuneConfig(base_model=base_model, epochs=epochs, seed=seed)
    cluster = stage.ClusterConfig(queue=queue, gpus=gpus)
    manifest = stage.tune(dataset, out, stage.read_space(space), config, base=base, cluster=cluster, run=run)
    trials.metadata.update({**manifest.counts, **manifest.stats})
    stage.publish(out, trials.path, report.path)
    return stage.read_best(out)
