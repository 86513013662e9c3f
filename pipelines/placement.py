"""Where steps run, how often they are tried and for how long: what Kubeflow or Vertex AI are told about each of them.

What each setting really does (kfp 2.17, read in its sources):

- On a laptop kfp.local ignores all of it but retries and caching, and `intclass run` takes the retries out.
- Stock Kubeflow 2.17 merges `retryPolicy: OnError` into every retry: a step that exits with an error is not tried
  again, one whose node went away is not either. manifests/components/retry-policy mends that. Nothing here relies on
  retries to be right: every stage goes on where it was interrupted.
- Settings of kfp-kubernetes make a second YAML document, which Vertex AI's client cannot read: it gets none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from kfp import dsl, kubernetes

from intclass.components.shared.kube.identity import MANAGED_LABELS
from intclass.components.shared.kube.pod import SPOT

Target = Literal["kubeflow", "vertex"]

COMPONENT_LABEL: Final = "app.kubernetes.io/component"
RUN_SECONDS: Final = 7 * 24 * 3600  # then a run is ended
# Stock Kubeflow deletes a run's Workflow, and with it the child jobs that it owns, an hour after its end.
KEPT_SECONDS: Final = 3 * 24 * 3600

_HOUR: Final = 3600
_RETRIES: Final = {"backoff_duration": "30s", "backoff_factor": 2.0, "backoff_max_duration": "600s"}


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The settings of one target; each method takes a task and returns it.

    Attributes:
        target: What the pipeline is compiled for.
        caching: Whether a step's earlier outputs may be taken for it. Kubeflow knows an artifact by its name alone.
    """

    target: Target
    caching: bool = True

    def step(self, task: Any, *, cpu: str = "2", memory: str = "8G", hours: int = 6) -> Any:  # noqa: ANN401 - kfp is untyped
        """A step that works in its own pod, on a machine that stays."""
        task.set_cpu_request(cpu).set_memory_request(memory).set_memory_limit(memory)
        task.set_caching_options(self.caching)
        return self._reliable(task, retries=2, hours=hours)

    def solver(self, task: Any) -> Any:  # noqa: ANN401
        """One of many that solve side by side: spot machines first, others where there are none."""
        # The limit is what a pod's process takes for its number of cores.
        self.step(task, cpu="4", memory="16G", hours=24).set_cpu_limit("4")
        if self.target == "kubeflow":
            kubernetes.add_toleration(task, key=SPOT, operator="Equal", value="true", effect="NoSchedule")
            kubernetes.add_node_affinity(task, [{"key": SPOT, "operator": "In", "values": ["true"]}], weight=100)
        return task

    def trainer(self, task: Any) -> Any:  # noqa: ANN401
        """Training in the step's own pod. Vertex AI gives it a GPU; on Kubernetes a training with GPUs is a job."""
        self.step(task, cpu="4", memory="16G", hours=24)
        if self.target == "vertex":
            task.set_accelerator_type("NVIDIA_L4").set_accelerator_limit(1)
        return task

    def launcher(self, task: Any, *, memory: str = "2G", hours: int = 48) -> Any:  # noqa: ANN401
        """A step that follows a job: small, never from the cache, on a machine that stays."""
        task.set_cpu_request("250m").set_memory_request(memory).set_memory_limit(memory).set_caching_options(False)
        if self.target == "kubeflow":
            kubernetes.add_node_affinity(task, [{"key": SPOT, "operator": "DoesNotExist"}])
        return self._reliable(task, retries=3, hours=hours)

    def configuration(self) -> dsl.PipelineConfig | None:
        """Of the run as a whole."""
        if self.target == "vertex":
            return None
        return dsl.PipelineConfig(active_deadline_seconds=RUN_SECONDS, ttl_seconds_after_finished=KEPT_SECONDS)

    def _reliable(self, task: Any, *, retries: int, hours: int) -> Any:  # noqa: ANN401
        task.set_retry(retries, **_RETRIES)
        if self.target == "kubeflow":
            kubernetes.set_timeout(task, hours * _HOUR)  # of one attempt
            # As many labels on every pod: Kubeflow makes a template of its own for each number of them.
            for key, value in {**MANAGED_LABELS, COMPONENT_LABEL: task.name.replace("_", "-")}.items():
                kubernetes.add_pod_label(task, key, value)
        return task
