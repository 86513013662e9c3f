"""What a rollout must not forget when its process dies: the specification that was served before."""

from __future__ import annotations

import json
from typing import Final

from kubernetes import client
from kubernetes.client.rest import ApiException

from intclass.components.serve.deploy.manifests import Object
from intclass.components.shared.kube.connection import CONFLICT, NOT_FOUND, Connection
from intclass.components.shared.kube.identity import MANAGED_LABELS
from intclass.components.shared.kube.workflow import owner_reference

_KEY: Final = "previous.json"


class Journal:
    """A ConfigMap beside the InferenceService, gone with it, or when the rollout has ended well or been taken back."""

    def __init__(self, connection: Connection, service: str) -> None:
        self.name = f"{service}-rollout"
        self._connection = connection
        self._core = client.CoreV1Api(connection.client)

    def read(self) -> Object | None:
        """What `put` needs to bring back what was before a rollout that has not ended, or None."""
        namespace = self._connection.namespace
        try:
            found = self._connection.ask(lambda: self._core.read_namespaced_config_map(self.name, namespace))
        except ApiException as error:
            if error.status == NOT_FOUND:
                return None
            raise
        previous: Object = json.loads(found.data[_KEY])
        return previous

    def begin(self, service: Object) -> Object:
        """Note what the service is now, unless an unfinished rollout has noted what it was; returns that."""
        meta = {name: service["metadata"].get(name) for name in ("name", "labels", "annotations")}
        previous = {**{name: service[name] for name in ("apiVersion", "kind", "spec")}, "metadata": meta}
        body = client.V1ConfigMap(
            metadata=client.V1ObjectMeta(
                name=self.name, labels=MANAGED_LABELS, owner_references=[owner_reference(service)]
            ),
            data={_KEY: json.dumps(previous)},
        )
        try:
            self._connection.ask(lambda: self._core.create_namespaced_config_map(self._connection.namespace, body))
        except ApiException as error:
            if error.status != CONFLICT:
                raise
            return self.read() or previous
        return previous

    def end(self) -> None:
        """Forget it."""
        try:
            self._connection.ask(lambda: self._core.delete_namespaced_config_map(self.name, self._connection.namespace))
        except ApiException as error:
            if error.status != NOT_FOUND:
                raise
