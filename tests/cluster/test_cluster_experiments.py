"""What the cluster's Experiments do, with trials that print a number and end."""

from __future__ import annotations

import sys
from typing import Any

from tests.cluster import Cluster
from tests.cluster.cluster import NAMESPACE
from tests.cluster.resources import EXPERIMENTS, JOBS, TRIALS, Object, name_of

PRINT = "import sys; print('epoch=1 loss=0.9'); print('epoch=2 loss=' + sys.argv[1]); sys.exit(int(sys.argv[2]))"
CONDITION = 'status.conditions.#(type=="{}")#|#(status=="True")#'


def experiment(*, code: str = "0", **spec: Any) -> Object:
    arguments = ["${trialParameters.rate}", code]
    container = {"name": "training", "command": [sys.executable, "-c", PRINT], "args": arguments}
    pod = {"containers": [container], "restartPolicy": "Never"}
    feasible = {"min": "0.1", "max": "0.5"}
    return {
        "metadata": {"name": "search"},
        "spec": {
            "objective": {"type": "minimize", "objectiveMetricName": "loss", "additionalMetricNames": ["epoch"]},
            "algorithm": {"algorithmName": "random"},
            "parameters": [{"name": "rate", "parameterType": "double", "feasibleSpace": feasible}],
            "parallelTrialCount": 2,
            "maxTrialCount": 3,
            "maxFailedTrialCount": 0,
            "trialTemplate": {
                "primaryContainerName": "training",
                "successCondition": CONDITION.format("Complete"),
                "failureCondition": CONDITION.format("Failed"),
                "trialParameters": [{"name": "rate", "reference": "rate"}],
                "trialSpec": {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "spec": {"backoffLimit": 0, "template": {"spec": pod}},
                },
            },
            **spec,
        },
    }


def run_to_end(cluster: Cluster, thing: Object) -> Object:
    cluster.store.create(EXPERIMENTS, NAMESPACE, thing)

    def ended() -> bool:
        conditions = cluster.store.get(EXPERIMENTS, NAMESPACE, "search").get("status", {}).get("conditions", [])
        return any(each["type"] in ("Succeeded", "Failed") and each["status"] == "True" for each in conditions)

    cluster.wait_for(ended, seconds=200)
    return cluster.store.get(EXPERIMENTS, NAMESPACE, "search")


def test_trials_run_two_at_a_time_and_the_best_is_named(cluster: Cluster) -> None:
    done = run_to_end(cluster, experiment())
    trials = cluster.store.all(TRIALS)
    assert len(trials) == done["status"]["trialsSucceeded"] == 3
    losses = {}
    for trial in trials:
        [assignment] = trial["spec"]["parameterAssignments"]
        [epoch, loss] = trial["status"]["observation"]["metrics"]
        assert loss == {"name": "loss", "min": assignment["value"], "max": "0.9", "latest": assignment["value"]}
        assert (epoch["name"], epoch["latest"]) == ("epoch", "2")
        losses[name_of(trial)] = float(loss["min"])
    assert done["status"]["currentOptimalTrial"]["bestTrialName"] == min(losses, key=lambda name: losses[name])
    cluster.wait_for(lambda: not cluster.store.all(JOBS))


def test_too_many_failed_trials_fail_the_experiment(cluster: Cluster) -> None:
    done = run_to_end(cluster, experiment(code="1"))
    [last] = [each for each in done["status"]["conditions"] if each["type"] == "Failed"]
    assert "max failed trials" in last["message"]


def test_a_trial_without_the_metric_counts_as_failed(cluster: Cluster) -> None:
    objective = {"type": "minimize", "objectiveMetricName": "accuracy"}
    done = run_to_end(cluster, experiment(objective=objective, maxFailedTrialCount=3))
    assert done["status"]["trialsFailed"] == 3
    kinds = {each["type"] for trial in cluster.store.all(TRIALS) for each in trial["status"]["conditions"]}
    assert "MetricsUnavailable" in kinds
