"""Experiment and Trial of Katib 0.19: trials drawn at random from the feasible space, metrics read from their logs.

Every algorithm's name is taken, and all draw at random: what the cluster imitates is how Katib makes trials of the
template, collects their metrics from stdout, and says how they are getting on.
"""

from __future__ import annotations

import copy
import json
import math
import random
import re
from collections import Counter
from typing import Any, Final

from tests.cluster.controllers import Controller, is_true, set_condition
from tests.cluster.events import Recorder
from tests.cluster.kubelet import Kubelet
from tests.cluster.resources import (
    EXPERIMENTS,
    PODS,
    TRIALS,
    Object,
    find_resource,
    name_of,
    namespace_of,
    owned_by,
    uid_of,
)
from tests.cluster.store import Store, now, random_suffix

LABEL: Final = "katib.kubeflow.org/experiment"
# The default of the StdOut collector, pkg/metricscollector/v1beta1/common/const.go.
_METRIC: Final = re.compile(r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)")
_ENDED: Final = ("Succeeded", "Failed", "MetricsUnavailable")
_STATUS: Final = re.compile(r'status\.conditions\.#\(type=="(\w+)"\)#\|#\(status=="True"\)#')


class ExperimentController(Controller):
    """Keeps as many trials running as may run at the same time, until enough have ended."""

    resource = EXPERIMENTS

    def step(self, thing: Object) -> None:
        """One reconciliation."""
        if is_true(thing, "Succeeded", "Failed"):
            return
        spec = thing["spec"]
        thing["status"].setdefault("startTime", now())
        set_condition(thing, "Created", reason="ExperimentCreated", message="Experiment is created")
        trials = [each for each in self.store.all(TRIALS, namespace_of(thing)) if _is_owned(each, thing)]
        states = Counter(_state(trial) for trial in trials)
        failed = states["Failed"] + states["MetricsUnavailable"]
        thing["status"] |= {
            "trials": len(trials),
            "trialsRunning": states["Running"],
            "trialsSucceeded": states["Succeeded"],
            "trialsFailed": failed,
        }
        self._note_best(thing, trials)
        if failed > spec.get("maxFailedTrialCount", spec["maxTrialCount"]):
            why = "Experiment has failed because max failed trials count has reached"
            self._end(thing, "Failed", "ExperimentMaxFailedTrialsReached", why)
        elif states["Succeeded"] + failed >= spec["maxTrialCount"]:
            why = "Experiment has succeeded because max trial count has reached"
            self._end(thing, "Succeeded", "ExperimentMaxTrialsReached", why)
        else:
            set_condition(thing, "Running", reason="ExperimentRunning", message="Experiment is running")
            room = min(spec["parallelTrialCount"] - states["Running"], spec["maxTrialCount"] - len(trials))
            for place in range(max(0, room)):
                self._create_trial(thing, len(trials) + place)

    def _end(self, thing: Object, kind: str, reason: str, message: str) -> None:
        thing["status"]["completionTime"] = now()
        set_condition(thing, "Running", reason=reason, message=message, value=False)
        set_condition(thing, kind, reason=reason, message=message)

    def _create_trial(self, thing: Object, number: int) -> None:
        spec, template = thing["spec"], thing["spec"]["trialTemplate"]
        name = f"{name_of(thing)}-{random_suffix()}{random_suffix()}"[:63]
        rng = random.Random(f"{name_of(thing)}/{number}")
        assignments = {each["name"]: _draw(each, rng) for each in spec["parameters"]}
        text = json.dumps(template["trialSpec"])
        for parameter in template["trialParameters"]:
            reference = parameter["reference"]
            value = name if reference == "${trialSpec.Name}" else assignments[reference]
            text = text.replace(f"${{trialParameters.{parameter['name']}}}", value)
        trial = {
            "apiVersion": TRIALS.api_version,
            "kind": TRIALS.kind,
            "metadata": {"name": name, "labels": {LABEL: name_of(thing)}},
            "spec": {
                "objective": copy.deepcopy(spec["objective"]),
                "parameterAssignments": [{"name": key, "value": value} for key, value in assignments.items()],
                "runSpec": json.loads(text),
                "retainRun": template.get("retain", False),
                "primaryContainerName": template["primaryContainerName"],
                "successCondition": template["successCondition"],
                "failureCondition": template["failureCondition"],
            },
        }
        self.create_owned(TRIALS, thing, trial)

    def _note_best(self, thing: Object, trials: list[Object]) -> None:
        objective = thing["spec"]["objective"]
        sign = -1 if objective["type"] == "maximize" else 1
        done = [trial for trial in trials if _state(trial) == "Succeeded"]
        if not done:
            return
        best = min(done, key=lambda trial: sign * _value(trial, objective))
        thing["status"]["currentOptimalTrial"] = {
            "bestTrialName": name_of(best),
            "parameterAssignments": best["spec"]["parameterAssignments"],
            "observation": best["status"]["observation"],
        }


