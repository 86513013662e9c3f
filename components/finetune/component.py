"""The KFP face of finetune."""

from typing import Any

from kfp import dsl

from intclass.components.shared.images import TRAIN


@dsl.component(base_image=TRAIN, install_kfp_package=False)
def finetune(
    examples: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    base_model: str,
    epochs: int,
    learning_rate: float,
    seed: int,
    options: dict[str, Any] = {},  # noqa: B006 - kfp reads the default
) -> str:
    """Train a sequence classifier on the examples; the best checkpoint is kept. Returns the model's place."""
    from intclass.components import finetune as stage
    from intclass.components.shared.storage import write_bytes

    config = stage.with_options(
        options, base_model=base_model, epochs=epochs, learning_rate=learning_rate or None, seed=seed
    )
    manifest = stage.finetune(examples.path, model.path, config)
    model.metadata.update(manifest.stats)
    for name, value in manifest.stats.items():
        metrics.log_metric(name, value)
    write_bytes(metrics.path, b"")  # kfp.local takes a task from its cache only if every artifact is a file
    return str(model.uri)
