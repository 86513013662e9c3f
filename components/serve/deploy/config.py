"""What a user may choose about a deployment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from intclass.components.shared.errors import ConfigError
from intclass.components.shared.images import SERVE
from intclass.components.shared.kube.quantities import check_quantity

Mode = Literal["standard", "knative"]
Runtime = Literal["intclass", "huggingface"]
Metric = Literal["auto", "cpu", "memory", "concurrency", "rps"]

# KServe and Knative add to it, as in latest-NAME-canary-predictor-00001, and all of that must be a label of DNS.
_NAME: Final = re.compile(r"[a-z]([a-z0-9-]{0,33}[a-z0-9])?")
_AT_LEAST: Final = {"gpus": 0, "min_replicas": 0, "max_replicas": 1, "target": 0, "startup_seconds": 1}
_POSITIVE: Final = ("ready_seconds", "watch_seconds")
# What an autoscaler aims at: percent of what is requested; requests at once in a pod; requests a second in a pod.
_TARGETS: Final = {"cpu": 80, "memory": 80, "concurrency": 32, "rps": 100}
_METRICS: Final[Mapping[Mode, tuple[Metric, ...]]] = {
    "standard": ("cpu", "memory"),
    "knative": ("concurrency", "rps"),
}


@dataclass(frozen=True, kw_only=True)
class DeployConfig:
    """The InferenceService that serves a model, and how a new model takes the place of an old one.

    Attributes:
        name: Of the InferenceService, and of the model in its URLs.
        namespace: Where it runs; empty takes this pod's own, or the kubeconfig's.
        mode: `standard` (a Deployment with an autoscaler; KServe's RawDeployment of old) or `knative`.
        runtime: `intclass` (our server) or `huggingface` (KServe's own for such models, without our image).
        image: The container image; for `intclass` only.
        service_account: Whose rights the pods have in the bucket.
        cpu: Cores of a pod, as Kubernetes writes them.
        memory: Memory of a pod, as Kubernetes writes it.
        gpus: NVIDIA GPUs of a pod.
        node_selector: Labels that a node must have. Knative takes them only where its feature flag for it is on.
        min_replicas: Pods at least; 0, with `knative` only, when nobody asks for a while.
        max_replicas: Pods at most.
        metric: What the autoscaler watches: cpu or memory (standard), concurrency or rps (knative); auto: the first.
        target: What it aims at: percent for cpu and memory, in a pod otherwise; 0 takes 80, 80, 32 and 100.
        startup_seconds: A container that is not ready after so long is started again.
        ready_seconds: How long to wait for a change to be rolled out, new nodes and images included.
        canary_steps: Percent of the traffic that a new model gets before it gets all; for `knative` only.
        watch_seconds: How long a new model is watched at each step.
        max_error_rate: The share of failed requests, of 100 at least, at which the old model is put back.
        through: Address of the ingress gateway, where this machine cannot resolve the service's own.
    """

    name: str = "intclass"
    namespace: str = ""
    mode: Mode = "standard"
    runtime: Runtime = "intclass"
    image: str = SERVE
    service_account: str = "intclass-serve"
    cpu: str = "1"
    memory: str = "4Gi"
    gpus: int = 0
    node_selector: Mapping[str, str] = field(default_factory=dict)
    min_replicas: int = 1
    max_replicas: int = 3
    metric: Metric = "auto"
    target: int = 0
    startup_seconds: int = 300
    ready_seconds: float = 900.0
    canary_steps: tuple[int, ...] = (10, 50)
    watch_seconds: float = 60.0
    max_error_rate: float = 0.01
    through: str = ""

    def __post_init__(self) -> None:
        for name, choices in (("mode", Mode), ("runtime", Runtime), ("metric", Metric)):
            if getattr(self, name) not in get_args(choices):
                raise ConfigError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(get_args(choices))}")
        if not _NAME.fullmatch(self.name):
            raise ConfigError(f"name is {self.name!r}; use at most 35 of a-z, 0-9 and '-', a letter first, no '-' last")
        for name in ("cpu", "memory"):
            check_quantity(name, getattr(self, name))
        for name, least in _AT_LEAST.items():
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; give at least {least}")
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; give a number above 0")
        self._check_scaling()
        self._check_rollout()

    @property
    def scale_metric(self) -> str:
        """What the autoscaler watches."""
        return _METRICS[self.mode][0] if self.metric == "auto" else self.metric

    @property
    def scale_target(self) -> int:
        """What the autoscaler aims at."""
        return self.target or _TARGETS[self.scale_metric]

    @property
    def canary_name(self) -> str:
        """The second InferenceService, on which a new model is tried in Standard mode."""
        return f"{self.name}-canary"

    def _check_scaling(self) -> None:
        if self.mode == "standard" and self.min_replicas == 0:
            raise ConfigError("min_replicas is 0; only mode knative can do without pods, give at least 1")
        if self.max_replicas < self.min_replicas:
            raise ConfigError(f"max_replicas is {self.max_replicas}; give at least min_replicas = {self.min_replicas}")
        if self.scale_metric not in _METRICS[self.mode]:
            raise ConfigError(
                f"metric is {self.metric!r}; in mode {self.mode} choose one of {', '.join(_METRICS[self.mode])}"
            )

    def _check_rollout(self) -> None:
        if list(self.canary_steps) != sorted(set(self.canary_steps)) or not all(0 < s < 100 for s in self.canary_steps):
            steps = ",".join(map(str, self.canary_steps))
            raise ConfigError(f"canary_steps are {steps}; give rising percentages between 1 and 99")
        if not 0 <= self.max_error_rate < 1:
            raise ConfigError(f"max_error_rate is {self.max_error_rate}; give a share from 0 to below 1")
