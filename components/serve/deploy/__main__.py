"""`intclass deploy`."""

from __future__ import annotations

from typing import Annotated

import typer

from intclass.components.serve.deploy.config import DeployConfig, Metric, Mode, Runtime
from intclass.components.shared.command import run as run_program
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.kube.options import label_pairs

_USUAL = DeployConfig()


def main(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Model folder below gs://, from `intclass finetune`.")],
    name: Annotated[str, typer.Option(help="Of the InferenceService, and of the model in its URLs.")] = _USUAL.name,
    namespace: Annotated[str, typer.Option(help="Where it runs.", show_default="the present one")] = "",
    mode: Annotated[
        Mode, typer.Option(help="standard: a Deployment (RawDeployment of old); knative: revisions, down to no pod.")
    ] = _USUAL.mode,
    runtime: Annotated[
        Runtime, typer.Option(help="intclass: our server; huggingface: KServe's own, which only predicts.")
    ] = _USUAL.runtime,
    image: Annotated[str, typer.Option(help="Container image, for the runtime intclass.")] = _USUAL.image,
    service_account: Annotated[
        str, typer.Option(help="Service account of the pods, for the bucket.")
    ] = _USUAL.service_account,
    cpu: Annotated[str, typer.Option(help="Cores of a pod.")] = _USUAL.cpu,
    memory: Annotated[str, typer.Option(help="Memory of a pod.")] = _USUAL.memory,
    gpus: Annotated[int, typer.Option(help="NVIDIA GPUs of a pod.")] = _USUAL.gpus,
    node_selector: Annotated[
        list[str] | None, typer.Option(metavar="LABEL=VALUE", help="Label that a node must have; repeatable.")
    ] = None,
    min_replicas: Annotated[int, typer.Option(help="Pods at least; 0 with knative only.")] = _USUAL.min_replicas,
    max_replicas: Annotated[int, typer.Option(help="Pods at most.")] = _USUAL.max_replicas,
    metric: Annotated[
        Metric, typer.Option(help="What is scaled by: cpu, memory (standard), concurrency, rps (knative).")
    ] = _USUAL.metric,
    target: Annotated[
        int, typer.Option(help="What a pod is to have of it, in percent for cpu and memory; 0 takes the usual.")
    ] = _USUAL.target,
    startup_seconds: Annotated[
        int, typer.Option(help="A container that is not ready then is started again.")
    ] = _USUAL.startup_seconds,
    ready_seconds: Annotated[
        float, typer.Option(help="How long to wait for pods, new nodes and images included.")
    ] = _USUAL.ready_seconds,
    canary_steps: Annotated[
        str, typer.Option(metavar="PERCENT,...", help="Shares of the traffic before all, with knative.")
    ] = ",".join(map(str, _USUAL.canary_steps)),
    watch_seconds: Annotated[
        float, typer.Option(help="How long a new model is watched at each step.")
    ] = _USUAL.watch_seconds,
    max_error_rate: Annotated[
        float, typer.Option(help="Share of failed requests at which the old model is put back.")
    ] = _USUAL.max_error_rate,
    through: Annotated[
        str, typer.Option(metavar="URL", help="The ingress gateway, where the service's own name is unknown here.")
    ] = _USUAL.through,
    question: Annotated[
        list[str] | None, typer.Option(help="One more golden question; repeatable.", show_default=False)
    ] = None,
    run: Annotated[
        str, typer.Option(help="Run that made the model, for the labels.", show_default="this pod's Workflow")
    ] = "",
    dry: Annotated[bool, typer.Option("--dry-run", help="Print the objects as YAML, and stop.")] = False,
    options: Annotated[
        list[str] | None, typer.Argument(metavar="-- SERVE OPTIONS", help="As `intclass serve` takes them.")
    ] = None,
) -> None:
    """Serve a model on a cluster with KServe, or put it in the place of the one that is served there.

    Waits until the service is ready, and holds its answers against the model's own. A new model is tried beside the
    old one first; should it not get ready, answer wrongly or fail too often, the old one stays or is put back. If this
    command is started again while a rollout is unfinished, it goes on with it; after Ctrl-C the old model is put back.

    Example: `intclass deploy gs://BUCKET/model --name integrable --namespace models -- --solvers 2`
    """
    from intclass.components.serve.command import serve_config
    from intclass.components.serve.deploy.golden import INTEGRANDS
    from intclass.components.serve.deploy.stage import GRACE, deploy, dry_run

    config = DeployConfig(
        name=name,
        namespace=namespace,
        mode=mode,
        runtime=runtime,
        image=image,
        service_account=service_account,
        cpu=cpu,
        memory=memory,
        gpus=gpus,
        node_selector=label_pairs("--node-selector", node_selector or []),
        min_replicas=min_replicas,
        max_replicas=max_replicas,
        metric=metric,
        target=target,
        startup_seconds=startup_seconds,
        ready_seconds=ready_seconds,
        canary_steps=_steps(canary_steps),
        watch_seconds=watch_seconds,
        max_error_rate=max_error_rate,
        through=through,
    )
    serving = serve_config([*GRACE, *(options or [])])
    if dry:
        typer.echo(dry_run(model, config, serving=serving, run=run), nl=False)
        return
    answers = deploy(model, config, serving=serving, questions=[*INTEGRANDS, *(question or [])], run=run)
    typer.echo(f"{name}: serves {model}, and answers {len(answers)} golden questions as the model does")


def _steps(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(step) for step in text.split(",") if step)
    except ValueError:
        raise ConfigError(f"--canary-steps {text}: write percentages such as 10,50") from None


if __name__ == "__main__":
    run_program(main)
