"""The objects of a deployment: the InferenceService and its PodDisruptionBudget."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import kserve
from kubernetes.client import ApiClient, models

from intclass.components.serve.command import MODULE, serve_arguments
from intclass.components.serve.config import ServeConfig
from intclass.components.serve.deploy.config import DeployConfig
from intclass.components.shared.kube.containers import USER, gpu_toleration, locked_down, resources
from intclass.components.shared.kube.kinds import INFERENCE_SERVICE, POD_DISRUPTION_BUDGET
from intclass.components.shared.kube.pod import ENVIRONMENT
from intclass.components.shared.kube.workflow import owner_reference

Object = dict[str, Any]

SPECIFICATION_LABEL: Final = "intclass.github.io/specification"  # on pods too: which of them serve which model
SERVICE_LABEL: Final = "serving.kserve.io/inferenceservice"  # KServe puts it on the pods
CONTAINER: Final = "kserve-container"  # KServe looks for this name
MODEL_FOLDER: Final = "/mnt/models"  # where KServe's storage initializer leaves what STORAGE_URI names
MODE_ANNOTATION: Final = "serving.kserve.io/deploymentMode"

_MODEL_ANNOTATION: Final = "intclass.github.io/model"
_MODES: Final = {"standard": "Standard", "knative": "Knative"}
_PORT: Final = 8080
_CHECK_SECONDS: Final = 5


def inference_service(
    config: DeployConfig, model: str, serving: ServeConfig, *, fingerprint: str, labels: Mapping[str, str]
) -> Object:
    """The InferenceService that serves the model; `fingerprint` is that of the model's manifest.

    Its predictor and its pods carry a digest of all that was specified, so that it can be told whether they serve this
    model: in Standard mode KServe says that a service is ready while old pods still answer.
    """
    annotations = {
        MODE_ANNOTATION: _MODES[config.mode],
        "serving.kserve.io/enable-prometheus-scraping": "true",
        _MODEL_ANNOTATION: fingerprint,
    }
    if config.mode == "standard":
        annotations["serving.kserve.io/autoscalerClass"] = "hpa"
    else:
        annotations["serving.kserve.io/enable-tag-routing"] = "true"  # the new revision gets an address of its own
    predictor = _intclass(config, model, serving) if config.runtime == "intclass" else _huggingface(config, model)
    specified: Object = ApiClient().sanitize_for_serialization(predictor)
    specified.get("model", {}).pop("name", None)  # the SDK fills it in, KServe wants none
    text = json.dumps([specified, annotations], sort_keys=True)
    specified["labels"] = {SPECIFICATION_LABEL: hashlib.sha256(text.encode()).hexdigest()[:16]}
    meta = {"name": config.name, "labels": dict(labels), "annotations": annotations}
    version, kind = INFERENCE_SERVICE.api_version, INFERENCE_SERVICE.kind
    return {"apiVersion": version, "kind": kind, "metadata": meta, "spec": {"predictor": specified}}


def canary_of(service: Object, name: str, *, owner: Mapping[str, Any] | None) -> Object:
    """The same service under another name, with one pod and no autoscaling to speak of, gone with its owner."""
    predictor = {**service["spec"]["predictor"], "minReplicas": 1, "maxReplicas": 1}
    meta = {**service["metadata"], "name": name}
    if owner is not None:
        meta["ownerReferences"] = [ApiClient().sanitize_for_serialization(owner_reference(owner))]
    return {**service, "metadata": meta, "spec": {"predictor": predictor}}


def digest_of(service: Object) -> str:
    """What the service's pods are labelled with; empty if it was not made here."""
    return str((service["spec"]["predictor"].get("labels") or {}).get(SPECIFICATION_LABEL, ""))


def disruption_budget(config: DeployConfig, labels: Mapping[str, str]) -> Object:
    """The PodDisruptionBudget: nodes are emptied one pod at a time."""
    budget = models.V1PodDisruptionBudget(
        api_version=POD_DISRUPTION_BUDGET.api_version,
        kind=POD_DISRUPTION_BUDGET.kind,
        metadata=models.V1ObjectMeta(name=config.name, labels=dict(labels)),
        spec=models.V1PodDisruptionBudgetSpec(
            # Not minAvailable: with a single pod that would keep its node from ever being emptied.
            max_unavailable=1,
            selector=models.V1LabelSelector(match_labels={SERVICE_LABEL: config.name}),
        ),
    )
    body: Object = ApiClient().sanitize_for_serialization(budget)
    return body


