"""The kinds of object that the cluster knows, and how a path names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

Object = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """One kind, as in `/apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL`; the core group's name is empty."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As an object writes it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


NAMESPACES: Final = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
PODS: Final = Resource("", "v1", "pods", "Pod")
SERVICES: Final = Resource("", "v1", "services", "Service")
EVENTS: Final = Resource("", "v1", "events", "Event")
QUOTAS: Final = Resource("", "v1", "resourcequotas", "ResourceQuota")
CONFIG_MAPS: Final = Resource("", "v1", "configmaps", "ConfigMap")
SERVICE_ACCOUNTS: Final = Resource("", "v1", "serviceaccounts", "ServiceAccount")
BUDGETS: Final = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
JOBS: Final = Resource("batch", "v1", "jobs", "Job")
WORKFLOWS: Final = Resource("argoproj.io", "v1alpha1", "workflows", "Workflow")
PYTORCHJOBS: Final = Resource("kubeflow.org", "v1", "pytorchjobs", "PyTorchJob")
TRAINJOBS: Final = Resource("trainer.kubeflow.org", "v1alpha1", "trainjobs", "TrainJob")
EXPERIMENTS: Final = Resource("kubeflow.org", "v1beta1", "experiments", "Experiment")
TRIALS: Final = Resource("kubeflow.org", "v1beta1", "trials", "Trial")
INFERENCE_SERVICES: Final = Resource("serving.kserve.io", "v1beta1", "inferenceservices", "InferenceService")
LOCAL_QUEUES: Final = Resource("kueue.x-k8s.io", "v1beta2", "localqueues", "LocalQueue")

RESOURCES: Final = (
    *(NAMESPACES, PODS, SERVICES, EVENTS, QUOTAS, CONFIG_MAPS, SERVICE_ACCOUNTS, BUDGETS, JOBS, WORKFLOWS),
    LOCAL_QUEUES,
    *(PYTORCHJOBS, TRAINJOBS, EXPERIMENTS, TRIALS, INFERENCE_SERVICES),
)


def name_of(thing: Object) -> str:
    """The object's name."""
    return str(thing["metadata"]["name"])


def namespace_of(thing: Object) -> str:
    """The object's namespace, or an empty text for one of the whole cluster."""
    return str(thing["metadata"].get("namespace", ""))


def uid_of(thing: Object) -> str:
    """The object's identity, which outlives no deletion."""
    return str(thing["metadata"]["uid"])


def find_resource(thing: Object) -> Resource:
    """The resource of an object by its apiVersion and kind."""
    return next(r for r in RESOURCES if (r.api_version, r.kind) == (thing["apiVersion"], thing["kind"]))


def owned_by(thing: Object) -> list[dict[str, Any]]:
    """Its owner references."""
    references: list[dict[str, Any]] = thing["metadata"].get("ownerReferences", [])
    return references


def reference_to(owner: Object) -> dict[str, Any]:
    """An owner reference, as controllers write it."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }
