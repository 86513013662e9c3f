"""The API over HTTP: paths, verbs, watches, logs."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from tests.cluster import errors, patches, rights
from tests.cluster.errors import ApiError
from tests.cluster.pods import Log
from tests.cluster.resources import PODS, RESOURCES, Object, Resource, namespace_of, uid_of
from tests.cluster.selectors import matches
from tests.cluster.store import Change

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

_STRATEGIC = "application/strategic-merge-patch+json"
_VERSION = {
    "major": "1",
    "minor": "33",
    "gitVersion": "v1.33.0",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2025-04-23T00:00:00Z",
    "goVersion": "",
    "compiler": "gc",
    "platform": "linux/amd64",
}


@dataclass(frozen=True)
class Target:
    """What a path names."""

    resource: Resource
    namespace: str
    name: str
    subresource: str


class Handler(BaseHTTPRequestHandler):
    """One connection; subclassed with the cluster that it speaks for."""

    cluster: ClassVar[Cluster]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def _answer(self) -> None:
        url = urlsplit(self.path)
        self._query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length)
        try:
            self.cluster.faults.check(self.command, url.path)
            if self.headers.get("Authorization") != f"Bearer {self.cluster.token}":
                raise errors.unauthorized()
            discovered = discover(url.path) if self.command == "GET" else None
            if discovered is not None:
                self._send(200, discovered)
                return
            body = json.loads(text) if text else None
            if self.command == "POST" and url.path.startswith(rights.PATH):
                self._send(201, self.cluster.rights.review(url.path, body or {}))
                return
            self._act(parse_path(url.path), body)
        except ApiError as error:
            self._send(error.code, error.status)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _act(self, target: Target, body: Any) -> None:
        match self.command, bool(target.name), target.subresource:
            case "GET", True, "log":
                self._log(target)
            case "GET", True, "proxy":
                self._proxy(target)
            case "GET", True, "" | "status":
                self._send(200, self.cluster.store.get(target.resource, target.namespace, target.name))
            case "GET", False, "" if self._query.get("watch") in ("true", "True", "1"):
                self._watch(target)
            case "GET", False, "":
                self._send(200, self._list(target))
            case "POST", False, "":
                self._send(201, self.cluster.store.create(target.resource, target.namespace, body))
            case (("PUT" | "PATCH"), True, ("" | "status")):
                self._send(200, self._update(target, body))
            case "DELETE", True, "":
                self._send(200, self._delete(target, body or {}))
            case "DELETE", False, "":
                self._send(200, self._delete_all(target, body or {}))
            case _:
                raise errors.method_not_allowed()

    def _list(self, target: Target) -> Object:
        store = self.cluster.store
        with store.changed:
            items = [item for item in store.all(target.resource, target.namespace) if self._chosen(item)]
            metadata = {"resourceVersion": str(store.version)}
        kind = f"{target.resource.kind}List"
        return {"kind": kind, "apiVersion": target.resource.api_version, "metadata": metadata, "items": items}

    def _chosen(self, thing: Object) -> bool:
        return matches(thing, labels=self._query.get("labelSelector", ""), fields=self._query.get("fieldSelector", ""))

    def _update(self, target: Target, body: Any) -> Object:
        store = self.cluster.store
        with store.changed:
            if self.command == "PATCH":
                old = store.get(target.resource, target.namespace, target.name)
                kind = self.headers.get("Content-Type", "")
                if kind == _STRATEGIC and "." in target.resource.group and "k8s.io" not in target.resource.group:
                    raise errors.unknown_patch()
                body = patches.apply(old, body) if "json-patch" in kind else patches.merge(old, body)
            body.setdefault("metadata", {}).setdefault("namespace", target.namespace)
            return store.replace(target.resource, body, status=target.subresource == "status")

    def _delete(self, target: Target, options: dict[str, Any]) -> Object:
        store = self.cluster.store
        # Jobs of batch/v1 leave their pods behind unless told otherwise; all other kinds take them along.
        usual = "Orphan" if target.resource.group == "batch" else "Background"
        propagation = options.get("propagationPolicy") or self._query.get("propagationPolicy") or usual
        grace = options.get("gracePeriodSeconds", self._query.get("gracePeriodSeconds", 30))
        with store.changed:
            found = store.get(target.resource, target.namespace, target.name)
            wanted = options.get("preconditions", {}).get("uid", uid_of(found))
            if wanted != uid_of(found):
                raise errors.wrong_uid(target.resource, target.name, expected=wanted, found=uid_of(found))
            return store.delete(
                target.resource, target.namespace, target.name, propagation=propagation, grace=int(grace)
            )

    def _delete_all(self, target: Target, options: dict[str, Any]) -> Object:
        for item in self._list(target)["items"]:
            one = Target(target.resource, namespace_of(item), item["metadata"]["name"], "")
            self._delete(one, options)
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}

    def _watch(self, target: Target) -> None:
        store = self.cluster.store
        version = int(self._query.get("resourceVersion") or 0) or store.version
        deadline = time.monotonic() + float(self._query.get("timeoutSeconds", math.inf))
        must_end = self.cluster.faults.cutter()
        self._begin_stream("application/json")
        while not must_end() and time.monotonic() < deadline and not self.cluster.stopping:
            try:
                changes = store.changes(version)
            except ApiError as error:
                self._write_line(json.dumps({"type": "ERROR", "object": error.status}))
                break
            for change in changes:
                version = change.version
                if self._watched(change, target):
                    self._write_line(json.dumps({"type": change.kind, "object": change.thing}))
            with store.changed:
                if not store.version > version:
                    store.changed.wait(0.1)
        self._end_stream(whole=time.monotonic() >= deadline)

    def _watched(self, change: Change, target: Target) -> bool:
        in_namespace = target.namespace in ("", namespace_of(change.thing))
        return change.resource == target.resource and in_namespace and self._chosen(change.thing)

    def _log(self, target: Target) -> None:
        if target.resource != PODS:
            raise errors.no_such_path()
        pod = self.cluster.store.get(PODS, target.namespace, target.name)
        previous = self._query.get("previous") in ("true", "True")
        log = self.cluster.kubelet.log(pod, self._query.get("container"), previous=previous)
        must_end = self.cluster.faults.cutter()
        self._begin_stream("text/plain")
        for line in self._lines(log):
            if line is not None:
                self._write_line(line)
            if must_end():
                self._end_stream(whole=False)
                return
        self._end_stream(whole=True)

    def _proxy(self, target: Target) -> None:
        """What a pod itself answers, as `/api/v1/namespaces/NAMESPACE/pods/NAME:PORT/proxy/PATH`."""
        name, _, port = unquote(target.name).partition(":")
        pod = self.cluster.store.get(PODS, target.namespace, name)
        connection = HTTPConnection(pod["status"]["podIP"], int(port), timeout=10)
        try:
            connection.request("GET", f"/{urlsplit(self.path).path.split('/proxy/', 1)[1]}")
            response = connection.getresponse()
            self._send_text(response.status, response.read())
        except OSError as error:
            raise errors.failure(503) from error
        finally:
            connection.close()

    def _lines(self, log: Log) -> Iterator[str | None]:
        """The lines that are asked for; None once in a while so that the stream can be cut."""
        stamped = self._query.get("timestamps") in ("true", "True")
        follow = self._query.get("follow") in ("true", "True")
        since = time.time() - float(self._query.get("sinceSeconds", math.inf))
        earliest = "" if since == -math.inf else time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since))
        position = max(0, len(log.lines) - int(self._query["tailLines"])) if "tailLines" in self._query else 0
        while True:
            with log.changed:
                fresh, ended = log.lines[position:], log.ended
            for moment, line in fresh:
                position += 1
                if moment >= earliest:
                    yield f"{moment} {line}" if stamped else line
            if not fresh and (ended or not follow or self.cluster.stopping):
                return
            yield None
            with log.changed:
                if position == len(log.lines) and not log.ended:
                    log.changed.wait(0.1)

    def _send(self, code: int, body: Object) -> None:
        text = json.dumps(body).encode()
        self.send_response(code)
        if code == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _send_text(self, code: int, text: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _begin_stream(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _write_line(self, line: str) -> None:
        data = line.encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _end_stream(self, *, whole: bool) -> None:
        """End it as HTTP asks, or cut the connection in the middle."""
        if whole:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True


def parse_path(path: str) -> Target:
    """The resource, namespace, name and subresource; raises ApiError 404 for kinds that are not installed."""
    match path.strip("/").split("/"):
        case ["api", version, *rest]:
            group = ""
        case ["apis", group, version, *rest]:
            pass
        case _:
            raise errors.no_such_path()
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource = [*rest, "", "", ""][:3]
    for resource in RESOURCES:
        if (resource.group, resource.version, resource.plural) == (group, version, plural):
            return Target(resource, namespace, name, subresource)
    raise errors.no_such_path()


def discover(path: str) -> Object | None:
    """What the server says of itself below /version, /api and /apis, or None for any other path."""
    versions = sorted({(resource.group, resource.version) for resource in RESOURCES if resource.group})
    match path.strip("/").split("/"):
        case ["version"]:
            return _VERSION
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"]}
        case ["apis"]:
            groups = [_group(group, version) for group, version in versions]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["api", version]:
            return _resource_list("", version)
        case ["apis", group, version] if (group, version) in versions:
            return _resource_list(group, version)
    return None


def _group(group: str, version: str) -> Object:
    served = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [served], "preferredVersion": served}


def _resource_list(group: str, version: str) -> Object:
    verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    kinds = [resource for resource in RESOURCES if (resource.group, resource.version) == (group, version)]
    entries = [
        {"name": r.plural, "singularName": r.kind.lower(), "namespaced": r.namespaced, "kind": r.kind, "verbs": verbs}
        for r in kinds
    ]
    name = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": entries}
