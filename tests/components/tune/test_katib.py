"""The Experiments that tune creates, against committed files and what Katib 0.19 itself checks.

`INTCLASS_REGENERATE=1 pytest tests/components/tune/test_katib.py` writes the files anew.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

import kubeflow.katib
import pytest
import yaml
from kubernetes.client import ApiClient

from intclass.components.finetune import FinetuneConfig
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.kube import Connection
from intclass.components.shared.kube.child import job_body
from intclass.components.shared.kube.connection import Patience
from intclass.components.tune import ClusterConfig, TuneConfig, read_space
from intclass.components.tune.encoding import decoded_point, encoded_space
from intclass.components.tune.experiment import LONGEST_NAME, experiment_job
from intclass.components.tune.katib import hyperband_trials
from intclass.components.tune.reading import parse_space
from tests.cluster import schemas
from tests.cluster.resources import find_resource

GOLDEN = Path(__file__).parent / "golden"
BASE = FinetuneConfig(epochs=9)
SMALL = read_space("small")
EXPLORED = parse_space(
    "learning_rate: {min: 1e-4, max: 1e-2, log: true}\ndropout: {min: 0.0, max: 0.3, step: 0.1}\n", source="test"
)
EVEN = parse_space(
    "learning_rate: {min: 0.0001, max: 0.01}\ndropout: {min: 0.0, max: 0.3}\nreorder_arguments: [true, false]\n",
    source="test",
)
GPU = ClusterConfig(kind="pytorchjob", gpus=1, node_selector={"cloud.google.com/gke-accelerator": "nvidia-l4"})
CASES: dict[str, tuple[Any, TuneConfig, ClusterConfig]] = {
    "random": (SMALL, TuneConfig(sampler="random", pruner="none"), ClusterConfig(queue="training", retain=True)),
    "grid": (SMALL, TuneConfig(sampler="grid", pruner="none"), ClusterConfig(resume_policy="LongRunning")),
    "sobol": (SMALL, TuneConfig(sampler="sobol", pruner="none"), ClusterConfig()),
    "tpe": (SMALL, TuneConfig(sampler="tpe", pruner="median", parallel=4), ClusterConfig()),
    "multivariate-tpe": (SMALL, TuneConfig(sampler="multivariate-tpe", pruner="none"), GPU),
    "bayesianoptimization": (SMALL, TuneConfig(sampler="gp", pruner="none"), ClusterConfig(spot=False)),
    "cmaes": (EVEN, TuneConfig(sampler="cmaes", pruner="none", objectives=("validation_auroc",)), ClusterConfig()),
    "hyperband": (SMALL, TuneConfig(sampler="random", pruner="hyperband"), ClusterConfig()),
    "pbt": (EXPLORED, TuneConfig(sampler="pbt", pruner="none", interval=3), ClusterConfig()),
}


def manifest(name: str) -> dict[str, Any]:
    space, config, cluster = CASES[name]
    child = experiment_job(
        space, BASE, config, cluster, dataset="gs://bucket/examples", out="gs://bucket/study", run="integrability-x7k2p"
    )
    connection = Connection(ApiClient(), "intclass", patience=Patience(), renew=lambda _: None)
    body = job_body(child, connection, workflow=None)
    connection.close()
    return body


@pytest.mark.parametrize("name", CASES)
def test_the_experiment_is_the_committed_one(name: str) -> None:
    path, body = GOLDEN / f"{name}.yaml", manifest(name)
    if os.environ.get("INTCLASS_REGENERATE"):
        path.write_text(yaml.safe_dump(body, sort_keys=False, width=110))
    assert yaml.safe_load(path.read_text()) == body
    assert body["spec"]["algorithm"]["algorithmName"] == name


@pytest.mark.parametrize("name", CASES)
def test_the_sdk_reads_it_back(name: str) -> None:
    body = manifest(name)
    with ApiClient() as client:
        spec = _deserialized(client, body["spec"], kubeflow.katib.V1beta1ExperimentSpec)
        assert client.sanitize_for_serialization(spec) == body["spec"]


@pytest.mark.parametrize("name", CASES)
def test_it_passes_what_katibs_webhook_checks(name: str) -> None:
    body = manifest(name)
    spec, template = body["spec"], body["spec"]["trialTemplate"]
    assert re.fullmatch("[a-z]([-a-z0-9]*[a-z0-9])?", body["metadata"]["name"])
    assert len(body["metadata"]["name"]) <= LONGEST_NAME
    assert 0 < spec["parallelTrialCount"] <= spec["maxTrialCount"]
    assert spec["maxFailedTrialCount"] <= spec["maxTrialCount"]
    assert spec["objective"]["objectiveMetricName"] not in spec["objective"]["additionalMetricNames"]
    names = {parameter["name"] for parameter in spec["parameters"]}
    for parameter in spec["parameters"]:
        feasible = parameter["feasibleSpace"]
        if parameter["parameterType"] == "categorical":
            assert set(feasible) == {"list"}
            assert all(isinstance(option, str) for option in feasible["list"])
        else:
            assert float(feasible["min"]) < float(feasible["max"])
    references = {each["name"]: each["reference"] for each in template["trialParameters"]}
    assert set(references.values()) == {*names, "${trialSpec.Name}"}
    arguments = str(template["trialSpec"])
    assert set(re.findall(r"\$\{trialParameters\.(\w+)\}", arguments)) == set(references)
    assert set(template["trialSpec"].get("metadata", {})) <= {"labels"}
    settings = {each["name"]: each["value"] for each in spec["algorithm"]["algorithmSettings"]}
    assert all(isinstance(value, str) for value in settings.values())


@pytest.mark.parametrize("name", CASES)
def test_the_trial_is_a_valid_job(name: str) -> None:
    job = manifest(name)["spec"]["trialTemplate"]["trialSpec"]
    job.setdefault("metadata", {})["name"] = "trial"
    schemas.admit(find_resource(job), job)
    pod = job["spec"]["template"]["spec"] if job["kind"] == "Job" else None
    if pod is None:
        [pod] = [each["template"]["spec"] for each in job["spec"]["pytorchReplicaSpecs"].values()]
    assert pod["securityContext"]["runAsNonRoot"] is True
    [container] = pod["containers"]
    assert container["command"][:2] == ["python", "-m"]  # without one Katib could not wrap it


def test_hyperband_is_what_its_service_accepts() -> None:
    spec = manifest("hyperband")["spec"]
    settings = {each["name"]: each["value"] for each in spec["algorithm"]["algorithmSettings"]}
    last = int(math.log(float(settings["r_l"])) / math.log(int(settings["eta"])))
    assert spec["parallelTrialCount"] >= int(settings["eta"]) ** last
    assert settings["resource_name"] in {parameter["name"] for parameter in spec["parameters"]}
    assert hyperband_trials(9, 3) == (9 + 3 + 1) + (5 + 2) + 3


def test_pbt_keeps_its_volume_and_steps_are_lists() -> None:
    spec = manifest("pbt")["spec"]
    assert spec["resumePolicy"] == "FromVolume"
    assert spec["maxTrialCount"] == 8 * 3
    assert all(parameter["parameterType"] == "categorical" for parameter in spec["parameters"])


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("optimizer: [adamw, sgd]\ndropout: {min: 0, max: 0.3, when: {optimizer: sgd}}", {}, "knows no conditions"),
        ("learning_rate: {min: 1e-4, max: 1e-2, log: true}\ndropout: {min: 0, max: 0.3}", {"sampler": "cmaes"}, "log"),
        ("dropout: {min: 0.0, max: 0.3}", {"pruner": "asha"}, "no asha"),
        ("dropout: {min: 0.0, max: 0.3}", {"pruner": "hyperband"}, "draws at random"),
        ("dropout: {min: 0.0, max: 0.3}", {"sampler": "grid"}, "3 points, fewer than 32"),
        ("dropout: {min: 0.0, max: 0.3}", {"sampler": "pbt", "population": 4}, "at least 5"),
        ("dropout: {min: 0.0, max: 0.3}", {"objectives": ("validation_loss", "latency_ms")}, "latency_ms"),
        ("dropout: {min: 0.0, max: 0.3}", {"sampler": "random", "pruner": "hyperband", "parallel": 3}, "begins 9"),
    ],
)
def test_what_katib_cannot_do_is_refused_with_the_reason(text: str, options: dict[str, Any], reason: str) -> None:
    config = TuneConfig(**{"sampler": "tpe", "pruner": "none", **options})
    space = parse_space(text, source="test")
    with pytest.raises(ConfigError, match=reason):
        experiment_job(space, BASE, config, ClusterConfig(), dataset="d", out="o", run="r")


def test_a_range_that_an_algorithm_would_misread_becomes_a_list() -> None:
    text = "learning_rate: {min: 1e-4, max: 1e-2, log: true}\nwarmup_fraction: {min: 0.05, max: 0.25, step: 0.1}\n"
    space = parse_space(text, source="test")
    types = {
        algorithm: [each.parameter_type for each in encoded_space(space, algorithm, points=3)]
        for algorithm in ("random", "multivariate-tpe", "sobol", "bayesianoptimization", "grid")
    }
    assert types == {
        "random": ["double", "categorical"],  # Hyperopt would try 0.1 and 0.2
        "multivariate-tpe": ["double", "double"],
        "sobol": ["categorical", "double"],
        "bayesianoptimization": ["double", "categorical"],
        "grid": ["categorical", "categorical"],
    }
    rates = encoded_space(space, "sobol", points=3)[0].feasible_space.list
    assert [float(rate) for rate in rates] == pytest.approx([10 ** (-4 + place / 4) for place in range(9)])


def test_assignments_are_options_again() -> None:
    assigned = {"learning_rate": "0.003", "dropout": "0.1", "reorder_arguments": "--no-reorder-arguments"}
    assert decoded_point(assigned, EVEN) == {"learning_rate": 0.003, "dropout": 0.1, "reorder_arguments": False}
    [switch] = [each for each in encoded_space(EVEN, "random", points=3) if each.name == "reorder_arguments"]
    assert switch.feasible_space.list == ["--reorder-arguments", "--no-reorder-arguments"]


def _deserialized(client: ApiClient, data: Any, kind: Any) -> Any:
    """What `client.deserialize` does, for the models of Katib's SDK, which it does not know by name."""
    if data is None or kind in ("object", "str", "int", "bool"):
        return data
    if isinstance(kind, str):
        if match := re.fullmatch(r"list\[(.*)\]", kind):
            return [_deserialized(client, each, match[1]) for each in data]
        if match := re.fullmatch(r"dict\(str, (.*)\)", kind):
            return {key: _deserialized(client, each, match[1]) for key, each in data.items()}
        kind = getattr(kubeflow.katib, kind)
    fields = {json: name for name, json in kind.attribute_map.items()}
    assert set(data) <= set(fields), f"{kind.__name__} has no {set(data) - set(fields)}"
    return kind(
        **{fields[key]: _deserialized(client, each, kind.openapi_types[fields[key]]) for key, each in data.items()}
    )
