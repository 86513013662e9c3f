"""Integrating on a cluster: the shards are the pods of one Indexed Job."""

from __future__ import annotations

import contextlib
import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from intclass.components.integrate.config import IntegrateConfig
from intclass.components.integrate.persistence import ATTEMPTS
from intclass.components.shared import storage
from intclass.components.shared.errors import ClusterError, ConfigError
from intclass.components.shared.images import CPU
from intclass.components.shared.kube.quantities import check_quantity
from intclass.components.shared.manifest import is_complete, read_manifest

if TYPE_CHECKING:
    from kubernetes.client.models import V1Job

    from intclass.components.shared.kube import ChildJob

MODULE: Final = "intclass.components.integrate"
TASK: Final = "integrate"
QUEUE_LABEL: Final = "kueue.x-k8s.io/queue-name"
_LEADER: Final = {"batch.kubernetes.io/job-completion-index": "0"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class JobConfig:
    """The machines that integrate side by side.

    Attributes:
        parallelism: Pods at a time, at most; each takes one shard after another until none is left.
        cpu: Cores of a pod, as Kubernetes writes them; without `workers` it has one worker for each.
        memory: Memory of a pod, as Kubernetes writes it.
        node_selector: Labels that a node must have.
        spot: Whether pods may run on spot machines, which are preferred where there are any.
        queue: Kueue's LocalQueue; the job is created suspended, and Kueue lets it start. Empty: no queue.
        image: The container image.
        service_account: Whose rights the pods have in the bucket.
        namespace: Where the job runs; empty takes this pod's own, or the kubeconfig's.
        deadline_seconds: After so long the job is ended, finished or not.
        ttl_seconds: How long the finished job can be looked at before it is deleted.
    """

    parallelism: int = 32
    cpu: str = "4"
    memory: str = "16Gi"
    node_selector: Mapping[str, str] = field(default_factory=dict)
    spot: bool = True
    queue: str = ""
    image: str = CPU
    service_account: str = "intclass-cpu"
    namespace: str = ""
    deadline_seconds: int = 24 * 3600
    ttl_seconds: int = 24 * 3600

    def __post_init__(self) -> None:
        for name, least in {"parallelism": 1, "deadline_seconds": 1, "ttl_seconds": 0}.items():
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; give at least {least}")
        for name in ("cpu", "memory"):
            check_quantity(name, getattr(self, name))

    @property
    def gpus(self) -> int:
        """None: no engine uses one."""
        return 0


def integrate_on_cluster(
    functions: str | Path,
    out: str | Path,
    config: IntegrateConfig,
    job: JobConfig,
    *,
    run: str = "",
    min_success_ratio: float = 1.0,
) -> dict[str, int]:
    """`integrate` every shard in a pod of its own, into `out/shard-00003-of-00010`; returns their counts, added up.

    A pod that its machine loses costs no attempt; one that fails is tried ATTEMPTS times, each going on where the one
    before it stopped. Below a `min_success_ratio` of 1 some shards may be missing in the end. `run` names the run that
    the job belongs to; empty, it is the Workflow that this pod is a step of.

    Raises ConfigError for options that make no sense, ClusterError if too few shards come out or the cluster refuses.
    """
    for folder in (str(functions), str(out)):
        if "://" in folder and not storage.is_remote(folder):
            raise ConfigError(f"{folder}: the pods read and write gs://; give Kubeflow a pipeline root on gs://")
    may_be_missing = math.floor((1 - min_success_ratio) * config.num_shards + 1e-9)
    try:
        _follow(functions, out, config, job, run=run, may_be_missing=may_be_missing)
    except ClusterError as error:
        missing = config.num_shards - len(_finished_shards(out, config.num_shards))
        if missing > may_be_missing:
            raise
        _log.warning("going on without %d of %d shards: %s", missing, config.num_shards, error)
    return _added_up(out, config.num_shards)


def child_job(
    functions: str | Path,
    out: str | Path,
    config: IntegrateConfig,
    job: JobConfig,
    *,
    run: str,
    may_be_missing: int = 0,
) -> ChildJob:
    """The job that `integrate_on_cluster` creates."""
    from intclass.components.shared.kube import JOB, ChildJob, Identity

    identity = Identity(run, TASK)
    arguments = _arguments(functions, out, config, workers=config.workers or _cores(job.cpu))
    model = _indexed_job(arguments, config, job, labels=identity.labels, may_be_missing=may_be_missing)
    queue = {QUEUE_LABEL: job.queue} if job.queue else {}
    return ChildJob(kind=JOB, identity=identity, model=model, leader=_LEADER, labels=queue)


def _follow(
    functions: str | Path, out: str | Path, config: IntegrateConfig, job: JobConfig, *, run: str, may_be_missing: int
) -> None:
    from intclass.components.shared.kube import connect

    with contextlib.closing(connect(job.namespace or None)) as connection:  # says so if there is no client
        from intclass.components.shared.kube import own_run, run_to_end

        found = run or own_run(connection)
        if not found:
            raise ConfigError("this is no step of a workflow; name the run that the job belongs to")
        run_to_end(child_job(functions, out, config, job, run=found, may_be_missing=may_be_missing), connection)


def _arguments(functions: str | Path, out: str | Path, config: IntegrateConfig, *, workers: int) -> list[str]:
    """The pods' command line; the shard of each is its completion index."""
    options = {
        "out": out,
        "engines": ",".join(config.engines),
        "limit-seconds": config.limit_seconds,
        "memory-mb": config.memory_mb,
        "workers": workers,
        "scheduler": config.scheduler,
        "num-shards": config.num_shards,
        **({"journal": config.journal} if config.journal else {}),
    }
    flags = [f"--{name.replace('_', '-')}" for name in ("ask_all", "search_known") if getattr(config, name)]
    return [str(functions), *(text for name, value in options.items() for text in (f"--{name}", str(value))), *flags]


def _indexed_job(
    arguments: Sequence[str],
    config: IntegrateConfig,
    job: JobConfig,
    *,
    labels: Mapping[str, str],
    may_be_missing: int,
) -> V1Job:
    """One pod for each shard; its metadata is left out."""
    from kubernetes.client import models

    from intclass.components.shared.kube.pod import container, pod_spec

    works = container(job, name=TASK, command=["python", "-m", MODULE], arguments=arguments)
    pod = pod_spec(job, works)
    pod.restart_policy = "Never"  # what the failure policy needs
    disrupted = models.V1PodFailurePolicyOnPodConditionsPattern(type="DisruptionTarget", status="True")
    ignored = models.V1PodFailurePolicyRule(action="Ignore", on_pod_conditions=[disrupted])
    return models.V1Job(
        spec=models.V1JobSpec(
            completion_mode="Indexed",
            completions=config.num_shards,
            parallelism=min(job.parallelism, config.num_shards),
            backoff_limit_per_index=ATTEMPTS - 1,
            max_failed_indexes=may_be_missing,
            pod_failure_policy=models.V1PodFailurePolicy(rules=[ignored]),
            pod_replacement_policy="Failed",  # two pods on one shard would wait for each other's journal
            active_deadline_seconds=job.deadline_seconds,
            ttl_seconds_after_finished=job.ttl_seconds,
            suspend=True if job.queue else None,
            template=models.V1PodTemplateSpec(
                metadata=models.V1ObjectMeta(labels={**labels, "sidecar.istio.io/inject": "false"}), spec=pod
            ),
        )
    )


def _cores(cpu: str) -> int:
    """Whole cores, at least 1, in an amount such as 500m or 4."""
    from kubernetes.utils.quantity import parse_quantity

    return max(1, int(parse_quantity(cpu)))


def _finished_shards(out: str | Path, num_shards: int) -> list[str]:
    folders = (storage.join(out, f"shard-{shard:05}-of-{num_shards:05}") for shard in range(num_shards))
    return [folder for folder in folders if is_complete(folder)]


def _added_up(out: str | Path, num_shards: int) -> dict[str, int]:
    """The counts of all shards; `failed_shards` where some are missing."""
    folders, total, duplicates = _finished_shards(out, num_shards), Counter[str](), 0
    for folder in folders:
        counts = dict(read_manifest(folder).counts)
        duplicates = counts.pop("duplicates")  # of the whole input, in every shard
        total.update(counts)
    missing = {"failed_shards": num_shards - len(folders)} if len(folders) < num_shards else {}
    return {**total, "duplicates": duplicates, **missing}
