"""InferenceService of KServe 0.21: predictors as pods, a gateway before them, the status that KServe writes.

In Standard mode one controller does the work of KServe's, of the Deployment's and of the Service's; in Knative mode, of
Knative's too. What is easily got wrong is as in the real ones: `Ready` stays true while old pods still answer,
`observedGeneration` is that of the objects below, and which revision counts as rolled out follows KServe's own rule.
No autoscaling: there are always `minReplicas` pods, at least one. Of the serving runtimes there is the one for models
of Hugging Face; what its image holds, the test says.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from tests.cluster.controllers import Controller, set_condition
from tests.cluster.events import Recorder
from tests.cluster.gateway import Backend, Gateway
from tests.cluster.resources import INFERENCE_SERVICES, PODS, Object, name_of, uid_of
from tests.cluster.store import Store, random_suffix

MODE: Final = "serving.kserve.io/deploymentMode"
TAG_ROUTING: Final = "serving.kserve.io/enable-tag-routing"
SERVICE_LABEL: Final = "serving.kserve.io/inferenceservice"
REVISION_LABEL: Final = "serving.knative.dev/revision"
SOURCE: Final = "internal.serving.kserve.io/storage-initializer-sourceuri"
HASH_LABEL: Final = "pod-template-hash"
CONTAINER: Final = "kserve-container"
RUNTIME_IMAGE: Final = "kserve/huggingfaceserver"

_NOT_OF_THE_POD: Final = (
    *("labels", "annotations", "minReplicas", "maxReplicas", "scaleMetric", "scaleTarget", "scaleMetricType"),
    *("canaryTrafficPercent", "deploymentStrategy", "timeout", "model", "batcher", "logger", "storageUris"),
)


@dataclass
class _Revision:
    """A template of pods; `key` is their own label: Knative makes a revision anew for a template that it had before."""

    name: str
    digest: str
    key: str
    template: Object
    ready: bool = False


@dataclass
class _Traffic:
    """One resolved target of Knative's route."""

    revision: str
    percent: int
    latest: bool
    tag: str = ""


@dataclass
class _Below:
    """What a real cluster would keep in objects below an InferenceService."""

    revisions: list[_Revision] = field(default_factory=list)
    gateways: dict[str, Gateway] = field(default_factory=dict)
    targets: list[_Traffic] = field(default_factory=list)


