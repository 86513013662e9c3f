"""The API server's refusals, in its own words."""

from __future__ import annotations

from typing import Any

from tests.cluster.resources import Resource


class ApiError(Exception):
    """A refusal, sent to the client as a Status object."""

    def __init__(self, code: int, reason: str, message: str, **details: object) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details

    @property
    def status(self) -> dict[str, Any]:
        """The body of the response."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }


def bad_request(message: str) -> ApiError:
    """400."""
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    """401, for a token that is missing, wrong or expired."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(resource: Resource, name: str, why: str) -> ApiError:
    """403, from admission."""
    return ApiError(403, "Forbidden", f'{resource} "{name}" is forbidden: {why}', **_details(resource, name))


def no_such_path() -> ApiError:
    """404, for a kind that is not installed."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def not_found(resource: Resource, name: str) -> ApiError:
    """404, for an object."""
    return ApiError(404, "NotFound", f'{resource} "{name}" not found', **_details(resource, name))


def method_not_allowed() -> ApiError:
    """405."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message)


def already_exists(resource: Resource, name: str) -> ApiError:
    """409, for a name that is taken."""
    return ApiError(409, "AlreadyExists", f'{resource} "{name}" already exists', **_details(resource, name))


def conflict(resource: Resource, name: str) -> ApiError:
    """409, for an update of an old version."""
    why = "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {resource} "{name}": {why}'
    return ApiError(409, "Conflict", message, **_details(resource, name))


def wrong_uid(resource: Resource, name: str, *, expected: str, found: str) -> ApiError:
    """409, for a delete with a precondition on another object of that name."""
    why = f"Precondition failed: UID in precondition: {expected}, UID in object meta: {found}"
    message = f'Operation cannot be fulfilled on {resource} "{name}": {why}'
    return ApiError(409, "Conflict", message, **_details(resource, name))


def expired(asked: int, oldest: int) -> ApiError:
    """410, for a watch from a version that has been forgotten."""
    return ApiError(410, "Expired", f"too old resource version: {asked} ({oldest})")


def unknown_patch() -> ApiError:
    """415, for a strategic merge patch of a custom object."""
    kinds = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    why = f"the body of the request was in an unknown format - accepted media types include: {kinds}"
    return ApiError(415, "UnsupportedMediaType", why)


def invalid(resource: Resource, name: str, causes: list[str]) -> ApiError:
    """422, for an object that does not follow its schema."""
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    text = causes[0] if len(causes) == 1 else f"[{', '.join(causes)}]"
    return ApiError(422, "Invalid", f'{kind} "{name}" is invalid: {text}', **_details(resource, name))


def failure(code: int) -> ApiError:
    """429 or 5xx, as an overloaded or restarting server says it."""
    known = {
        429: ("TooManyRequests", "Too many requests, please try again later."),
        500: ("InternalError", "Internal error occurred: etcdserver: leader changed"),
        503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
        504: ("Timeout", "Timeout: request did not complete within the requested timeout"),
    }
    reason, message = known[code]
    return ApiError(code, reason, message, **({"retryAfterSeconds": 1} if code == 429 else {}))


def _details(resource: Resource, name: str) -> dict[str, str]:
    return {"name": name, "group": resource.group, "kind": resource.plural}
