"""The KFP face of generate."""

from kfp import dsl

from intclass.components.shared.images import CPU


@dsl.component(base_image=CPU, install_kfp_package=False)
def generate(
    functions: dsl.Output[dsl.Dataset],
    count: int,
    internal_nodes: str,
    grammar: str,
    families: str,
    seed: int,
    start_index: int,
    num_shards: int,
) -> list[int]:
    """Draw `count` distinct random functions; returns the numbers of the shards that integrate them."""
    from intclass.components import generate as stage

    config = stage.GenerateConfig(
        count=count,
        internal_nodes=stage.parse_internal_nodes(internal_nodes),
        grammar=grammar,
        families=stage.parse_families(families),
        seed=seed,
        start_index=start_index,
    )
    functions.metadata.update(stage.generate(functions.path, config).counts)
    return list(range(num_shards))