class InferenceServiceController(Controller):
    """Attributes for tests: `breaks_every` maps a model's URI to N: each N-th POST to its pods gets 503."""

    resource = INFERENCE_SERVICES

    def __init__(self, store: Store, recorder: Recorder) -> None:
        super().__init__(store, recorder)
        self.breaks_every: dict[str, int] = {}
        self._below: dict[str, _Below] = {}

    def gateway(self, service: Object, tag: str = "") -> Gateway:
        """The gateway before a service, or before its revision with that tag."""
        return self._below[uid_of(service)].gateways[tag]

    def stop(self) -> None:
        """Close all gateways."""
        for below in self._below.values():
            for gateway in below.gateways.values():
                gateway.stop()

    def step(self, thing: Object) -> None:
        """One reconciliation."""
        below = self._below.setdefault(uid_of(thing), _Below())
        mode = thing["metadata"].get("annotations", {}).get(MODE, "Standard")
        thing["status"]["deploymentMode"] = mode
        revision = self._latest(thing, below)
        (self._standard if mode == "Standard" else self._knative)(thing, below, revision)
        _set_model_status(thing, [pod for pod in self._alive(thing) if _hash(pod) == revision.key])

    def _latest(self, thing: Object, below: _Below) -> _Revision:
        template = _template(thing)
        digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
        if not below.revisions or below.revisions[-1].digest != digest:
            name = f"{name_of(thing)}-predictor-{len(below.revisions) + 1:05}"
            key = digest if thing["status"]["deploymentMode"] == "Standard" else name
            below.revisions.append(_Revision(name, digest, key, template))
        return below.revisions[-1]

    def _alive(self, thing: Object) -> list[Object]:
        return [pod for pod in self.pods_of(thing) if not pod["metadata"].get("deletionTimestamp")]

    def _ensure(self, thing: Object, revision: _Revision, labels: dict[str, str]) -> list[Object]:
        """The revision's pods that are ready; missing ones are made."""
        pods = [pod for pod in self._alive(thing) if _hash(pod) == revision.key]
        for _ in range(_replicas(thing) - len(pods)):
            pod = copy.deepcopy(revision.template)
            pod["metadata"]["name"] = f"{name_of(thing)}-predictor-{revision.key[-10:]}-{random_suffix()}"
            pod["metadata"]["labels"] |= {HASH_LABEL: revision.key, **labels}
            self.create_owned(PODS, thing, pod)
        return [pod for pod in pods if _is_ready(pod)]

    def _standard(self, thing: Object, below: _Below, revision: _Revision) -> None:
        ready = self._ensure(thing, revision, {"app": f"isvc.{name_of(thing)}-predictor"})
        alive = self._alive(thing)
        if len(ready) >= _replicas(thing):
            self.delete_pods([pod for pod in alive if _hash(pod) != revision.key])
        url = self._open(below, "", lambda: self._all_backends(thing)).url
        available = sum(_is_ready(pod) for pod in alive) >= _replicas(thing)
        status = thing["status"]
        status |= {"observedGeneration": len(below.revisions), "url": url, "address": {"url": url}}
        status["components"] = {"predictor": {"url": url} if available else {}}
        if available:
            set_condition(thing, "PredictorReady", reason="", message="")
        else:
            why = "Deployment does not have minimum availability."
            set_condition(thing, "PredictorReady", reason="MinimumReplicasUnavailable", message=why, value=False)
        set_condition(thing, "IngressReady", reason="", message="")
        set_condition(thing, "Ready", reason="", message="", value=available)

    def _all_backends(self, thing: Object) -> list[Backend]:
        pods = [pod for pod in self._alive(thing) if _is_ready(pod)]
        hashes = sorted({_hash(pod) for pod in pods})
        groups = [[pod for pod in pods if _hash(pod) == each] for each in hashes]
        return [self._backend(each, group, percent=len(group)) for each, group in zip(hashes, groups, strict=True)]

    def _backend(self, name: str, pods: Sequence[Object], *, percent: int) -> Backend:
        source = pods[0]["metadata"].get("annotations", {}).get(SOURCE, "") if pods else ""
        addresses = [(pod["status"]["podIP"], 8080) for pod in pods]
        return Backend(name, addresses, percent=percent, breaks_every=self.breaks_every.get(source, 0))

    def _knative(self, thing: Object, below: _Below, latest: _Revision) -> None:
        component = thing["status"].setdefault("components", {}).setdefault("predictor", {})
        routed = {target["revisionName"] for target in component.get("traffic", [])}
        for revision in below.revisions:
            if revision is latest or revision.name in routed:
                ready = self._ensure(thing, revision, {REVISION_LABEL: revision.name})
                revision.ready = revision.ready or len(ready) >= _replicas(thing)
            else:
                self.delete_pods([pod for pod in self._alive(thing) if _hash(pod) == revision.key])
        latest_ready = next((revision for revision in reversed(below.revisions) if revision.ready), None)
        component["latestCreatedRevision"] = latest.name
        if latest_ready is None:
            set_condition(thing, "PredictorReady", reason="RevisionMissing", message="no revision yet", value=False)
            set_condition(thing, "Ready", reason="RevisionMissing", message="no revision yet", value=False)
            return
        traffic = _resolve(thing, component.get("latestRolledoutRevision", ""), latest_ready.name)
        _propagate(component, traffic, latest_ready=latest_ready.name)
        self._route(thing, below, traffic)
        up_to_date = latest_ready is latest
        for kind in ("PredictorReady", "PredictorConfigurationReady", "LatestDeploymentReady", "Ready"):
            set_condition(thing, kind, reason="", message="", value=up_to_date)
        for kind in ("IngressReady", "PredictorRouteReady", "RoutesReady"):
            set_condition(thing, kind, reason="", message="")
        thing["status"]["observedGeneration"] = len(below.revisions)

    def _route(self, thing: Object, below: _Below, traffic: Sequence[_Traffic]) -> None:
        below.targets = list(traffic)
        url = self._open(below, "", lambda: self._routed(thing, below, "")).url
        thing["status"] |= {"url": url, "address": {"url": url}}
        component = thing["status"]["components"]["predictor"]
        component |= {"url": url, "address": {"url": url}, "traffic": []}
        for one in traffic:
            target: Object = {"revisionName": one.revision, "latestRevision": one.latest, "percent": one.percent}
            if one.tag:
                gateway = self._open(below, one.tag, partial(self._routed, thing, below, one.tag))
                target |= {"tag": one.tag, "url": gateway.url}
            component["traffic"].append(target)

    def _routed(self, thing: Object, below: _Below, tag: str) -> list[Backend]:
        """Where the route, or one of its tags, leads now."""
        keys = {revision.name: revision.key for revision in below.revisions}
        ready = [pod for pod in self._alive(thing) if _is_ready(pod)]
        return [
            self._backend(
                one.revision,
                [pod for pod in ready if _hash(pod) == keys[one.revision]],
                percent=100 if tag else one.percent,
            )
            for one in below.targets
            if tag in ("", one.tag)
        ]

    def _open(self, below: _Below, tag: str, backends: Callable[[], list[Backend]]) -> Gateway:
        if tag not in below.gateways:
            below.gateways[tag] = Gateway(backends)
        return below.gateways[tag]


