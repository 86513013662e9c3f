"""Job of batch/v1: one pod for each completion index, or several alike; back-off limits, pod failure policy."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any, Final

from tests.cluster.controllers import Controller, exit_code, is_disrupted, is_late, is_true, set_condition
from tests.cluster.resources import JOBS, PODS, Object, name_of, uid_of
from tests.cluster.store import now, random_suffix

INDEX: Final = "batch.kubernetes.io/job-completion-index"
_MANY: Final = 2**31 - 1


class JobController(Controller):
    """The job controller."""

    resource = JOBS

    def step(self, thing: Object) -> None:
        """One reconciliation."""
        spec = thing["spec"]
        if is_true(thing, "Complete", "Failed"):
            self.expire(thing, spec.get("ttlSecondsAfterFinished"))
            return
        pods = self.pods_of(thing)
        if spec.get("suspend"):
            self.delete_pods(pods)
            thing["status"] |= {"active": 0}
            set_condition(thing, "Suspended", reason="JobSuspended", message="Job suspended")
            return
        if is_true(thing, "Suspended"):
            set_condition(thing, "Suspended", reason="JobResumed", message="Job resumed", value=False)
        thing["status"].setdefault("startTime", now())
        _count(thing, pods)
        verdict = _verdict(thing, pods)
        if verdict is None:
            self._create_pods(thing, pods)
            return
        kind, reason, message = verdict
        self.delete_pods([pod for pod in pods if _is_active(pod)])
        thing["status"] |= {"active": 0} | ({"completionTime": now()} if kind == "Complete" else {})
        set_condition(thing, kind, reason=reason, message=message)

    def _create_pods(self, thing: Object, pods: list[Object]) -> None:
        spec = thing["spec"]
        places = spec.get("parallelism", 1) - sum(_is_active(pod) for pod in pods)
        for index in _missing(thing, pods)[: max(0, places)]:
            self.create_owned(PODS, thing, _pod(thing, index))


def _pod(thing: Object, index: int | None) -> Object:
    template: Object = copy.deepcopy(thing["spec"]["template"])
    template.setdefault("metadata", {})
    labels = {"batch.kubernetes.io/job-name": name_of(thing), "job-name": name_of(thing)}
    labels["batch.kubernetes.io/controller-uid"] = uid_of(thing)
    place = name_of(thing)
    if index is not None:
        place += f"-{index}"
        labels[INDEX] = str(index)
        template["metadata"].setdefault("annotations", {})[INDEX] = str(index)
        template["spec"]["hostname"] = place
        for container in template["spec"]["containers"]:
            variables = container.setdefault("env", [])
            variables.append({"name": "JOB_COMPLETION_INDEX", "value": str(index)})
    template["metadata"]["name"] = f"{place}-{random_suffix()}"
    template["metadata"]["labels"] = {**template["metadata"].get("labels", {}), **labels}
    return template


def _count(thing: Object, pods: list[Object]) -> None:
    phases = Counter(pod["status"]["phase"] for pod in pods if not pod["metadata"].get("deletionTimestamp"))
    thing["status"] |= {
        "active": phases["Pending"] + phases["Running"],
        "succeeded": phases["Succeeded"],
        "failed": phases["Failed"],
    }
    if _is_indexed(thing):
        thing["status"]["completedIndexes"] = _ranges(_indexes(pods, "Succeeded"))
        failed = _failed_indexes(thing, pods)
        if "backoffLimitPerIndex" in thing["spec"]:
            thing["status"]["failedIndexes"] = _ranges(failed)


def _verdict(thing: Object, pods: list[Object]) -> tuple[str, str, str] | None:
    """The final condition, its reason and message, or None while there is work."""
    spec = thing["spec"]
    if is_late(thing, spec.get("activeDeadlineSeconds")):
        return "Failed", "DeadlineExceeded", "Job was active longer than specified deadline"
    failures = [pod for pod in pods if _counts(thing, pod)]
    for pod in failures:
        if _action(thing, pod) == "FailJob":
            why = f"Container failed with exit code {exit_code(pod)} matching FailJob rule"
            return "Failed", "PodFailurePolicy", f"{why} of pod {name_of(pod)}"
    failed = _failed_indexes(thing, pods) if "backoffLimitPerIndex" in spec else set()
    if len(failed) > spec.get("maxFailedIndexes", _MANY):
        return "Failed", "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"
    limit = spec.get("backoffLimit", _MANY if "backoffLimitPerIndex" in spec else 6)
    if len(failures) > limit:
        return "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    done = len(_indexes(pods, "Succeeded")) if _is_indexed(thing) else thing["status"]["succeeded"]
    completions = spec.get("completions", 1)
    if failed and done + len(failed) == completions:
        return "Failed", "FailedIndexes", "Job has failed indexes"
    if done >= completions:
        return "Complete", "CompletionsReached", "Reached expected number of succeeded pods"
    return None


def _missing(thing: Object, pods: list[Object]) -> list[int | None]:
    """The indices, or for a job without them the places, that still need a pod."""
    completions = thing["spec"].get("completions", 1)
    if not _is_indexed(thing):
        taken = sum(pod["status"]["phase"] == "Succeeded" or _is_active(pod) for pod in pods)
        return [None] * (completions - taken)
    active = {_index(pod) for pod in pods if _is_active(pod)}
    failed = _failed_indexes(thing, pods) if "backoffLimitPerIndex" in thing["spec"] else set()
    done = _indexes(pods, "Succeeded")
    return [index for index in range(completions) if index not in active | done | failed]


def _failed_indexes(thing: Object, pods: list[Object]) -> set[int]:
    """The indices that have failed more often than `backoffLimitPerIndex`, or that a rule has given up."""
    limit = thing["spec"].get("backoffLimitPerIndex", _MANY)
    failures = [pod for pod in pods if _counts(thing, pod)]
    often = Counter(_index(pod) for pod in failures)
    given_up = {_index(pod) for pod in failures if _action(thing, pod) == "FailIndex"}
    return {index for index, times in often.items() if times > limit} | given_up


def _counts(thing: Object, pod: Object) -> bool:
    """Whether the pod has failed and that is held against the job."""
    return pod["status"]["phase"] == "Failed" and _action(thing, pod) != "Ignore"


def _action(thing: Object, pod: Object) -> str:
    """What the first rule of the pod failure policy says that fits."""
    for rule in thing["spec"].get("podFailurePolicy", {}).get("rules", []):
        if "onPodConditions" in rule and is_disrupted(pod):
            return str(rule["action"])
        if "onExitCodes" in rule and _fits(rule["onExitCodes"], exit_code(pod)):
            return str(rule["action"])
    return "Count"


def _fits(rule: dict[str, Any], code: int) -> bool:
    return code != 0 and (code in rule["values"]) == (rule["operator"] == "In")


def _is_active(pod: Object) -> bool:
    return pod["status"]["phase"] in ("Pending", "Running")


def _is_indexed(thing: Object) -> bool:
    return bool(thing["spec"].get("completionMode") == "Indexed")


def _index(pod: Object) -> int:
    return int(pod["metadata"].get("annotations", {}).get(INDEX, 0))


def _indexes(pods: list[Object], phase: str) -> set[int]:
    return {_index(pod) for pod in pods if pod["status"]["phase"] == phase}


def _ranges(indexes: set[int]) -> str:
    """As `0,2-4`."""
    text: list[str] = []
    ordered = sorted(indexes)
    for position, index in enumerate(ordered):
        follows = position > 0 and ordered[position - 1] == index - 1
        if follows:
            text[-1] = f"{text[-1].partition('-')[0]}-{index}"
        else:
            text.append(str(index))
    return ",".join(text)
