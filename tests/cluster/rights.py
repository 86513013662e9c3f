"""Who may do what: the reviews that authorization.k8s.io answers. What a review refuses is not refused in earnest."""

from __future__ import annotations

from typing import Any, Final

from tests.cluster.errors import ApiError

PATH: Final = "/apis/authorization.k8s.io/v1/"
_FOR_OTHERS: Final = "subjectaccessreviews"


class Rights:
    """Everybody may do everything, but for what a test takes away.

    Attributes:
        lacking: What nobody may do, as `delete trainjobs.trainer.kubeflow.org` or `get pods/log`.
        may_ask_for_others: Whether a user may ask what another one may do.
        users: Of whom has been asked so far.
    """

    def __init__(self) -> None:
        self.lacking: set[str] = set()
        self.may_ask_for_others = True
        self.users: set[str] = set()

    def review(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The review with its status; raises ApiError 403 where one may not ask."""
        if path.removeprefix(PATH) == _FOR_OTHERS and not self.may_ask_for_others:
            raise ApiError(403, "Forbidden", f'{_FOR_OTHERS}.authorization.k8s.io is forbidden: User "test" cannot')
        self.users.add(body["spec"].get("user", ""))
        asked = body["spec"]["resourceAttributes"]
        plural = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
        right = f"{asked['verb']} " + ".".join(filter(None, (plural, asked.get("group"))))
        return {**body, "status": {"allowed": right not in self.lacking}}
