"""The KFP face of integrate: one shard."""

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