class TrialController(Controller):
    """Makes the trial's job, and reads its metrics when it has ended."""

    resource = TRIALS

    def __init__(self, store: Store, recorder: Recorder, *, kubelet: Kubelet) -> None:
        super().__init__(store, recorder)
        self._kubelet = kubelet

    def step(self, thing: Object) -> None:
        """One reconciliation."""
        if is_true(thing, *_ENDED):
            return
        run = copy.deepcopy(thing["spec"]["runSpec"])
        resource = find_resource(run)
        job = self.store.find(resource, namespace_of(thing), name_of(thing))
        if job is None:
            thing["status"].setdefault("startTime", now())
            run.setdefault("metadata", {})["name"] = name_of(thing)
            self.create_owned(resource, thing, run)
            set_condition(thing, "Running", reason="TrialRunning", message="Trial is running")
            return
        if _holds(job, thing["spec"]["failureCondition"]):
            self._end(thing, "Failed", "Trial has failed")
        elif _holds(job, thing["spec"]["successCondition"]):
            metrics = self._metrics(thing)
            thing["status"]["observation"] = {"metrics": metrics}
            seen = {metric["name"] for metric in metrics}
            complete = thing["spec"]["objective"]["objectiveMetricName"] in seen
            self._end(thing, "Succeeded" if complete else "MetricsUnavailable", "Trial has ended")
        else:
            return
        if not thing["spec"]["retainRun"]:
            self.store.delete(resource, namespace_of(thing), name_of(thing), propagation="Background")

    def _end(self, thing: Object, kind: str, message: str) -> None:
        thing["status"]["completionTime"] = now()
        set_condition(thing, "Running", reason=f"Trial{kind}", message=message, value=False)
        set_condition(thing, kind, reason=f"Trial{kind}", message=message)

    def _metrics(self, thing: Object) -> list[dict[str, str]]:
        """Least, greatest and last value of each metric on the primary container's stdout."""
        objective = thing["spec"]["objective"]
        wanted = [objective["objectiveMetricName"], *objective.get("additionalMetricNames", [])]
        values: dict[str, list[str]] = {}
        for pod in self.store.all(PODS, namespace_of(thing)):
            labels = pod["metadata"].get("labels", {})
            jobs = (labels.get("batch.kubernetes.io/job-name"), labels.get("training.kubeflow.org/job-name"))
            if name_of(thing) in jobs and pod["status"]["phase"] == "Succeeded":
                for _, line in self._kubelet.log(pod, thing["spec"]["primaryContainerName"]).lines:
                    for name, value, *_ in _METRIC.findall(line):
                        if name in wanted and value:
                            values.setdefault(name, []).append(value)
        return [
            {"name": name, "min": min(found, key=float), "max": max(found, key=float), "latest": found[-1]}
            for name, found in values.items()
        ]


def _is_owned(trial: Object, experiment: Object) -> bool:
    return any(reference["uid"] == uid_of(experiment) for reference in owned_by(trial))


def _state(trial: Object) -> str:
    conditions = trial.get("status", {}).get("conditions", [])
    true = [condition["type"] for condition in conditions if condition["status"] == "True"]
    return next((kind for kind in _ENDED if kind in true), "Running")


def _value(trial: Object, objective: dict[str, Any]) -> float:
    which = "max" if objective["type"] == "maximize" else "min"
    metrics = trial["status"]["observation"]["metrics"]
    return next(float(metric[which]) for metric in metrics if metric["name"] == objective["objectiveMetricName"])


def _holds(job: Object, condition: str) -> bool:
    """Katib's conditions are GJSON queries, of which one form is understood: a condition of a type is true."""
    query = _STATUS.fullmatch(condition)
    assert query, condition
    return is_true({"status": job.get("status", {})}, query[1])


def _draw(parameter: dict[str, Any], rng: random.Random) -> str:
    feasible, kind = parameter["feasibleSpace"], parameter["parameterType"]
    if kind in ("categorical", "discrete"):
        return str(rng.choice(feasible["list"]))
    low, high = float(feasible["min"]), float(feasible["max"])
    if feasible.get("distribution") == "logUniform":
        value = math.exp(rng.uniform(math.log(low), math.log(high)))
    else:
        value = rng.uniform(low, high)
    if "step" in feasible or kind == "int":
        step = float(feasible.get("step", 1))
        value = low + round((value - low) / step) * step
    return str(round(value)) if kind == "int" else str(value)
