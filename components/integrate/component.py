"""The KFP faces of integrate: one shard, all of a run's shards as one job, and their outcomes in one folder."""

from kfp import dsl

from intclass.components.shared.images import CPU


@dsl.component(base_image=CPU, install_kfp_package=False)
def integrate(
    functions: dsl.Input[dsl.Dataset],
    outcomes: dsl.Output[dsl.Dataset],
    shard: int,
    num_shards: int,
    target: str,
    engines: str,
    limit_seconds: float,
    memory_mb: int,
    workers: int,
    work_dir: str,
    min_success_ratio: float,
) -> None:
    """Label the functions of one shard: elementary, nonelementary or unknown, each with its evidence."""
    from intclass.components import integrate as stage

    config = stage.IntegrateConfig(
        engines=stage.parse_engines(engines),
        limit_seconds=limit_seconds,
        memory_mb=memory_mb,
        workers=workers,
        shard=shard,
        num_shards=num_shards,
        journal=f"{work_dir}/integrate" if work_dir else None,
        ask_all=target == "solved",  # that target is about SymPy, whoever else has decided
    )
    may_fail = min_success_ratio < 1
    outcomes.metadata.update(stage.integrate_shard(functions.path, outcomes.path, config, may_fail=may_fail))


@dsl.component(base_image=CPU, install_kfp_package=False)
def integrate_job(
    functions: dsl.Input[dsl.Dataset],
    outcomes: dsl.Output[dsl.Dataset],
    num_shards: int,
    target: str,
    engines: str,
    limit_seconds: float,
    memory_mb: int,
    workers: int,
    work_dir: str,
    min_success_ratio: float,
    queue: str,
    run: str,
) -> str:
    """Label the functions in the pods of one Indexed Job: create it or find it again, follow it; returns the place."""
    from intclass.components import integrate as stage

    config = stage.IntegrateConfig(
        engines=stage.parse_engines(engines),
        limit_seconds=limit_seconds,
        memory_mb=memory_mb,
        workers=workers,
        num_shards=num_shards,
        journal=f"{work_dir}/integrate" if work_dir else None,
        ask_all=target == "solved",
    )
    # By their gs:// names, which the pods know: the files under .path are this container's own.
    places, job = (functions.uri, outcomes.uri), stage.JobConfig(queue=queue)
    counts = stage.integrate_on_cluster(*places, config, job, run=run, min_success_ratio=min_success_ratio)
    outcomes.metadata.update(counts)
    return str(outcomes.uri)


@dsl.component(base_image=CPU, install_kfp_package=False)
def gather(shards: dsl.Input[list[dsl.Dataset]], outcomes: dsl.Output[dsl.Dataset]) -> str:
    """Put the shards' outcomes side by side into one folder; returns its place."""
    from intclass.components.shared.storage import copy_folder

    for number, shard in enumerate(shards):
        copy_folder(shard.path, f"{outcomes.path}/shard-{number:05}")
    return str(outcomes.uri)
