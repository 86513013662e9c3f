"""The objects of a deployment, against committed files and KServe's schema.

`INTCLASS_REGENERATE=1 pytest tests/components/serve/deploy` writes the files anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from intclass.components.serve import ServeConfig
from intclass.components.serve.deploy import DeployConfig
from intclass.components.serve.deploy.manifests import digest_of, disruption_budget, inference_service
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.kube import Identity
from tests.cluster import schemas
from tests.cluster.resources import find_resource

GOLDEN = Path(__file__).parent / "golden"
L4 = {"cloud.google.com/gke-accelerator": "nvidia-l4"}
CASES = {
    "standard": DeployConfig(),
    "standard-gpu": DeployConfig(name="integrable", gpus=1, node_selector=L4, min_replicas=2, metric="memory"),
    "knative": DeployConfig(mode="knative", min_replicas=0, max_replicas=10),
    "huggingface": DeployConfig(runtime="huggingface"),
    "huggingface-knative": DeployConfig(runtime="huggingface", mode="knative", metric="rps", target=50),
}
LABELS = Identity("integrability-x7k2p", "deploy").labels


def service(config: DeployConfig, **changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {"model": "gs://bucket/model", "serving": ServeConfig(grace_seconds=10), **changes}
    model, serving = arguments.pop("model"), arguments.pop("serving")
    return inference_service(config, model, serving, **{"fingerprint": "0" * 16, "labels": LABELS, **arguments})


@pytest.mark.parametrize("name", CASES)
def test_the_objects_are_the_committed_ones(name: str) -> None:
    path, objects = GOLDEN / f"{name}.yaml", [service(CASES[name]), disruption_budget(CASES[name], LABELS)]
    if os.environ.get("INTCLASS_REGENERATE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump_all(objects, sort_keys=False, width=110))
    assert list(yaml.safe_load_all(path.read_text())) == objects


@pytest.mark.parametrize("name", CASES)
def test_the_objects_follow_their_schemas(name: str) -> None:
    for body in (service(CASES[name]), disruption_budget(CASES[name], LABELS)):
        schemas.admit(find_resource(body), body)


@pytest.mark.parametrize("name", ["standard", "knative"])
def test_our_container_may_do_nothing_that_it_need_not(name: str) -> None:
    [container] = service(CASES[name])["spec"]["predictor"]["containers"]
    context = container["securityContext"]
    assert (context["runAsNonRoot"], context["runAsUser"]) == (True, 10001)
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}


def test_knative_gets_nothing_that_it_refuses() -> None:
    predictor = service(CASES["knative"])["spec"]["predictor"]
    assert not {"securityContext", "deploymentStrategy", "terminationGracePeriodSeconds"} & predictor.keys()
    names = {variable["name"] for variable in predictor["containers"][0]["env"]}
    assert not names & {"PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"}


def test_the_digest_is_that_of_what_is_served() -> None:
    digests = [
        digest_of(service(CASES["standard"])),
        digest_of(service(CASES["standard"], fingerprint="1" * 16)),  # another model under the same address
        digest_of(service(CASES["standard"], model="gs://bucket/other")),
        digest_of(service(CASES["standard"], serving=ServeConfig(workers=2))),
        digest_of(service(CASES["standard-gpu"])),
    ]
    assert len(set(digests)) == len(digests)
    again = service(CASES["standard"], labels=Identity("another-run", "deploy").labels)
    assert digest_of(again) == digests[0]  # who deployed it changes nothing


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "Model_1"}, "name is 'Model_1'; use at most 35 of a-z"),
        ({"name": "m" * 36}, "use at most 35"),
        ({"mode": "raw"}, "mode is 'raw'; choose one of standard, knative"),
        ({"memory": "4 GB"}, "memory is '4 GB'; write it as Kubernetes does"),
        ({"min_replicas": 0}, "only mode knative can do without pods"),
        ({"min_replicas": 4}, "max_replicas is 3; give at least min_replicas = 4"),
        ({"metric": "rps"}, "metric is 'rps'; in mode standard choose one of cpu, memory"),
        ({"canary_steps": (50, 10)}, "canary_steps are 50,10; give rising percentages between 1 and 99"),
        ({"canary_steps": (100,)}, "canary_steps are 100"),
        ({"max_error_rate": 1.0}, "max_error_rate is 1.0; give a share from 0 to below 1"),
        ({"watch_seconds": 0.0}, "watch_seconds is 0.0; give a number above 0"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DeployConfig(**options)
