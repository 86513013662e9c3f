"""PyTorchJob v1 as the training operator 1.9 runs it: pods and Services by replica, its environment, its conditions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.cluster.controllers import Controller, exit_code, is_late, is_true, set_condition
from tests.cluster.events import Recorder
from tests.cluster.resources import PODS, PYTORCHJOBS, SERVICES, Object, name_of, namespace_of
from tests.cluster.store import Store, now

CONTAINER: Final = "pytorch"
MASTER: Final = "Master"
WORKER: Final = "Worker"
_RETRYABLE: Final = 128  # `ExitCode`: from here on a failed pod is made anew


class PyTorchJobController(Controller):
    """The operator."""

    resource = PYTORCHJOBS

    def __init__(self, store: Store, recorder: Recorder, *, port: Callable[[Object], int]) -> None:
        super().__init__(store, recorder)
        self._port = port
        self._restarts: dict[str, int] = {}

    def step(self, thing: Object) -> None:
        """One reconciliation."""
        policy = thing["spec"].get("runPolicy", {})
        if is_true(thing, "Succeeded", "Failed"):
            self._clean(thing, policy.get("cleanPodPolicy", "None"))
            self.expire(thing, policy.get("ttlSecondsAfterFinished"))
            return
        self._condition(thing, "Created", f"PyTorchJob {name_of(thing)} is created.")
        if policy.get("suspend"):
            self.delete_pods(self.pods_of(thing))
            self._suspend(thing)
            return
        if is_true(thing, "Suspended"):
            set_condition(thing, "Suspended", reason="PyTorchJobResumed", message="resumed", value=False)
        thing["status"].setdefault("startTime", now())
        if is_late(thing, policy.get("activeDeadlineSeconds")):
            self._fail(thing, "has failed because it was active longer than specified deadline")
            return
        self._run(thing, policy)

    def _run(self, thing: Object, policy: dict[str, Any]) -> None:
        pods = {name_of(pod): pod for pod in self.pods_of(thing)}
        for replica_type, index, name in _replicas(thing):
            if name not in pods:
                self._create(thing, replica_type, index, name)
        self._count(thing, pods)
        if self._has_succeeded(thing):
            thing["status"]["completionTime"] = now()
            self._condition(thing, "Running", "has ended", value=False)
            self._condition(thing, "Succeeded", f"PyTorchJob {_full_name(thing)} successfully completed.")
        elif not self._handle_failures(thing, pods, policy):
            counts = thing["status"]["replicaStatuses"].values()
            if any(count["active"] for count in counts):
                self._condition(thing, "Running", f"PyTorchJob {_full_name(thing)} is running.")
                self._condition(thing, "Restarting", "has restarted", value=False)

    def _handle_failures(self, thing: Object, pods: dict[str, Object], policy: dict[str, Any]) -> bool:
        """Make retryable pods anew; returns whether there was a failed pod."""
        failed = [pod for pod in pods.values() if pod["status"]["phase"] == "Failed"]
        for pod in failed:
            replica_type = pod["metadata"]["labels"]["training.kubeflow.org/replica-type"].capitalize()
            restart_policy = _specs(thing)[replica_type].get("restartPolicy", "OnFailure")
            limit = policy.get("backoffLimit")
            restarts = self._restarts.get(thing["metadata"]["uid"], 0)
            if restart_policy == "Never":
                self._fail(thing, f"is failed because 1 {replica_type} replica(s) failed.")
            elif restart_policy != "ExitCode" or exit_code(pod) < _RETRYABLE:
                # So the operator does it: the pod stays as it is, the job says that it restarts, and never ends.
                self._restarting(thing, replica_type)
            elif limit is not None and restarts >= limit:
                self._fail(thing, "has failed because it has reached the specified backoff limit")
            elif not pod["metadata"].get("deletionTimestamp"):
                self._restarts[thing["metadata"]["uid"]] = restarts + 1
                self.delete_pods([pod])
                self._restarting(thing, replica_type)
        return bool(failed)

    def _restarting(self, thing: Object, replica_type: str) -> None:
        self._condition(thing, "Running", "is restarting", value=False)
        why = f"is restarting because 1 {replica_type} replica(s) failed."
        self._condition(thing, "Restarting", f"PyTorchJob {name_of(thing)} {why}")

    def _create(self, thing: Object, replica_type: str, index: int, name: str) -> None:
        specification = _specs(thing)[replica_type]
        labels = self._labels(thing, replica_type, index)
        template = copy.deepcopy(specification["template"])
        meta = template.get("metadata", {})
        template["metadata"] = {**meta, "name": name, "labels": {**meta.get("labels", {}), **labels}}
        policy = specification.get("restartPolicy", "OnFailure")
        template["spec"]["restartPolicy"] = "Never" if policy == "ExitCode" else policy
        for container in template["spec"]["containers"]:
            container["env"] = [*container.get("env", []), *self._environment(thing, replica_type, index)]
        service = {"clusterIP": "None", "selector": labels, "ports": [{"name": "pytorchjob-port", "port": 23456}]}
        if self.store.find(SERVICES, namespace_of(thing), name) is None:
            meta = {"name": name, "labels": labels}
            self.create_owned(SERVICES, thing, {"metadata": meta, "spec": service})
        self.create_owned(PODS, thing, template)

    def _labels(self, thing: Object, replica_type: str, index: int) -> dict[str, str]:
        prefix = "training.kubeflow.org"
        labels = {
            f"{prefix}/job-name": name_of(thing),
            f"{prefix}/operator-name": "pytorchjob-controller",
            f"{prefix}/replica-type": replica_type.lower(),
            f"{prefix}/replica-index": str(index),
        }
        return labels | ({f"{prefix}/job-role": "master"} if replica_type == MASTER else {})

    def _environment(self, thing: Object, replica_type: str, index: int) -> list[dict[str, str]]:
        """Of pkg/controller.v1/pytorch/{envvar,elastic}.go, in that order."""
        specs, elastic = _specs(thing), thing["spec"].get("elasticPolicy")
        replicas = sum(spec.get("replicas", 1) for spec in specs.values())
        processes = thing["spec"].get("nprocPerNode", "auto")
        port, variables = str(self._port(thing)), {"PYTHONUNBUFFERED": "1"}
        if MASTER in specs:
            rank = index + (replica_type == WORKER)
            master = f"{name_of(thing)}-master-0"
            world = replicas * (int(processes) if processes.isdigit() else 1)
            variables |= {"MASTER_PORT": port, "PET_MASTER_PORT": port, "MASTER_ADDR": master}
            variables |= {"PET_MASTER_ADDR": master, "WORLD_SIZE": str(world), "RANK": str(rank)}
            variables |= {"PET_NPROC_PER_NODE": processes, "PET_NODE_RANK": str(rank)}
        if elastic is None:
            variables |= {"PET_NNODES": str(replicas)}
        else:
            variables |= _elastic_environment(thing, elastic, port)
        return [{"name": name, "value": value} for name, value in variables.items()]

    def _count(self, thing: Object, pods: dict[str, Object]) -> None:
        statuses: dict[str, dict[str, int]] = {}
        for replica_type, _, name in _replicas(thing):
            counts = statuses.setdefault(replica_type, {"active": 0, "succeeded": 0, "failed": 0})
            phase = pods[name]["status"]["phase"] if name in pods else ""
            counts["active"] += phase == "Running"
            counts["succeeded"] += phase == "Succeeded"
            counts["failed"] += phase == "Failed"
        thing["status"]["replicaStatuses"] = statuses

    def _has_succeeded(self, thing: Object) -> bool:
        """The master decides; without one all workers, or with an elastic policy any of them."""
        statuses = thing["status"]["replicaStatuses"]
        if MASTER in statuses:
            return bool(statuses[MASTER]["succeeded"])
        succeeded = statuses[WORKER]["succeeded"]
        needed = 1 if "elasticPolicy" in thing["spec"] else _specs(thing)[WORKER].get("replicas", 1)
        return bool(succeeded >= needed)

    def _clean(self, thing: Object, policy: str) -> None:
        if policy == "None":
            return
        phases = ("Pending", "Running") if policy == "Running" else ("Pending", "Running", "Succeeded", "Failed")
        self.delete_pods([pod for pod in self.pods_of(thing) if pod["status"]["phase"] in phases])

    def _suspend(self, thing: Object) -> None:
        thing["status"].pop("startTime", None)
        self._condition(thing, "Running", "is suspended", value=False)
        self._condition(thing, "Suspended", f"PyTorchJob {name_of(thing)} is suspended.")

    def _fail(self, thing: Object, why: str) -> None:
        thing["status"]["completionTime"] = now()
        self._condition(thing, "Running", why, value=False)
        self._condition(thing, "Failed", f"PyTorchJob {name_of(thing)} {why}")

    def _condition(self, thing: Object, kind: str, message: str, *, value: bool = True) -> None:
        if value or is_true(thing, kind):
            set_condition(thing, kind, reason=f"PyTorchJob{kind}", message=message, value=value)


def _elastic_environment(thing: Object, elastic: dict[str, Any], port: str) -> dict[str, str]:
    replicas = _specs(thing)[WORKER].get("replicas", 1)
    low = elastic.get("minReplicas", elastic.get("maxReplicas", replicas))
    high = elastic.get("maxReplicas", low)
    variables = {
        "PET_RDZV_BACKEND": elastic.get("rdzvBackend", "c10d"),
        "PET_RDZV_ENDPOINT": f"{name_of(thing)}-worker-0:{port}",
        "PET_NNODES": f"{low}:{high}",
    }
    optional = {
        "PET_RDZV_ID": elastic.get("rdzvId"),
        "PET_MAX_RESTARTS": elastic.get("maxRestarts"),
        "PET_NPROC_PER_NODE": thing["spec"].get("nprocPerNode", elastic.get("nProcPerNode")),
    }
    return variables | {name: str(value) for name, value in optional.items() if value is not None}


def _specs(thing: Object) -> dict[str, Any]:
    specs: dict[str, Any] = thing["spec"]["pytorchReplicaSpecs"]
    return specs


def _replicas(thing: Object) -> Iterator[tuple[str, int, str]]:
    """Type, index and pod name of every replica."""
    for replica_type, spec in _specs(thing).items():
        for index in range(spec.get("replicas", 1)):
            yield replica_type, index, f"{name_of(thing)}-{replica_type.lower()}-{index}"


def _full_name(thing: Object) -> str:
    return f"{namespace_of(thing)}/{name_of(thing)}"
