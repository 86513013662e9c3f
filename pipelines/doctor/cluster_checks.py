"""What can be asked of the API server: its version, kinds of objects, the namespace's objects, rights, the queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kubernetes import client
from kubernetes.client.rest import ApiException

from intclass.components.shared.kube.connection import NOT_FOUND, Connection, describe
from intclass.pipelines.doctor.finding import MANIFESTS, Finding

OLDEST: Final = (1, 31)  # with limits and failure policies for each index of a Job
RUNNER: Final = "pipeline-runner"
ACCOUNTS: Final = (RUNNER, "intclass-cpu", "intclass-train", "intclass-serve")

_FORBIDDEN: Final = 403
_LIFE: Final = ("create", "get", "list", "watch", "delete")
_KUEUE: Final = ("kueue.x-k8s.io", "v1beta2", "localqueues")
# What the pipeline's steps do; manifests/base/roles.yaml grants this and nothing else.
RIGHTS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("batch", "jobs"): _LIFE,
    ("kubeflow.org", "pytorchjobs"): _LIFE,
    ("kubeflow.org", "experiments"): (*_LIFE, "patch", "update"),
    ("kubeflow.org", "suggestions"): ("get", "list", "watch"),
    ("kubeflow.org", "trials"): ("get", "list", "watch"),
    ("trainer.kubeflow.org", "trainjobs"): _LIFE,
    ("serving.kserve.io", "inferenceservices"): (*_LIFE, "patch", "update"),
    ("policy", "poddisruptionbudgets"): (*_LIFE, "update"),
    ("", "configmaps"): ("create", "get", "delete"),
    ("", "pods/proxy"): ("get",),
    ("", "pods"): ("get", "list", "watch"),
    ("", "events"): ("get", "list", "watch"),
    ("", "pods/log"): ("get",),
    ("argoproj.io", "workflows"): ("get",),
}


@dataclass(frozen=True)
class _Kind:
    group: str
    version: str
    plural: str
    needed_for: str
    install: str
    optional: bool = True


_KINDS: Final = (
    _Kind(
        "kubeflow.org", "v1", "pytorchjobs", "trainer=pytorchjob, the default", "Training Operator 1.9", optional=False
    ),
    _Kind("argoproj.io", "v1alpha1", "workflows", "runs of the pipeline", "Kubeflow Pipelines 2.17", optional=False),
    _Kind("trainer.kubeflow.org", "v1alpha1", "trainjobs", "trainer=trainjob", "Kubeflow Trainer 2"),
    _Kind("kubeflow.org", "v1beta1", "experiments", "tuning by Katib", "Katib 0.19"),
    _Kind("serving.kserve.io", "v1beta1", "inferenceservices", "serving", "KServe 0.21"),
)


def check_version(connection: Connection) -> Iterator[Finding]:
    """Whether the server is new enough."""
    version = connection.ask(client.VersionApi(connection.client).get_code)
    number = (int(version.major), int(version.minor.rstrip("+")))
    if number >= OLDEST:
        yield Finding(what="Kubernetes", state="ok", detail=version.git_version)
    else:
        oldest = ".".join(map(str, OLDEST))
        detail = f"{version.git_version} is older than {oldest}: Jobs have no limits for each index"
        yield Finding(what="Kubernetes", state="fault", detail=detail, fix=f"upgrade the cluster to {oldest} or newer")


def check_kinds(connection: Connection) -> Iterator[Finding]:
    """Whether the custom resources are installed in the versions that are spoken here."""
    for kind in _KINDS:
        what = f"{kind.plural}.{kind.group}"
        if kind.plural in _served(connection, kind.group, kind.version):
            yield Finding(what=what, state="ok", detail=kind.version)
            continue
        yield Finding(
            what=what,
            state="note" if kind.optional else "fault",
            detail=f"{kind.version} is not served; needed for {kind.needed_for}",
            fix=f"install {kind.install}",
        )


def check_namespace(connection: Connection) -> Iterator[Finding]:
    """Whether the namespace and its service accounts are there."""
    core, namespace = client.CoreV1Api(connection.client), connection.namespace
    if not _found(connection, lambda: core.read_namespace(namespace)):
        yield Finding(what=f"namespace {namespace}", state="fault", detail="not there", fix=MANIFESTS)
        return
    yield Finding(what=f"namespace {namespace}", state="ok")
    for account in ACCOUNTS:
        there = _found(connection, lambda name=account: core.read_namespaced_service_account(name, namespace))
        what = f"service account {account}"
        yield (
            Finding(what=what, state="ok")
            if there
            else Finding(what=what, state="fault", detail="not there", fix=MANIFESTS)
        )


def check_rights(connection: Connection, account: str = RUNNER) -> Iterator[Finding]:
    """Whether the steps' service account may do what steps do; asks for you where one may not ask for it."""
    what = f"rights of {account}"
    user: str | None = f"system:serviceaccount:{connection.namespace}:{account}"
    try:
        _may(connection, user, "get", "", "pods")
    except ApiException as error:
        if error.status != _FORBIDDEN:
            raise
        user = None
        yield Finding(
            what=what,
            state="note",
            detail="you may not ask for it, so these are your own",
            fix=f"ask as an administrator, or run in a pod with serviceAccountName: {account}",
        )
    lacking = [
        f"{verb} {resource}" + (f".{group}" if group else "")
        for (group, resource), verbs in RIGHTS.items()
        for verb in verbs
        if not _may(connection, user, verb, group, resource)
    ]
    if lacking:
        fix = f"{MANIFESTS}: the Role intclass-launcher"
        yield Finding(what=what, state="fault", detail=f"may not {', '.join(lacking)}", fix=fix)
    else:
        yield Finding(what=what, state="ok", detail=f"{sum(map(len, RIGHTS.values()))} of them")


