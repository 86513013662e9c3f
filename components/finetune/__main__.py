"""`intclass finetune`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from intclass.components.finetune.config import (
    ClassWeights,
    Consistency,
    Encoding,
    FinetuneConfig,
    Optimizer,
    Positions,
    Precision,
    Schedule,
    Strategy,
)
from intclass.components.shared.command import run

_USUAL = FinetuneConfig()


def main(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Folder that `intclass dataset` wrote, or gs://.")],
    out: Annotated[str, typer.Option(metavar="DIR|gs://", help="Folder for the model.")],
    base_model: Annotated[
        str, typer.Option(metavar="NAME|DIR|gs://", help="`small`, a name on the Hugging Face hub, or a folder.")
    ] = _USUAL.base_model,
    revision: Annotated[
        str | None, typer.Option(help="Branch, tag or commit on the hub.", show_default="one with safetensors, or main")
    ] = _USUAL.revision,
    encoding: Annotated[
        Encoding | None,
        typer.Option(help="What the model reads.", show_default="prefix for small, prefix-tokens for others"),
    ] = _USUAL.encoding,
    train_examples: Annotated[
        int | None, typer.Option(metavar="N", help="Learn from N training examples only.", show_default="all")
    ] = _USUAL.train_examples,
    validation_examples: Annotated[
        int | None, typer.Option(metavar="N", help="Look at N validation examples only.", show_default="all")
    ] = _USUAL.validation_examples,
    epochs: Annotated[int, typer.Option(help="Passes over the train split, at most.")] = _USUAL.epochs,
    learning_rate: Annotated[
        float | None, typer.Option(help="Peak learning rate.", show_default="1e-3 for small, 5e-5 for others")
    ] = _USUAL.learning_rate,
    batch_tokens: Annotated[
        int | None, typer.Option(help="Tokens in one step.", show_default="1024 for small, 4096 for others")
    ] = _USUAL.batch_tokens,
    batch_growth: Annotated[
        float, typer.Option(metavar="FACTOR", help="How many times larger batches are in the last epoch.")
    ] = _USUAL.batch_growth,
    schedule: Annotated[Schedule, typer.Option(help="How the learning rate changes.")] = _USUAL.schedule,
    warmup_fraction: Annotated[
        float, typer.Option(help="Share of training in which the learning rate rises.")
    ] = _USUAL.warmup_fraction,
    weight_decay: Annotated[float, typer.Option(help="Decay of the weight matrices.")] = _USUAL.weight_decay,
    dropout: Annotated[float, typer.Option(help="Dropout; for a pretrained model, of its head.")] = _USUAL.dropout,
    patience: Annotated[
        int, typer.Option(help="Epochs without a better calibrated validation loss before training stops.")
    ] = _USUAL.patience,
    reorder_arguments: Annotated[
        bool, typer.Option(help="Shuffle the arguments of sums and products in each epoch (prefix words only).")
    ] = _USUAL.reorder_arguments,
    class_weights: Annotated[ClassWeights, typer.Option(help="Weight of each class.")] = _USUAL.class_weights,
    label_smoothing: Annotated[float, typer.Option(help="Share of the truth spread evenly.")] = _USUAL.label_smoothing,
    max_length: Annotated[int, typer.Option(help="Longer inputs lose their end.")] = _USUAL.max_length,
    seed: Annotated[int, typer.Option(help="Of the weights, the order and dropout.")] = _USUAL.seed,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = _USUAL.device,
    precision: Annotated[Precision, typer.Option(help="Of the products in the forward pass.")] = _USUAL.precision,
    compile: Annotated[bool, typer.Option(help="Compile the layers with torch.compile first.")] = _USUAL.compile,
    positions: Annotated[
        Positions, typer.Option(help="Where a word of `small` stands: in the expression's tree, or in the sequence.")
    ] = _USUAL.positions,
    hidden_size: Annotated[int, typer.Option(help="Width of `small`.")] = _USUAL.hidden_size,
    num_layers: Annotated[int, typer.Option(help="Layers of `small`.")] = _USUAL.num_layers,
    num_heads: Annotated[int, typer.Option(help="Attention heads of `small`.")] = _USUAL.num_heads,
    optimizer: Annotated[Optimizer, typer.Option(help="Of the weights.")] = _USUAL.optimizer,
    max_gradient_norm: Annotated[
        float, typer.Option(help="Longer gradients are cut; inf never cuts.")
    ] = _USUAL.max_gradient_norm,
    strategy: Annotated[
        Strategy, typer.Option(help="How several processes (torchrun, a PyTorchJob) train one model.")
    ] = _USUAL.strategy,
    average_every: Annotated[
        int, typer.Option(metavar="STEPS", help="local-sgd: steps between two averages.")
    ] = _USUAL.average_every,
    outer_momentum: Annotated[
        float, typer.Option(help="local-sgd: momentum on the averages (DiLoCo takes 0.9).")
    ] = _USUAL.outer_momentum,
    outer_learning_rate: Annotated[
        float | None, typer.Option(help="local-sgd: step along the average.", show_default="1, with momentum 0.7")
    ] = _USUAL.outer_learning_rate,
    consistency: Annotated[
        Consistency, typer.Option(help="parameter-server: when gradients are applied.")
    ] = _USUAL.consistency,
    staleness: Annotated[
        int, typer.Option(metavar="STEPS", help="parameter-server, stale: how far ahead a worker may be.")
    ] = _USUAL.staleness,
    servers: Annotated[int, typer.Option(help="parameter-server: ranks that hold the weights.")] = _USUAL.servers,
    workers: Annotated[int, typer.Option(help="hogwild: processes, which it starts itself.")] = _USUAL.workers,
    checkpoint_every: Annotated[
        int, typer.Option(metavar="STEPS", help="Steps between checkpoints; one after each epoch too.")
    ] = _USUAL.checkpoint_every,
    pause_after: Annotated[
        int | None, typer.Option(metavar="EPOCHS", help="End after so many; given again without it, it goes on.")
    ] = _USUAL.pause_after,
) -> None:
    """Train a classifier of integrands on a dataset, and write it in Hugging Face format.

    Each epoch prints one line of `name=value` metrics. The weights of the epoch with the lowest validation loss are
    kept, and their probabilities calibrated on the same split. An interrupted training goes on from its last
    checkpoint when the same command is given again, also under torchrun with another number of processes.

    Example: `intclass finetune runs/laptop/examples --out model --epochs 30`, then
    `intclass predict "x*exp(x**2)" --model model`
    """
    from intclass.components.finetune.stage import finetune

    config = FinetuneConfig(
        base_model=base_model,
        revision=revision,
        encoding=encoding,
        train_examples=train_examples,
        validation_examples=validation_examples,
        epochs=epochs,
        learning_rate=learning_rate,
        batch_tokens=batch_tokens,
        batch_growth=batch_growth,
        schedule=schedule,
        warmup_fraction=warmup_fraction,
        weight_decay=weight_decay,
        dropout=dropout,
        patience=patience,
        reorder_arguments=reorder_arguments,
        class_weights=class_weights,
        label_smoothing=label_smoothing,
        max_length=max_length,
        seed=seed,
        device=device,
        precision=precision,
        compile=compile,
        positions=positions,
        hidden_size=hidden_size,
        num_layers=num_layers,
        num_heads=num_heads,
        optimizer=optimizer,
        max_gradient_norm=max_gradient_norm,
        strategy=strategy,
        average_every=average_every,
        outer_momentum=outer_momentum,
        outer_learning_rate=outer_learning_rate,
        consistency=consistency,
        staleness=staleness,
        servers=servers,
        workers=workers,
        checkpoint_every=checkpoint_every,
        pause_after=pause_after,
    )
    manifest = finetune(dataset, out, config)
    if os.environ.get("RANK", "0") != "0":
        return  # rank 0 speaks for all
    stats, counts = manifest.stats, manifest.counts
    auroc = f", AUROC {stats['validation_auroc']:.3f}" if "validation_auroc" in stats else ""
    typer.echo(
        f"{out}: validation accuracy {stats['validation_accuracy']:.3f}{auroc} "
        f"after epoch {counts['best_epoch']} of {counts['epochs']}, {stats['seconds']:.0f} s"
    )


if __name__ == "__main__":
    run(main)
