"""`intclass doctor`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated

import typer
from rich.console import Console

from intclass.components.shared.command import run as run_program
from intclass.components.shared.errors import ClusterError, StorageError
from intclass.pipelines.doctor.finding import Finding

_MARKS = {"ok": "[green]ok   [/]", "note": "[yellow]note [/]", "fault": "[red]fault[/]"}


def main(
    bucket: Annotated[
        str, typer.Option(metavar="gs://", help="Bucket, or a folder in it, that the runs will use.", show_default="")
    ] = "",
    namespace: Annotated[
        str | None, typer.Option(help="Where runs and their jobs will be.", show_default="the kubeconfig's")
    ] = None,
    queue: Annotated[str, typer.Option(help="Kueue's LocalQueue that jobs will wait in.", show_default="none")] = "",
    jobs: Annotated[
        bool, typer.Option("--jobs/--no-jobs", help="Start a small job as each service account, to try the bucket.")
    ] = True,
    wait_seconds: Annotated[int, typer.Option(min=10, help="How long each of these jobs may take.")] = 300,
) -> None:
    """Check a cluster before the first run: versions, kinds, rights, the bucket, images, the queue; say what to do.

    The bucket is tried from here and, by small jobs, as each service account from its own image. Exit code 2 says that
    something stops a run.

    Example: `intclass doctor --bucket gs://BUCKET --namespace intclass --queue intclass`
    """
    console = Console(highlight=False, soft_wrap=True)
    faults = 0
    for finding in examine(bucket, namespace=namespace, queue=queue, jobs=jobs, wait_seconds=wait_seconds):
        console.print(f"{_MARKS[finding.state]} {finding.what}" + (f": {finding.detail}" if finding.detail else ""))
        if finding.fix:
            console.print(f"      {finding.fix}")
        faults += finding.state == "fault"
    if faults:
        raise ClusterError(f"{faults} of the checks above stop a run")


def examine(
    bucket: str, *, namespace: str | None, queue: str, jobs: bool = True, wait_seconds: int = 300
) -> Iterator[Finding]:
    """All findings, as they come; raises ClusterError if there is no cluster or it does not answer."""
    from intclass.components.shared.kube import connect

    with contextlib.closing(connect(namespace)) as connection:
        from intclass.pipelines.doctor import cluster_checks, job_checks

        yield from cluster_checks.check_version(connection)
        yield from cluster_checks.check_kinds(connection)
        yield from _allowed("namespace", lambda: cluster_checks.check_namespace(connection))
        yield from _allowed("rights", lambda: cluster_checks.check_rights(connection))
        if queue:
            yield from _allowed("queue", lambda: cluster_checks.check_queue(connection, queue))
        if bucket:
            yield _try_bucket(bucket)
        if bucket and jobs:
            yield from job_checks.check_pods(connection, bucket, queue=queue, wait_seconds=wait_seconds)


def _allowed(what: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """The check's findings; a refusal of the server is one too."""
    from kubernetes.client.rest import ApiException

    from intclass.pipelines.doctor.cluster_checks import refusal

    try:
        yield from check()
    except ApiException as error:
        yield refusal(what, error)


def _try_bucket(bucket: str) -> Finding:
    from intclass.components.shared.probe import probe

    try:
        return Finding(what="bucket, from here", state="ok", detail=probe(bucket))
    except StorageError as error:
        fix = "gcloud auth application-default login, and roles/storage.objectUser for you"
        return Finding(what="bucket, from here", state="note", detail=str(error), fix=fix)


if __name__ == "__main__":
    run_program(main)
