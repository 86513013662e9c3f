"""The command line: `intclass`. Each stage's command is the stage's own, the same as `python -m`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from intclass.components.dataset.__main__ import main as dataset
from intclass.components.distribute.__main__ import main as distribute
from intclass.components.evaluate.__main__ import main as evaluate
from intclass.components.evaluate.compare_models import main as compare_models
from intclass.components.evaluate.relabel import main as relabel
from intclass.components.finetune.__main__ import main as finetune
from intclass.components.finetune.comparison.__main__ import main as compare_strategies
from intclass.components.finetune.predict import main as predict
from intclass.components.generate.__main__ import main as generate
from intclass.components.integrate.__main__ import main as integrate
from intclass.components.serve.__main__ import main as serve
from intclass.components.serve.deploy.__main__ import main as deploy
from intclass.components.shared.command import application, guarded
from intclass.components.shared.manifest import program_version
from intclass.components.tune.__main__ import main as tune
from intclass.pipelines.doctor.__main__ import main as doctor
from intclass.pipelines.estimate.__main__ import main as estimate
from intclass.pipelines.presets import PRESETS
from intclass.pipelines.triage import main as triage

app = application(
    no_args_is_help=True,
    help="Labels random functions as integrable or not, learns to predict it, and serves the answer.\n\n"
    "`intclass run` does all of it on this machine; the other commands do one step each.",
)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        typer.echo(program_version())
        raise typer.Exit


@app.command()
def run(
    preset: Annotated[str, typer.Option(help=f"What size of run: {', '.join(PRESETS)}.")] = "laptop",
    out: Annotated[
        Path | None, typer.Option(help="Folder for everything the run makes.", show_default="runs/PRESET")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Set one pipeline parameter; repeatable.")
    ] = None,
    runner: Annotated[
        str, typer.Option(help="Each step is a process, or a container of its own image: process, docker, podman.")
    ] = "process",
) -> None:
    """Run the whole compiled pipeline on this machine, from random functions to an answering model.

    What an earlier run with the same options finished is reused; an interrupted run goes on where it stopped.

    Example: `intclass run --preset laptop --set count=500 --set seed=1`
    """
    from intclass.pipelines.story import run_and_tell

    run_and_tell(preset, out or Path("runs") / preset, assignments or [], runner=runner)


@app.command()
def presets() -> None:
    """List the presets of `run` with their arguments."""
    table = Table("preset", "purpose", "arguments")
    for preset in PRESETS.values():
        table.add_row(preset.name, preset.purpose, ", ".join(f"{k}={v}" for k, v in preset.arguments.items()))
    Console().print(table)


@app.command(name="compile")
def compile_(
    target: Annotated[
        str | None, typer.Option(help="kubeflow, or vertex for Vertex AI Pipelines.", show_default="both")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write the YAML.", show_default="the committed files")
    ] = None,
) -> None:
    """Compile the pipelines to the YAML that Kubeflow takes and that `intclass run` executes.

    Vertex AI's client reads one document without settings of Kubernetes: `--target vertex`. With `--out` it is the
    pipeline integrability alone that is written.
    """
    from intclass.pipelines.compiling import FILES, KUBEFLOW, compile_pipeline, compiled_file

    if target:
        compiled_file(target=target)  # refuses an unknown one
    if out:
        typer.echo(compile_pipeline(out, target=target or KUBEFLOW))
        return
    for (pipeline, each), path in FILES.items():
        if target in (None, each):
            typer.echo(compile_pipeline(path, pipeline=pipeline, target=each))


@app.command()
def submit(
    host: Annotated[str, typer.Option(help="Address of the Kubeflow Pipelines server.")],
    pipeline: Annotated[
        str, typer.Option(help="integrability, or growing: adds to a dataset in each run.")
    ] = "integrability",
    preset: Annotated[
        str | None, typer.Option(help="Arguments to start from.", show_default="the pipeline's own defaults")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Set one pipeline parameter; repeatable.")
    ] = None,
    experiment: Annotated[str, typer.Option(help="Experiment that the run belongs to.")] = "intclass",
    run_name: Annotated[str | None, typer.Option(help="Name of the run.", show_default="pipeline and version")] = None,
    cron: Annotated[
        str | None,
        typer.Option(metavar="EXPRESSION", help="Start it again and again: `0 0 2 * * *` is at 2:00:00 every night."),
    ] = None,
    pipeline_root: Annotated[
        str | None, typer.Option(metavar="gs://", help="Where artifacts go.", show_default="the server's own")
    ] = None,
    service_account: Annotated[
        str | None, typer.Option(help="Of the steps' pods.", show_default="the server's own")
    ] = None,
    namespace: Annotated[str | None, typer.Option(help="On a server of many users.")] = None,
) -> None:
    """Upload the compiled pipeline as a version named by its git revision, start or schedule it, print its address.

    With `--cron` runs never overlap, and what was missed is not made up for. `--pipeline growing` goes on in each run
    where the last one ended, and trains when the dataset has grown enough.

    Example: `intclass submit --host http://localhost:8080 --pipeline growing --cron "0 0 2 * * *"
    --set folder=gs://BUCKET/growing`
    """
    from intclass.pipelines.arguments import parse_assignments
    from intclass.pipelines.compiling import compiled_file
    from intclass.pipelines.presets import find_preset
    from intclass.pipelines.submit import Submission, submit_pipeline

    compiled = compiled_file(pipeline)
    chosen = parse_assignments(assignments or [], compiled)
    submission = Submission(
        compiled=compiled,
        pipeline=pipeline,
        arguments={**(find_preset(preset).arguments if preset else {}), **chosen},
        experiment=experiment,
        run_name=run_name,
        cron=cron,
        pipeline_root=pipeline_root,
        service_account=service_account,
        namespace=namespace,
    )
    typer.echo(submit_pipeline(host, submission))


@app.command()
def reap(
    run: Annotated[str, typer.Argument(help="Name of the run: its Argo Workflow, or what --run said.")],
    namespace: Annotated[str | None, typer.Option(help="Default: the kubeconfig's, or this pod's own.")] = None,
) -> None:
    """Delete the jobs that a run has left on the cluster, with their pods.

    Example: `intclass reap integrability-x7k2p --namespace kubeflow`
    """
    import contextlib

    from intclass.components.shared.kube import connect
    from intclass.components.shared.kube import reap as delete_jobs

    with contextlib.closing(connect(namespace)) as connection:
        deleted = delete_jobs(run, connection)
    typer.echo("\n".join(f"deleted {job}" for job in deleted) or f"run {run} has left nothing")


for _command in (
    generate,
    integrate,
    dataset,
    finetune,
    distribute,
    tune,
    evaluate,
    predict,
    serve,
    deploy,
    doctor,
    estimate,
    triage,
):
    app.command(name=_command.__module__.split(".")[-1 if _command in (predict, triage) else -2])(_command)
app.command(name="relabel")(relabel)
app.command(name="compare-strategies")(compare_strategies)
app.command(name="compare-models")(compare_models)


def main() -> None:
    """Entry point of the program `intclass`."""
    guarded(app)