def check_queue(connection: Connection, queue: str) -> Iterator[Finding]:
    """Whether Kueue's LocalQueue is there and admits jobs."""
    custom = client.CustomObjectsApi(connection.client)
    what = f"queue {queue}"
    found = _found(
        connection,
        lambda: custom.get_namespaced_custom_object(*_KUEUE[:2], connection.namespace, _KUEUE[2], queue),
    )
    if not found:
        fix = "install Kueue 0.19 and apply manifests/components/kueue, or leave the parameter queue empty"
        yield Finding(what=what, state="fault", detail="no such LocalQueue", fix=fix)
        return
    conditions = {c["type"]: c for c in found.get("status", {}).get("conditions", [])}
    active = conditions.get("Active", {"status": "Unknown", "message": "Kueue has not looked at it yet"})
    if active["status"] == "True":
        yield Finding(what=what, state="ok")
    else:
        fix = f"kubectl describe localqueue {queue}: its ClusterQueue must be there and have its flavors"
        yield Finding(what=what, state="fault", detail=active.get("message", "not active"), fix=fix)


def _served(connection: Connection, group: str, version: str) -> set[str]:
    custom = client.CustomObjectsApi(connection.client)
    found = _found(connection, lambda: custom.get_api_resources(group, version))
    return {resource.name for resource in found.resources} if found else set()


def _found(connection: Connection, call: Any) -> Any:  # noqa: ANN401 - the client is untyped
    """What the call returns, or None where there is no such thing."""
    try:
        return connection.ask(call)
    except ApiException as error:
        if error.status == NOT_FOUND:
            return None
        raise


def _may(connection: Connection, user: str | None, verb: str, group: str, resource: str) -> bool:
    """Whether the user, or None for oneself, may do this in the namespace."""
    plural, _, subresource = resource.partition("/")
    attributes = client.V1ResourceAttributes(
        namespace=connection.namespace, verb=verb, group=group, resource=plural, subresource=subresource or None
    )
    api = client.AuthorizationV1Api(connection.client)
    if user is None:
        own = client.V1SelfSubjectAccessReview(
            spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
        )
        return bool(connection.ask(lambda: api.create_self_subject_access_review(own)).status.allowed)
    review = client.V1SubjectAccessReview(
        spec=client.V1SubjectAccessReviewSpec(user=user, resource_attributes=attributes)
    )
    return bool(connection.ask(lambda: api.create_subject_access_review(review)).status.allowed)


def refusal(what: str, error: ApiException) -> Finding:
    """A check that the server did not allow."""
    return Finding(what=what, state="note", detail=f"could not be looked at: {describe(error)}")
