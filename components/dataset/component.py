"""The KFP face of dataset."""

from kfp import dsl

from intclass.components.shared.images import CPU


@dsl.component(base_image=CPU, install_kfp_package=False)
def dataset(
    outcomes: dsl.Input[list[dsl.Dataset]],
    examples: dsl.Output[dsl.Dataset],
    data_card: dsl.Output[dsl.Markdown],
    target: str,
    solved_within_seconds: float,
    seed: int,
) -> None:
    """Turn the shards' outcomes into labelled examples, split so that near-copies never cross."""
    from pathlib import Path

    from intclass.components import dataset as stage

    config = stage.DatasetConfig(target=target, solved_within_seconds=solved_within_seconds, seed=seed)
    manifest = stage.build_dataset([shard.path for shard in outcomes], examples.path, config)
    examples.metadata.update(manifest.counts)
    Path(data_card.path).write_text(Path(examples.path, "README.md").read_text())
