"""The API server: how it is found, and how long one bears with it."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from intclass.components.shared.errors import ClusterError

T = TypeVar("T")

_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# 401 comes too, for a moment, when a token has just been renewed or a control plane is being upgraded.
_PASSING: Final = frozenset({401, 408, 429, 500, 502, 503, 504})
NOT_FOUND: Final = 404
CONFLICT: Final = 409
GONE: Final = 410


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a server that does not answer, or not now, is asked again; the pauses double from first to longest."""

    seconds: float = 600.0
    first_pause: float = 0.5
    longest_pause: float = 30.0


class Connection:
    """An authenticated client, the namespace it works in, and patience."""

    def __init__(self, client: Any, namespace: str, *, patience: Patience, renew: Callable[[Any], object]) -> None:  # noqa: ANN401
        self.client, self.namespace, self.patience = client, namespace, patience
        self._renew = renew

    def ask(self, call: Callable[[], T], *, until: float | None = None) -> T:
        """The call's answer; errors that pass are borne until the patience or the monotonic time `until` is at its end.

        Raises ApiException for refusals that will not pass (403, 404, 409, 422 ...), ClusterError if none has passed.
        """
        end = time.monotonic() + self.patience.seconds if until is None else until
        pause = self.patience.first_pause
        while True:
            try:
                return call()
            except Exception as error:
                if not is_passing(error):
                    raise
                if time.monotonic() + pause > end:
                    seconds = f"{self.patience.seconds:.0f} s"
                    raise ClusterError(
                        f"the Kubernetes API does not answer: {describe(error)}; asked again for {seconds}"
                    ) from error
                self.note_trouble(error)
                time.sleep(max(pause, _retry_after(error)) * random.uniform(0.8, 1.2))
                pause = min(2 * pause, self.patience.longest_pause)

    def note_trouble(self, error: Exception) -> None:
        """Say what is being borne with, and read the credentials anew where they are refused."""
        sys.stderr.write(f"kubernetes: {describe(error)}; trying again\n")
        if getattr(error, "status", None) == 401:
            self._renew(self.client.configuration)

    def close(self) -> None:
        """Close its connections."""
        self.client.close()


def connect(namespace: str | None = None, *, patience: Patience | None = None) -> Connection:
    """Connect as the pod's service account, or as KUBECONFIG says; the namespace is that of either unless it is given.

    Raises ClusterError if there is neither, or the extra `cluster` is not installed.
    """
    try:
        from kubernetes import client
    except ImportError:
        raise ClusterError("no Kubernetes client: install the extra, pip install 'intclass[cluster]'") from None
    configuration = client.Configuration()
    found = _load(configuration)
    return Connection(client.ApiClient(configuration), namespace or found, patience=patience or Patience(), renew=_load)


def is_passing(error: Exception) -> bool:
    """Whether the same request may well be answered in a while."""
    from kubernetes.client.rest import ApiException
    from urllib3.exceptions import HTTPError

    return isinstance(error, HTTPError | ConnectionError) or (
        isinstance(error, ApiException) and error.status in _PASSING
    )


def describe(error: Exception) -> str:
    """The server's own message on one line, `403 pods "x" is forbidden: ...`."""
    import json

    try:
        message = json.loads(getattr(error, "body", None) or "")["message"]
    except (ValueError, KeyError, TypeError):
        message = getattr(error, "reason", None) or error
    status = getattr(error, "status", None)
    return " ".join(f"{status or ''} {message}".split())


def is_quota_refusal(error: Exception) -> bool:
    """Whether the namespace's quota has no room now; what others free makes some."""
    return "exceeded quota" in describe(error)


def _load(configuration: Any) -> str:  # noqa: ANN401 - the client has no types
    """Write address and credentials into the configuration; returns the namespace."""
    from kubernetes import config

    try:
        config.load_incluster_config(client_configuration=configuration)
        return (_ACCOUNT / "namespace").read_text().strip()
    except config.ConfigException:
        pass
    try:
        config.load_kube_config(client_configuration=configuration)
        context = config.list_kube_config_contexts()[1]
    except config.ConfigException as error:
        raise ClusterError(f"no Kubernetes cluster: {error}; run in a pod, or set KUBECONFIG") from None
    return str(context["context"].get("namespace", "default"))


def _retry_after(error: Exception) -> float:
    headers = getattr(error, "headers", None) or {}
    text = headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 0.0
