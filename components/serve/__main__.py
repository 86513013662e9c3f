"""`intclass serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from intclass.components.serve.config import ServeConfig
from intclass.components.shared.command import run

if TYPE_CHECKING:
    from intclass.components.finetune.config import Precision

_USUAL = ServeConfig()


def main(
    model: Annotated[
        str | None,
        typer.Option(metavar="DIR|gs://", help="Model folder.", show_default="the last run's, else the shipped one"),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Interface to listen on; 0.0.0.0 for all, as in a container.")
    ] = _USUAL.host,
    port: Annotated[int, typer.Option(help="Port for HTTP; 0 takes a free one.")] = _USUAL.port,
    grpc_port: Annotated[int | None, typer.Option(help="Port for V2 over gRPC.", show_default="no gRPC")] = None,
    model_name: Annotated[str, typer.Option(help="The model's name in the URLs.")] = _USUAL.model_name,
    workers: Annotated[
        int, typer.Option(help="Processes, each with the model in its memory; one a core serves most.")
    ] = _USUAL.workers,
    batch_size: Annotated[int, typer.Option(help="Most expressions in one forward pass.")] = _USUAL.batch_size,
    precision: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = _USUAL.precision,
    max_instances: Annotated[int, typer.Option(help="Most expressions in one request.")] = _USUAL.max_instances,
    max_body_bytes: Annotated[int, typer.Option(help="Largest request body.")] = _USUAL.max_body_bytes,
    max_concurrent: Annotated[int, typer.Option(help="Most requests at once in one worker.")] = _USUAL.max_concurrent,
    body_seconds: Annotated[float, typer.Option(help="Time for a client to send a body.")] = _USUAL.body_seconds,
    grace_seconds: Annotated[
        float, typer.Option(help="Time after SIGTERM in which it is not ready, but still answers.")
    ] = _USUAL.grace_seconds,
    drain_seconds: Annotated[int, typer.Option(help="Time to finish requests then.")] = _USUAL.drain_seconds,
    solvers: Annotated[int, typer.Option(help="Integrands solved at once on request; 0 for none.")] = _USUAL.solvers,
    engines: Annotated[str, typer.Option(help="Engines to solve with, as in `intclass integrate`.")] = _USUAL.engines,
    solve_seconds: Annotated[float, typer.Option(help="Time for each engine to solve one.")] = _USUAL.solve_seconds,
    solve_deadline_seconds: Annotated[
        float, typer.Option(help="Time for all that a request wants solved, its time in the queue included.")
    ] = _USUAL.solve_deadline_seconds,
    solver_memory_mb: Annotated[int, typer.Option(help="Memory for each solver.")] = _USUAL.solver_memory_mb,
    max_solved: Annotated[int, typer.Option(help="Most expressions to solve in one request.")] = _USUAL.max_solved,
) -> None:
    """Serve a model to KServe's V1 and V2 clients, until Ctrl-C or SIGTERM.

    Start it with `intclass serve`, and ask from another terminal:

        curl http://127.0.0.1:8080/v1/models/intclass:predict -d '{"instances": ["x*exp(x**2)", "exp(x**2)"]}'

    With `"solve": true` beside the instances it also tries to integrate them, and says what it found and how it was
    checked, or what proves that there is nothing to find.

    Metrics for Prometheus are at /metrics, readiness is at /v2/health/ready.
    """
    from intclass.components.serve.server import serve
    from intclass.components.shared.last_run import usual_model

    config = ServeConfig(
        host=host,
        port=port,
        grpc_port=grpc_port,
        model_name=model_name,
        workers=workers,
        batch_size=batch_size,
        precision=cast("Precision", precision),
        max_instances=max_instances,
        max_body_bytes=max_body_bytes,
        max_concurrent=max_concurrent,
        body_seconds=body_seconds,
        grace_seconds=grace_seconds,
        drain_seconds=drain_seconds,
        solvers=solvers,
        engines=engines,
        solve_seconds=solve_seconds,
        solve_deadline_seconds=solve_deadline_seconds,
        solver_memory_mb=solver_memory_mb,
        max_solved=max_solved,
    )
    serve(model or usual_model(), config)


if __name__ == "__main__":
    run(main)
