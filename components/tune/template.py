"""What one trial on a cluster is: finetune, in a Job or in a PyTorchJob of one master."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kubeflow.katib import V1beta1TrialParameterSpec, V1beta1TrialTemplate
from kubeflow.training import models as training
from kubernetes.client import ApiClient, models

from intclass.components.finetune.command_line import MODULE, finetune_arguments
from intclass.components.finetune.config import FinetuneConfig
from intclass.components.shared import storage
from intclass.components.shared.command import EXIT_BAD_INPUT
from intclass.components.shared.kube.pod import container, pod_spec
from intclass.components.tune.config import ClusterConfig
from intclass.components.tune.encoding import argument
from intclass.components.tune.executor import shared_variables
from intclass.components.tune.space import SearchSpace

QUEUE_LABEL: Final = "kueue.x-k8s.io/queue-name"
MEMBER_MODULE: Final = "intclass.components.tune.member"
CHECKPOINTS: Final = "/opt/intclass/checkpoints"  # where Katib's pbt shows a trial its parent's files
TRIAL_NAME: Final = "trial"  # the parameter that stands for the trial's own name
_RESTARTS: Final = 10  # of a pod that was taken away; it goes on from its checkpoint
CONTAINER: Final = "training"  # of a Job
CONTAINERS: Final = {"job": CONTAINER, "pytorchjob": "pytorch"}
_SUCCEEDED: Final = {"job": "Complete", "pytorchjob": "Succeeded"}


def trial_template(
    space: SearchSpace,
    base: FinetuneConfig,
    cluster: ClusterConfig,
    *,
    dataset: str,
    out: str,
    labels: Mapping[str, str],
    interval: int | None = None,
) -> V1beta1TrialTemplate:
    """The template; each trial's model goes to `out/trials/TRIAL/model`, with `interval` a member of pbt is trained."""
    model = storage.join(out, "trials", _placeholder(TRIAL_NAME), "model")
    arguments = finetune_arguments(dataset, model, base)
    arguments += [argument(parameter, _placeholder(parameter.name)) for parameter in space.parameters]
    if interval is not None:
        arguments = [f"--interval={interval}", f"--folder={CHECKPOINTS}", *arguments]
    command = ["python", "-m", MODULE if interval is None else MEMBER_MODULE]
    condition = 'status.conditions.#(type=="{}")#|#(status=="True")#'
    return V1beta1TrialTemplate(
        primary_container_name=CONTAINERS[cluster.kind],
        primary_pod_labels=_master_labels() if cluster.kind == "pytorchjob" else None,
        success_condition=condition.format(_SUCCEEDED[cluster.kind]),
        failure_condition=condition.format("Failed"),
        retain=cluster.retain,
        trial_parameters=[
            V1beta1TrialParameterSpec(name=TRIAL_NAME, reference="${trialSpec.Name}"),
            *(V1beta1TrialParameterSpec(name=name, reference=name) for name in space.names),
        ],
        trial_spec=_trial_spec(cluster, command, arguments, labels=labels, variables=shared_variables(out)),
    )


def _placeholder(name: str) -> str:
    return f"${{trialParameters.{name}}}"


def trial_job(
    cluster: ClusterConfig,
    arguments: Sequence[str],
    labels: Mapping[str, str],
    *,
    variables: Mapping[str, str],
    restarts: int,
    ttl_seconds: int,
) -> models.V1Job:
    """A Job that runs `python ARGUMENTS...` as the pods of Katib's trials do; its metadata is left out."""
    template = _pod_template(cluster, ["python"], arguments, labels=labels, variables=variables)
    spec = _job(cluster, template)
    spec.backoff_limit, spec.ttl_seconds_after_finished = restarts, ttl_seconds
    return models.V1Job(spec=spec)


def _trial_spec(
    cluster: ClusterConfig,
    command: Sequence[str],
    arguments: Sequence[str],
    *,
    labels: Mapping[str, str],
    variables: Mapping[str, str],
) -> dict[str, Any]:
    """The job as JSON: its name and namespace are Katib's to give."""
    template = _pod_template(cluster, command, arguments, labels=labels, variables=variables)
    spec = _job(cluster, template) if cluster.kind == "job" else _pytorchjob(cluster, template)
    sort = {"job": ("batch/v1", "Job"), "pytorchjob": ("kubeflow.org/v1", "PyTorchJob")}[cluster.kind]
    queue = {"metadata": {"labels": {QUEUE_LABEL: cluster.queue}}} if cluster.queue else {}
    body: dict[str, Any] = ApiClient().sanitize_for_serialization(spec)
    return {"apiVersion": sort[0], "kind": sort[1], **queue, "spec": body}


def _pod_template(
    cluster: ClusterConfig,
    command: Sequence[str],
    arguments: Sequence[str],
    *,
    labels: Mapping[str, str],
    variables: Mapping[str, str],
) -> models.V1PodTemplateSpec:
    trains = container(cluster, name=CONTAINERS[cluster.kind], command=command, arguments=arguments)
    trains.env += [models.V1EnvVar(name=name, value=value) for name, value in variables.items()]
    # The labels of Istio and of Katib's own collector, which looks into the pod.
    meta = models.V1ObjectMeta(labels={**labels, "sidecar.istio.io/inject": "false"})
    pod = pod_spec(cluster, trains)
    if cluster.kind == "job":
        pod.restart_policy = "Never"
    return models.V1PodTemplateSpec(metadata=meta, spec=pod)


def _job(cluster: ClusterConfig, template: models.V1PodTemplateSpec) -> models.V1JobSpec:
    """A pod that was taken away is made anew; one that was refused its options is not."""
    disrupted = models.V1PodFailurePolicyOnPodConditionsPattern(type="DisruptionTarget", status="True")
    refused = models.V1PodFailurePolicyOnExitCodesRequirement(operator="In", values=[EXIT_BAD_INPUT])
    rules = [
        models.V1PodFailurePolicyRule(action="Ignore", on_pod_conditions=[disrupted]),
        models.V1PodFailurePolicyRule(action="FailJob", on_exit_codes=refused),
    ]
    return models.V1JobSpec(
        template=template,
        backoff_limit=_RESTARTS,
        pod_failure_policy=models.V1PodFailurePolicy(rules=rules),
        active_deadline_seconds=cluster.deadline_seconds,
        suspend=True if cluster.queue else None,
    )


def _pytorchjob(cluster: ClusterConfig, template: models.V1PodTemplateSpec) -> training.KubeflowOrgV1PyTorchJobSpec:
    """One master; ExitCode makes its pod anew after a preemption, not after an error of the program."""
    master = training.KubeflowOrgV1ReplicaSpec(replicas=1, restart_policy="ExitCode", template=template)
    policy = training.KubeflowOrgV1RunPolicy(
        clean_pod_policy="Running",
        active_deadline_seconds=cluster.deadline_seconds,
        suspend=True if cluster.queue else None,
    )
    return training.KubeflowOrgV1PyTorchJobSpec(pytorch_replica_specs={"Master": master}, run_policy=policy)


def _master_labels() -> dict[str, str]:
    """Of the pod in which Katib's collector reads."""
    return {"training.kubeflow.org/job-role": "master"}
