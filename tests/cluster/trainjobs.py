"""TrainJob of Kubeflow Trainer 2 with the runtime `torch-distributed`: one pod a node, torchrun's environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.cluster.controllers import Controller, is_late, is_true, set_condition
from tests.cluster.events import Recorder
from tests.cluster.resources import PODS, SERVICES, TRAINJOBS, Object, name_of, namespace_of
from tests.cluster.store import Store, now

RUNTIME: Final = "torch-distributed"


class TrainJobController(Controller):
    """Trainer and JobSet in one."""

    resource = TRAINJOBS

    def __init__(self, store: Store, recorder: Recorder, *, port: Callable[[Object], int]) -> None:
        super().__init__(store, recorder)
        self._port = port
        self._started: dict[str, str] = {}

    def step(self, thing: Object) -> None:
        """One reconciliation."""
        spec = thing["spec"]
        if is_true(thing, "Complete", "Failed"):
            return
        if spec["runtimeRef"]["name"] != RUNTIME:
            why = f'ClusterTrainingRuntime.trainer.kubeflow.org "{spec["runtimeRef"]["name"]}" not found'
            set_condition(thing, "Failed", reason="TrainingRuntimeNotSupported", message=why)
            return
        if spec.get("suspend"):
            self.delete_pods(self.pods_of(thing))
            set_condition(thing, "Suspended", reason="Suspended", message="TrainJob is suspended")
            return
        if is_true(thing, "Suspended"):
            set_condition(thing, "Suspended", reason="Resumed", message="TrainJob is resumed", value=False)
        started = self._started.setdefault(thing["metadata"]["uid"], now())
        if is_late({"status": {"startTime": started}}, spec.get("activeDeadlineSeconds")):
            self._end(thing, "Failed", "DeadlineExceeded", "TrainJob exceeded its active deadline")
            return
        self._run(thing, spec["trainer"])

    def _run(self, thing: Object, trainer: dict[str, Any]) -> None:
        pods = {name_of(pod): pod for pod in self.pods_of(thing)}
        names = [f"{name_of(thing)}-node-0-{node}" for node in range(trainer.get("numNodes", 1))]
        if self.store.find(SERVICES, namespace_of(thing), names[0]) is None:
            service = {"metadata": {"name": names[0]}, "spec": {"clusterIP": "None"}}
            self.create_owned(SERVICES, thing, service)
        for node, name in enumerate(names):
            if name not in pods:
                self.create_owned(PODS, thing, self._pod(thing, trainer, node, name))
        phases = [pod["status"]["phase"] for pod in pods.values()]
        thing["status"]["jobsStatus"] = [
            {
                "name": "node",
                "active": phases.count("Running"),
                "ready": phases.count("Running"),
                "succeeded": int(phases.count("Succeeded") == len(names)),
                "failed": int("Failed" in phases),
                "suspended": 0,
            }
        ]
        if "Failed" in phases:
            self._end(thing, "Failed", "FailedJobs", "jobset failed due to one or more job failures")
        elif phases.count("Succeeded") == len(names):
            self._end(thing, "Complete", "AllJobsCompleted", "jobset completed successfully")

    def _end(self, thing: Object, kind: str, reason: str, message: str) -> None:
        self.delete_pods([pod for pod in self.pods_of(thing) if pod["status"]["phase"] in ("Pending", "Running")])
        set_condition(thing, kind, reason=reason, message=message)

    def _pod(self, thing: Object, trainer: dict[str, Any], node: int, name: str) -> Object:
        port = str(self._port(thing))
        variables = {
            "PET_NNODES": str(trainer.get("numNodes", 1)),
            "PET_NPROC_PER_NODE": str(trainer.get("numProcPerNode", "auto")),
            "PET_NODE_RANK": str(node),
            "PET_MASTER_ADDR": f"{name_of(thing)}-node-0-0.{name_of(thing)}",
            "PET_MASTER_PORT": port,
        }
        environment = [{"name": key, "value": value} for key, value in variables.items()]
        container = {
            "name": "node",
            "image": trainer.get("image", "local"),
            "command": trainer.get("command", []),
            "args": trainer.get("args", []),
            "env": [*trainer.get("env", []), *environment],
            "resources": trainer.get("resourcesPerNode", {}),
        }
        labels = {
            "jobset.sigs.k8s.io/jobset-name": name_of(thing),
            "jobset.sigs.k8s.io/replicatedjob-name": "node",
            "batch.kubernetes.io/job-completion-index": str(node),
            "trainer.kubeflow.org/trainjob-ancestor-step": "trainer",
        }
        specification = {"restartPolicy": "Never", "containers": [container]}
        return {"metadata": {"name": name, "labels": labels}, "spec": specification}
