"""`intclass distribute`."""

from __future__ import annotations

from typing import Annotated

import typer

from intclass.components.distribute.config import DistributeConfig, Launcher
from intclass.components.shared.command import run as run_program
from intclass.components.shared.kube.options import label_pairs

_USUAL = DistributeConfig()


def main(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Folder that `intclass dataset` wrote, or gs://.")],
    out: Annotated[str, typer.Option(metavar="DIR|gs://", help="Folder for the model; every node must see it.")],
    launcher: Annotated[
        Launcher, typer.Option(help="local: torchrun here; pytorchjob: Training Operator v1; trainjob: Trainer v2.")
    ] = _USUAL.launcher,
    run: Annotated[
        str,
        typer.Option(
            help="Run that the job belongs to; the same name finds the job again.", show_default="this pod's Workflow"
        ),
    ] = "",
    nodes: Annotated[int, typer.Option(help="Pods, the master among them; locally processes.")] = _USUAL.nodes,
    min_nodes: Annotated[
        int, typer.Option(help="Elastic (pytorchjob): goes on with as few nodes as that; 0 is not elastic.")
    ] = _USUAL.min_nodes,
    cpu: Annotated[str, typer.Option(help="Cores of a pod.")] = _USUAL.cpu,
    memory: Annotated[str, typer.Option(help="Memory of a pod.")] = _USUAL.memory,
    gpus: Annotated[int, typer.Option(help="NVIDIA GPUs of a pod, each with a process of its own.")] = _USUAL.gpus,
    node_selector: Annotated[
        list[str] | None, typer.Option(metavar="LABEL=VALUE", help="Label that a node must have; repeatable.")
    ] = None,
    spot: Annotated[bool, typer.Option(help="Allow spot machines, and prefer them.")] = _USUAL.spot,
    queue: Annotated[str, typer.Option(help="Kueue's LocalQueue that the job waits in.")] = _USUAL.queue,
    image: Annotated[str, typer.Option(help="Container image.")] = _USUAL.image,
    service_account: Annotated[
        str, typer.Option(help="Service account of the pods, for the bucket.")
    ] = _USUAL.service_account,
    namespace: Annotated[str, typer.Option(help="Where the job runs.", show_default="the present one")] = "",
    deadline_seconds: Annotated[int, typer.Option(help="The job ends after so long.")] = _USUAL.deadline_seconds,
    ttl_seconds: Annotated[
        int, typer.Option(help="How long a finished PyTorchJob can be looked at.")
    ] = _USUAL.ttl_seconds,
    max_restarts: Annotated[
        int, typer.Option(help="How often lost processes begin anew, under torchrun.")
    ] = _USUAL.max_restarts,
    options: Annotated[
        list[str] | None, typer.Argument(metavar="-- FINETUNE OPTIONS", help="As `intclass finetune` takes them.")
    ] = None,
) -> None:
    """Train one model on several nodes: finetune's training as a PyTorchJob, as a TrainJob, or under torchrun here.

    The log of rank 0 is printed as it is written. If this command is started again with the same --run while the job
    runs, it follows the same job; after Ctrl-C the job is deleted, and training goes on from its last checkpoint when
    the command is given again.

    Example: `intclass distribute gs://BUCKET/examples --out gs://BUCKET/model --launcher pytorchjob --run try-1
    --gpus 1 -- --base-model tbs17/MathBERT --epochs 5`
    """
    from intclass.components.distribute.stage import distribute
    from intclass.components.finetune.command_line import finetune_config

    config = DistributeConfig(
        launcher=launcher,
        nodes=nodes,
        min_nodes=min_nodes,
        cpu=cpu,
        memory=memory,
        gpus=gpus,
        node_selector=label_pairs("--node-selector", node_selector or []),
        spot=spot,
        queue=queue,
        image=image,
        service_account=service_account,
        namespace=namespace,
        deadline_seconds=deadline_seconds,
        ttl_seconds=ttl_seconds,
        max_restarts=max_restarts,
    )
    manifest = distribute(dataset, out, config, finetune_config(options or []), run=run)
    typer.echo(f"{out}: validation accuracy {manifest.stats['validation_accuracy']:.3f}, {nodes} nodes")


if __name__ == "__main__":
    run_program(main)
