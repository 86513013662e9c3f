"""The stage: finetune's training, on as many machines as asked for; the model lies where finetune alone leaves it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from intclass.components.distribute.config import DistributeConfig
from intclass.components.finetune.command_line import MODULE, finetune_arguments
from intclass.components.finetune.config import FinetuneConfig
from intclass.components.shared.errors import ClusterError, ConfigError
from intclass.components.shared.manifest import Manifest, read_manifest
from intclass.components.shared.signals import exit_on_signal, sigterm_handled
from intclass.components.shared.storage import is_remote

if TYPE_CHECKING:
    from intclass.components.shared.kube import ChildJob

TASK: Final = "distribute"
QUEUE_LABEL: Final = "kueue.x-k8s.io/queue-name"
_PATIENCE_SECONDS: Final = 60  # for a checkpoint, after SIGTERM


def distribute(
    dataset: str | Path, out: str | Path, config: DistributeConfig, training: FinetuneConfig, *, run: str = ""
) -> Manifest:
    """Train on `config.nodes` nodes and return the model's manifest; all nodes must see both folders.

    On a cluster `run` names the run that the job belongs to; empty, it is the Workflow that this pod is a step of. The
    step's next attempt, with the same run, finds the job again. The log of rank 0 is this process's own output.

    Raises ConfigError for options that make no sense, ClusterError if the job fails or the cluster refuses it.
    """
    if config.launcher == "local":
        _torchrun(config, finetune_arguments(str(dataset), str(out), training))
    else:
        for folder in (str(dataset), str(out)):
            if "://" in folder and not is_remote(folder):
                raise ConfigError(f"{folder}: the pods read and write gs://; give Kubeflow a pipeline root on gs://")
        _follow_on_cluster(dataset, out, config, training, run=run)
    return read_manifest(out)


def _follow_on_cluster(
    dataset: str | Path, out: str | Path, config: DistributeConfig, training: FinetuneConfig, *, run: str
) -> None:
    from intclass.components.shared.kube import connect

    with contextlib.closing(connect(config.namespace or None)) as connection:  # says so if there is no client
        from intclass.components.shared.kube import own_run, run_to_end

        found = run or own_run(connection)
        if not found:
            raise ConfigError("this is no step of a workflow; name the run that the job belongs to with --run")
        run_to_end(child_job(dataset, out, config, training, run=found), connection)


def child_job(
    dataset: str | Path, out: str | Path, config: DistributeConfig, training: FinetuneConfig, *, run: str
) -> ChildJob:
    """The job that `distribute` creates."""
    from intclass.components.shared.kube import PYTORCHJOB, TRAINJOB, ChildJob, Identity

    identity = Identity(run, TASK)
    arguments = finetune_arguments(str(dataset), str(out), training)
    queue = {QUEUE_LABEL: config.queue} if config.queue else {}
    if config.launcher == "trainjob":
        from intclass.components.distribute.trainjob import LEADER_LABELS, trainjob

        model = trainjob(config, arguments, labels=identity.labels)
        return ChildJob(kind=TRAINJOB, identity=identity, model=model, leader=LEADER_LABELS, labels=queue)
    from intclass.components.distribute.pytorchjob import leader_labels, pytorchjob

    model = pytorchjob(config, arguments, labels=identity.labels)
    return ChildJob(kind=PYTORCHJOB, identity=identity, model=model, leader=leader_labels(config), labels=queue)


def _torchrun(config: DistributeConfig, arguments: list[str]) -> None:
    """The same processes on this machine; a process that is lost is started again with the others."""
    processes = f"--nproc-per-node={config.nodes}"
    restarts = f"--max-restarts={config.max_restarts}"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", processes, restarts]
    process = subprocess.Popen([*torchrun, "-m", MODULE, *arguments])
    with _sigterm_passed_on(process):
        code = process.wait()
    if code != 0:
        raise ClusterError(f"torchrun ended with exit code {code}; what went wrong is in the log above")


@contextlib.contextmanager
def _sigterm_passed_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """On SIGTERM or any other way out, the processes are told and waited for."""
    try:
        with sigterm_handled(exit_on_signal):
            yield
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(_PATIENCE_SECONDS)
