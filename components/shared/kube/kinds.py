"""The kinds of object that a step may make, and how those that are jobs say how they are getting on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, kw_only=True)
class ObjectKind:
    """One kind of object in a group, as in `/apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL`."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """As an object writes it."""
        return f"{self.group}/{self.version}"


@dataclass(frozen=True, kw_only=True)
class JobKind(ObjectKind):
    """One kind of job with `status.conditions`.

    Attributes:
        container: The container whose log is followed; None takes a pod's only one.
        pod_label: The label by which its pods name the job.
        succeeded: Type of the condition that says it has done its work.
        keeps_failed_pods: Whether a failed pod may lie there while the job goes on. The training operator replaces a
            pod at once or not at all, and in the second case never says that the job has failed.
    """

    container: str | None
    pod_label: str
    succeeded: str
    keeps_failed_pods: bool = True

    def state_of(self, job: Mapping[str, Any]) -> JobState:
        """What the job's conditions say."""
        true = {c["type"]: c for c in job.get("status", {}).get("conditions", []) if c["status"] == "True"}
        for name in (self.succeeded, "Failed", "Suspended", "Restarting", "Running", "Created"):
            if name in true:
                phase = "Succeeded" if name == self.succeeded else name
                return JobState(phase, true[name].get("reason", ""), true[name].get("message", ""))
        active = job.get("status", {}).get("active", 0)
        return JobState("Running" if active else "Created", "", "")


@dataclass(frozen=True)
class JobState:
    """Where a job stands: Created, Running, Restarting, Suspended, Succeeded or Failed, and the controller's reason."""

    phase: str
    reason: str
    message: str

    @property
    def is_final(self) -> bool:
        """Whether the job will not change any more."""
        return self.phase in ("Succeeded", "Failed")


JOB: Final = JobKind(
    group="batch",
    version="v1",
    plural="jobs",
    kind="Job",
    container=None,
    pod_label="batch.kubernetes.io/job-name",
    succeeded="Complete",
)
PYTORCHJOB: Final = JobKind(
    group="kubeflow.org",
    version="v1",
    plural="pytorchjobs",
    kind="PyTorchJob",
    container="pytorch",
    pod_label="training.kubeflow.org/job-name",
    succeeded="Succeeded",
    keeps_failed_pods=False,
)
TRAINJOB: Final = JobKind(
    group="trainer.kubeflow.org",
    version="v1alpha1",
    plural="trainjobs",
    kind="TrainJob",
    container="node",
    pod_label="jobset.sigs.k8s.io/jobset-name",
    succeeded="Complete",
)
EXPERIMENT: Final = JobKind(
    group="kubeflow.org",
    version="v1beta1",
    plural="experiments",
    kind="Experiment",
    container=None,
    pod_label="katib.kubeflow.org/experiment",
    succeeded="Succeeded",
)
TRIAL: Final = ObjectKind(group="kubeflow.org", version="v1beta1", plural="trials", kind="Trial")
INFERENCE_SERVICE: Final = ObjectKind(
    group="serving.kserve.io", version="v1beta1", plural="inferenceservices", kind="InferenceService"
)
POD_DISRUPTION_BUDGET: Final = ObjectKind(
    group="policy", version="v1", plural="poddisruptionbudgets", kind="PodDisruptionBudget"
)
KINDS: Final = (EXPERIMENT, JOB, PYTORCHJOB, TRAINJOB)
