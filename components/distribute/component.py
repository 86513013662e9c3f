"""The KFP face of distribute: a launcher that follows its job; the training itself runs in the job's own pods."""

from typing import Any

from kfp import dsl

from intclass.components.shared.images import LAUNCH


@dsl.component(base_image=LAUNCH, install_kfp_package=False)
def distribute(
    examples: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    launcher: str,
    nodes: int,
    gpus: int,
    gpu_type: str,
    queue: str,
    run: str,
    base_model: str,
    epochs: int,
    learning_rate: float,
    seed: int,
    options: dict[str, Any] = {},  # noqa: B006 - kfp reads the default
) -> str:
    """Train on several machines: create the job or find it again, follow its log; returns the model's place."""
    from intclass.components import distribute as stage
    from intclass.components.finetune import with_options
    from intclass.components.shared.storage import write_bytes

    config = stage.DistributeConfig(
        launcher=launcher,  # type: ignore[arg-type]
        nodes=nodes,
        gpus=gpus,
        node_selector={"cloud.google.com/gke-accelerator": gpu_type} if gpus and gpu_type else {},
        queue=queue,
    )
    training = with_options(
        options, base_model=base_model, epochs=epochs, learning_rate=learning_rate or None, seed=seed
    )
    # By their gs:// names, which the pods know: the files under .path are this container's own.
    manifest = stage.distribute(examples.uri, model.uri, config, training, run=run)
    model.metadata.update(manifest.stats)
    for name, value in manifest.stats.items():
        metrics.log_metric(name, value)
    write_bytes(metrics.path, b"")  # kfp.local takes a task from its cache only if every artifact is a file
    return str(model.uri)