def _intclass(config: DeployConfig, model: str, serving: ServeConfig) -> kserve.V1beta1PredictorSpec:
    """Our own server in a container of KServe's custom kind; the model is fetched by KServe's storage initializer.

    STORAGE_URI is understood by every KServe, the predictor's field `storageUris` only from 0.17 on.
    """
    serving = replace(serving, host="0.0.0.0", port=_PORT, grpc_port=None, model_name=config.name)  # noqa: S104
    variables = {**ENVIRONMENT, "STORAGE_URI": model}
    # What Knative does not take in a pod, it takes in a container.
    context = locked_down(
        run_as_non_root=True,
        run_as_user=USER,
        run_as_group=USER,
        seccomp_profile=models.V1SeccompProfile(type="RuntimeDefault"),
    )
    container = models.V1Container(
        name=CONTAINER,
        image=config.image,
        command=["python", "-m", MODULE],
        args=serve_arguments(MODEL_FOLDER, serving),
        env=[models.V1EnvVar(name=name, value=value) for name, value in variables.items()],
        ports=[models.V1ContainerPort(name="http1", container_port=_PORT, protocol="TCP")],
        resources=resources(cpu=config.cpu, memory=config.memory, gpus=config.gpus),
        startup_probe=_probe("/v2/health/ready", failures=-(-config.startup_seconds // _CHECK_SECONDS)),
        readiness_probe=_probe("/v2/health/ready", failures=2),
        liveness_probe=_probe("/v2/health/live", failures=3),
        volume_mounts=[models.V1VolumeMount(name="tmp", mount_path="/tmp")],  # noqa: S108
        security_context=context,
    )
    volumes = [models.V1Volume(name="tmp", empty_dir=models.V1EmptyDirVolumeSource())]
    return kserve.V1beta1PredictorSpec(containers=[container], volumes=volumes, **_around(config, serving))


def _huggingface(config: DeployConfig, model: str) -> kserve.V1beta1PredictorSpec:
    """KServe's runtime for Hugging Face models: plain text in, the two classes' probabilities out."""
    arguments = [
        f"--model_name={config.name}",
        "--task=sequence_classification",
        "--backend=huggingface",
        "--return_probabilities",
        "--dtype=float32",
        "--disable_log_requests",
    ]
    specification = kserve.V1beta1ModelSpec(
        model_format=kserve.V1beta1ModelFormat(name="huggingface"),
        args=arguments,
        storage_uri=model,
        resources=resources(cpu=config.cpu, memory=config.memory, gpus=config.gpus),
    )
    return kserve.V1beta1PredictorSpec(model=specification, **_around(config, ServeConfig()))


def _around(config: DeployConfig, serving: ServeConfig) -> dict[str, Any]:
    """What a predictor has besides its container."""
    around: dict[str, Any] = {
        "service_account_name": config.service_account,
        "min_replicas": config.min_replicas,
        "max_replicas": config.max_replicas,
        "scale_metric": config.scale_metric,
        "scale_target": config.scale_target,
        "node_selector": dict(config.node_selector) or None,
        "tolerations": [gpu_toleration()] if config.gpus else None,
        "enable_service_links": False,
    }
    if config.mode == "knative":  # which has its own ways for the rest
        return around | {"timeout": round(serving.solve_deadline_seconds + serving.drain_seconds)}
    # Old pods answer until new ones are ready.
    rolling = models.V1RollingUpdateDeployment(max_surge=1, max_unavailable=0)
    context = models.V1PodSecurityContext(
        run_as_non_root=True, fs_group=USER, seccomp_profile=models.V1SeccompProfile(type="RuntimeDefault")
    )
    return around | {
        "deployment_strategy": models.V1DeploymentStrategy(type="RollingUpdate", rolling_update=rolling),
        "security_context": context,
        "termination_grace_period_seconds": round(serving.grace_seconds + serving.drain_seconds) + 10,
    }


def _probe(path: str, *, failures: int) -> models.V1Probe:
    request = models.V1HTTPGetAction(path=path, port=_PORT)
    return models.V1Probe(
        http_get=request, period_seconds=_CHECK_SECONDS, timeout_seconds=2, failure_threshold=failures
    )
