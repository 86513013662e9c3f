"""The KFP face of dataset."""

from kfp import dsl

from intclass.components.shared.images import CPU


@dsl.component(base_image=CPU, install_kfp_package=False)
def dataset(
    outcomes: dsl.Input[dsl.Dataset],
    examples: dsl.Output[dsl.Dataset],
    data_card: dsl.Output[dsl.Markdown],
    report: dsl.Output[dsl.HTML],
    target: str,
    solved_within_seconds: float,
    hold_out_generators: str,
    hold_out_larger_than: int,
    hold_out_structures: float,
    seed: int,
    min_success_ratio: float,
) -> None:
    """Turn outcomes into labelled examples, split so that near-copies never cross."""
    from intclass.components import dataset as stage
    from intclass.components.shared.storage import read_bytes, write_bytes

    config = stage.DatasetConfig(
        target=target,
        solved_within_seconds=solved_within_seconds,
        hold_out_generators=tuple(filter(None, hold_out_generators.split(","))),
        hold_out_larger_than=hold_out_larger_than,
        hold_out_structures=hold_out_structures,
        seed=seed,
    )
    manifest = stage.build_dataset([outcomes.path], examples.path, config, min_success_ratio=min_success_ratio)
    examples.metadata.update(manifest.counts)
    for artifact, name in ((data_card, "README.md"), (report, "report.html")):
        write_bytes(artifact.path, read_bytes(f"{examples.path}/{name}"))
