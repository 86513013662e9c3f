"""From an old model to a new one, and back by itself when the new one does not do.

Standard mode: the new model is first served by a second InferenceService, NAME-canary, that nobody else knows. Only
when it has answered golden requests, and has been watched, does the first one get the new specification; Kubernetes
keeps the old pods until the new ones are ready. KServe has a canary of its own for this mode (`spec.canary`), but only
from 0.21 on, only where a Gateway API routes, and its pods have no address of their own that could be asked.

Knative mode: the new revision gets rising shares of the traffic, and is asked by its own address.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TextIO

from kubernetes.client.rest import ApiException

from intclass.components.serve.deploy.config import DeployConfig
from intclass.components.serve.deploy.endpoint import Endpoint, canary_endpoint_of, endpoint_of
from intclass.components.serve.deploy.golden import Golden
from intclass.components.serve.deploy.journal import Journal
from intclass.components.serve.deploy.manifests import (
    MODE_ANNOTATION,
    SPECIFICATION_LABEL,
    Object,
    canary_of,
    digest_of,
)
from intclass.components.serve.deploy.service import Service, is_ready, traffic_of
from intclass.components.serve.deploy.watching import PodCounters, watch
from intclass.components.shared.errors import ClusterError, ConfigError, IntclassError, ServingError
from intclass.components.shared.kube.connection import Connection, describe
from intclass.components.shared.kube.identity import MANAGED_LABELS
from intclass.components.shared.kube.termination import TerminatedError
from intclass.components.shared.kube.workflow import find_workflow, is_stopping

_LEGACY_MODES: Final = {"RawDeployment": "Standard", "Serverless": "Knative"}

# What ends a rollout before its time.
_ENDINGS: Final = (IntclassError, ApiException, KeyboardInterrupt, TerminatedError)

Answers = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where it is deployed, what it is held against, where progress is told, and the Workflow of the run, if any."""

    connection: Connection
    golden: Golden
    stream: TextIO
    poll_seconds: float
    workflow: Mapping[str, Any] | None = None

    @property
    def config(self) -> DeployConfig:
        """What the user chose."""
        return self.golden.config

    def service(self, name: str) -> Service:
        """The InferenceService of that name."""
        return Service(self.connection, name, stream=self.stream, poll_seconds=self.poll_seconds)

    def is_continued(self) -> bool:
        """Whether the run goes on without this process, so that the step's next attempt may go on with a rollout."""
        if self.workflow is None:
            return False
        found = find_workflow(self.connection, self.workflow["metadata"]["name"])
        return found is not None and not is_stopping(found)

    def examine(self, endpoint: Endpoint) -> Answers:
        """Ask the golden questions; raises ServingError if an answer is not the model's own."""
        import httpx

        endpoint.reach()
        try:
            with endpoint.client() as asking:
                return self.golden.check(asking)
        except httpx.HTTPError as error:
            raise ServingError(f"{endpoint.url}: {error}") from error


def roll_out(wanted: Object, site: Site) -> Answers:
    """Bring the service to the wanted specification; returns its answers to the golden questions.

    Raises ClusterError if it does not get ready, ServingError if it answers wrongly or fails too often; before that the
    old model is put back, or, where there was none, the service is deleted. So it is after Ctrl-C, and after SIGTERM
    unless the run goes on, as when only this pod is moved. An interrupted rollout is taken up again.
    """
    service, journal = site.service(site.config.name), Journal(site.connection, site.config.name)
    found = service.find()
    if found is None:
        return _first(wanted, service, site)
    _check_kind(found, wanted)
    if digest_of(found) == digest_of(wanted) and journal.read() is None:
        service.say("has this specification already")
        return site.examine(endpoint_of(_settled(wanted, service, site), through=site.config.through))
    previous = journal.begin(found)
    way: _Way = (_Standard if site.config.mode == "standard" else _Knative)(wanted, previous, site)
    try:
        answers = way.go()
    except _ENDINGS as error:
        if isinstance(error, TerminatedError) and site.is_continued():
            service.say("this step is being stopped, its run is not: the rollout is left for the next attempt")
            raise
        service.say(f"{_words(error)}: going back to the old model")
        _go_back(way, error, journal)
        raise
    journal.end()
    return answers


def _first(wanted: Object, service: Service, site: Site) -> Answers:
    service.put(wanted)
    service.say(f"created in namespace {site.connection.namespace}")
    try:
        current = service.wait(wanted, seconds=site.config.ready_seconds)
        return site.examine(endpoint_of(current, through=site.config.through))
    except _ENDINGS as error:
        if isinstance(error, TerminatedError) and site.is_continued():
            raise
        service.delete()
        service.say("deleted again; there was no model before it")
        raise


def _settled(wanted: Object, service: Service, site: Site) -> Object:
    """The service once it serves; one that may do without pods need not have any."""
    if site.config.min_replicas == 0:
        return service.wait_until(is_ready, seconds=site.config.ready_seconds)
    return service.wait(wanted, seconds=site.config.ready_seconds)