def _template(thing: Object) -> Object:
    """The pod that KServe and its webhook make of the predictor."""
    predictor, meta = thing["spec"]["predictor"], thing["metadata"]
    annotations = {**meta.get("annotations", {}), **predictor.get("annotations", {})}
    labels = {**meta.get("labels", {}), **predictor.get("labels", {})}
    labels |= {SERVICE_LABEL: name_of(thing), "component": "predictor"}
    specification = {key: value for key, value in predictor.items() if key not in _NOT_OF_THE_POD}
    if "model" in predictor:
        annotations[SOURCE] = predictor["model"]["storageUri"]
        return {
            "metadata": {"labels": labels, "annotations": annotations},
            "spec": {**specification, "containers": [_huggingface(predictor["model"], name_of(thing))]},
        }
    [container] = [one for one in specification["containers"] if one["name"] == CONTAINER]
    for variable in container.get("env", []):
        if variable["name"] == "STORAGE_URI":
            annotations[SOURCE] = variable["value"]
    return {"metadata": {"labels": labels, "annotations": annotations}, "spec": specification}


def _huggingface(model: Object, name: str) -> Object:
    """The container of the ClusterServingRuntime kserve-huggingfaceserver; defaults of its server are spelt out."""
    return {
        "name": CONTAINER,
        "image": RUNTIME_IMAGE,
        "command": ["python", "-m", "huggingfaceserver"],
        "args": [f"--model_name={name}", "--model_dir=/mnt/models", "--host=0.0.0.0", *model.get("args", [])],
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "resources": model.get("resources", {}),
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": 8080}},
    }


def _resolve(thing: Object, rolled_out: str, latest_ready: str) -> list[_Traffic]:
    """The traffic that KServe asks of Knative, with `latest` resolved: createKnativeService in ksvc_reconciler.go."""
    percent = thing["spec"]["predictor"].get("canaryTrafficPercent")
    tagged = thing["metadata"].get("annotations", {}).get(TAG_ROUTING) == "true"
    tag = "latest" if tagged else ""
    if percent is None or not rolled_out:
        return [_Traffic(latest_ready, 100, latest=True, tag=tag)]
    targets = [_Traffic(latest_ready, percent, latest=True, tag=tag)]
    if percent < 100:
        targets.append(_Traffic(rolled_out, 100 - percent, latest=False, tag="prev"))
    return targets


def _propagate(component: Object, traffic: Sequence[_Traffic], *, latest_ready: str) -> None:
    """Which revision counts as rolled out: PropagateStatus in inference_service_status.go."""
    total = sum(one.percent for one in traffic if one.revision == latest_ready)
    rolled_out, previous = component.get("latestRolledoutRevision", ""), component.get("previousRolledoutRevision", "")
    for one in traffic:
        if one.latest and one.revision == latest_ready:
            if rolled_out != latest_ready:
                if one.percent == 100:
                    component["previousRolledoutRevision"] = rolled_out
                    component["latestRolledoutRevision"] = latest_ready
            elif latest_ready == component["latestCreatedRevision"] and one.percent < 100 == total and previous:
                component["latestRolledoutRevision"] = previous
    component["latestReadyRevision"] = latest_ready


def _set_model_status(thing: Object, pods: Sequence[Object]) -> None:
    """PropagateModelStatus in inference_service_status.go; a container that is restarted at once counts as waiting."""
    ready = sum(_is_ready(pod) for pod in pods)
    before = thing["status"].get("modelStatus", {}).get("states", {}).get("activeModelState", "Pending")
    status: Object = {"transitionStatus": "InProgress", "copies": {"failedCopies": 0, "totalCopies": ready}}
    target = "Pending"
    conditions = thing["status"].get("conditions", [])
    if any(c["type"] == "Ready" and c["status"] == "True" for c in conditions) and pods:
        target = before = "Loaded"
        status["transitionStatus"] = "UpToDate"
    elif pods:
        states = pods[0]["status"].get("initContainerStatuses", []) + pods[0]["status"].get("containerStatuses", [])
        ended = [state.get("lastState", {}).get("terminated") or state["state"].get("terminated") for state in states]
        for one in filter(None, ended):
            target = "FailedToLoad"
            info = {"reason": "ModelLoadFailed", "exitCode": one["exitCode"], "message": one.get("message", "")}
            status |= {"transitionStatus": "BlockedByFailedLoad", "lastFailureInfo": info}
    status["states"] = {"activeModelState": before, "targetModelState": target}
    thing["status"]["modelStatus"] = status


def _replicas(thing: Object) -> int:
    return max(1, int(thing["spec"]["predictor"].get("minReplicas", 1)))


def _hash(pod: Object) -> str:
    return str(pod["metadata"]["labels"][HASH_LABEL])


def _is_ready(pod: Object) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
