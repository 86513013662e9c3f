"""Resource quotas by number of objects: `pods`, `count/jobs.batch` and the like."""

from __future__ import annotations

from tests.cluster.errors import forbidden
from tests.cluster.resources import PODS, QUOTAS, Object, Resource, name_of, namespace_of
from tests.cluster.store import Store


class Quotas:
    """Admission that refuses an object once its namespace holds as many as a ResourceQuota allows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def admit(self, resource: Resource, thing: Object) -> None:
        """Raises ApiError 403 in the API server's words."""
        for quota in self._store.all(QUOTAS, namespace_of(thing)):
            for key, limit in quota["spec"].get("hard", {}).items():
                if key == f"count/{resource}" or (key == "pods" and resource == PODS):
                    used = self._used(resource, namespace_of(thing))
                    if used + 1 > int(limit):
                        what = f"requested: {key}=1, used: {key}={used}, limited: {key}={limit}"
                        raise forbidden(
                            resource, thing["metadata"]["name"], f"exceeded quota: {name_of(quota)}, {what}"
                        )

    def _used(self, resource: Resource, namespace: str) -> int:
        things = self._store.all(resource, namespace)
        ended = ("Succeeded", "Failed")
        return sum(1 for thing in things if resource != PODS or thing["status"]["phase"] not in ended)