def _go_back(way: _Way, error: BaseException, journal: Journal) -> None:
    """Put the old model back; an error of ours is raised again with a word on that.

    Raises ClusterError, and keeps the journal, if the old model cannot be put back.
    """
    try:
        way.revert()
    except (IntclassError, ApiException) as second:
        raise ClusterError(
            f"{_words(error)}; and the old model could not be put back: {_words(second)}; give the command again, or "
            f"take the old specification from ConfigMap {journal.name}"
        ) from error
    journal.end()
    if isinstance(error, ServingError | ClusterError):
        raise type(error)(f"{error}; the old model serves on") from error


def _words(error: BaseException) -> str:
    return describe(error) if isinstance(error, ApiException) else str(error) or type(error).__name__


def _check_kind(found: Object, wanted: Object) -> None:
    """Raises ConfigError for a service that somebody else made, or whose mode would have to change."""
    meta = found["metadata"]
    if not MANAGED_LABELS.items() <= (meta.get("labels") or {}).items():
        raise ConfigError(f"InferenceService {meta['name']} was not made by intclass; choose another --name")
    mode, other = (
        str((one["metadata"].get("annotations") or {}).get(MODE_ANNOTATION, "Standard")) for one in (found, wanted)
    )
    if _LEGACY_MODES.get(mode, mode) != other:
        raise ConfigError(
            f"InferenceService {meta['name']} is in mode {mode}, which KServe does not change: give that --mode, "
            "choose another --name, or delete it"
        )


class _Way(ABC):
    """A rollout in one of KServe's modes."""

    def __init__(self, wanted: Object, previous: Object, site: Site) -> None:
        self.wanted, self.previous, self.site = wanted, previous, site
        self.config = site.config
        self.service = site.service(site.config.name)

    @abstractmethod
    def go(self) -> Answers:
        """The whole rollout; raises what makes it fail, and leaves things as they are then."""

    @abstractmethod
    def revert(self) -> None:
        """Put the old model back from wherever `go` has stopped, and wait until it serves alone."""

    def prove(self, service: Service, endpoint: Endpoint) -> Answers:
        """Golden requests, then the watch."""
        answers = self.site.examine(endpoint)
        service.say(f"{len(answers)} golden requests answered as the model does")
        selector = f"{service.selector},{SPECIFICATION_LABEL}={digest_of(self.wanted)}"
        live = PodCounters(self.site.connection, selector, self.site.stream)
        watch(endpoint, self.site.golden, live, self.site.stream)
        return answers


class _Standard(_Way):
    def __init__(self, wanted: Object, previous: Object, site: Site) -> None:
        super().__init__(wanted, previous, site)
        self.canary = site.service(site.config.canary_name)

    def go(self) -> Answers:
        self._put_on(self.canary, canary_of(self.wanted, self.canary.name, owner=self.site.workflow))
        answers = self._put_on(self.service, self.wanted)
        self.canary.delete()
        return answers

    def _put_on(self, service: Service, body: Object) -> Answers:
        service.put(body)
        current = service.wait(body, seconds=self.config.ready_seconds)
        return self.prove(service, endpoint_of(current, through=self.config.through))

    def revert(self) -> None:
        self.canary.delete()
        self.service.put(self.previous)
        self.service.wait(self.previous, seconds=self.config.ready_seconds)


class _Knative(_Way):
    def go(self) -> Answers:
        for percent in self.config.canary_steps:
            current = self._route(self.wanted, percent)
            self.prove(self.service, canary_endpoint_of(current, through=self.config.through))
        current = self._route(self.wanted, None)
        return self.prove(self.service, endpoint_of(current, through=self.config.through))

    def _route(self, body: Object, percent: int | None) -> Object:
        """Have so much of the traffic go to the latest revision; None is all, with nothing said of a canary."""
        body = _with_traffic(body, percent)
        self.service.put(body)
        current = self.service.wait(
            body, seconds=self.config.ready_seconds, percent=100 if percent is None else percent
        )
        self.service.say(f"the new revision has {100 if percent is None else percent} % of the traffic")
        return current

    def revert(self) -> None:
        # First all traffic off the new revision: should it have had all, KServe must notice that it has none now
        # before another revision comes up, or it would go on taking the failed one for the last good one.
        self.service.put(_with_traffic(self.wanted, 0))
        self.service.wait_until(self._is_without_traffic, seconds=self.config.ready_seconds)
        self._route(self.previous, 0)
        self._route(self.previous, None)

    def _is_without_traffic(self, current: Object) -> bool:
        created = current["status"]["components"]["predictor"]["latestCreatedRevision"]
        return traffic_of(current, created) == 0


def _with_traffic(body: Object, percent: int | None) -> Object:
    predictor = {key: value for key, value in body["spec"]["predictor"].items() if key != "canaryTrafficPercent"}
    if percent is not None:
        predictor["canaryTrafficPercent"] = percent
    return {**body, "spec": {"predictor": predictor}}
