"""Deploying on a cluster, with a server that stands in for ours."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
import yaml
from typer.testing import CliRunner

from intclass.components.shared.errors import ConfigError, ServingError
from intclass.components.shared.kube import INFERENCE_SERVICE, connect
from intclass.components.shared.kube.connection import Patience
from intclass.components.shared.kube.objects import Jobs
from intclass.pipelines.cli import app
from tests.cluster import schemas
from tests.cluster.resources import BUDGETS, CONFIG_MAPS, PODS, Object, find_resource
from tests.components.serve.deploy.conftest import NAMESPACE, Deployer

Put = Callable[..., str]


def test_a_first_model_is_served(deployer: Deployer, put_model: Put) -> None:
    answers = deployer(put_model("one"), min_replicas=2)
    assert len(answers) == 6
    assert deployer.models == ["one", "one"]
    budget = deployer.cluster.store.get(BUDGETS, NAMESPACE, "intclass")
    assert budget["metadata"]["ownerReferences"][0]["uid"] == deployer.service()["metadata"]["uid"]
    assert "created in namespace intclass" in deployer.told


def test_wrong_answers_of_the_canary_leave_the_old_model_alone(deployer: Deployer, put_model: Put) -> None:
    old, new = put_model("old"), put_model("new", temperature=0.1)
    deployer(old)
    before = deployer.service()["spec"]
    deployer.cluster.kubelet.models[new] = old  # what is fetched is not what is in the bucket
    with pytest.raises(ServingError, match=r"exp\(x\*\*2\): .* but the model says .*; the old model serves on"):
        deployer(new)
    assert (deployer.services, deployer.models) == (["intclass"], ["old"])
    assert deployer.service()["spec"] == before
    assert not deployer.cluster.store.all(CONFIG_MAPS)


def test_a_service_of_somebody_else_is_left_alone(deployer: Deployer, put_model: Put) -> None:
    model = put_model("one")
    deployer(model)
    with pytest.raises(ConfigError, match="is in mode Standard, which KServe does not change: give that --mode"):
        deployer(model, mode="knative")
    thing = deployer.service()
    del thing["metadata"]["labels"]["app.kubernetes.io/managed-by"]
    deployer.cluster.store.replace(deployer.cluster.serving.resource, thing)
    with pytest.raises(ConfigError, match="was not made by intclass; choose another --name"):
        deployer(model)


def test_a_model_that_pods_cannot_fetch_is_refused(deployer: Deployer, gs_root: str) -> None:
    with pytest.raises(ConfigError, match="runs/model: the pods fetch their model from gs://"):
        deployer("runs/model")
    with pytest.raises(ConfigError, match="no model here"):
        deployer(f"{gs_root}/nothing")


def test_an_architecture_that_the_hugging_face_runtime_lacks_is_refused(deployer: Deployer, put_model: Put) -> None:
    with pytest.raises(ConfigError, match="not 'intclass-tree': deploy it with the runtime intclass"):
        deployer(put_model("one"), runtime="huggingface")
    assert deployer.services == []


def test_the_same_again_changes_nothing(deployer: Deployer, put_model: Put) -> None:
    model = put_model("one")
    deployer(model)
    pods = [pod["metadata"]["uid"] for pod in deployer.cluster.store.all(PODS)]
    assert len(deployer(model)) == 6
    assert [pod["metadata"]["uid"] for pod in deployer.cluster.store.all(PODS)] == pods
    assert "has this specification already" in deployer.told


def test_an_update_that_comes_too_late_is_made_again(deployer: Deployer, put_model: Put) -> None:
    deployer(put_model("one"))
    seen = []

    def change(found: Object) -> Object:
        seen.append(found["metadata"]["resourceVersion"])
        if len(seen) == 1:  # somebody else writes while we think
            deployer.cluster.store.replace(deployer.cluster.serving.resource, _noted(found, "theirs"))
        return _noted(found, "ours")

    with contextlib.closing(connect(patience=Patience(first_pause=0.05))) as connection:
        Jobs(connection, INFERENCE_SERVICE).update("intclass", change)
    annotations = deployer.service()["metadata"]["annotations"]
    assert len(set(seen)) == 2
    assert {"theirs", "ours"} <= annotations.keys()


def _noted(thing: Object, name: str) -> Object:
    meta = thing["metadata"]
    return {**thing, "metadata": {**meta, "annotations": {**meta["annotations"], name: "1"}}}


def test_a_dry_run_prints_what_would_be_made(put_model: Put, deployer: Deployer) -> None:
    arguments = ["deploy", put_model("one"), "--name", "integrable", "--mode", "knative", "--dry-run", "--"]
    done = CliRunner().invoke(app, [*arguments, "--solvers", "3"], catch_exceptions=False)
    service, budget = yaml.safe_load_all(done.output)
    for body in (service, budget):
        schemas.admit(find_resource(body), body)
    assert service["metadata"]["name"] == budget["metadata"]["name"] == "integrable"
    assert {"--solvers=3", "--grace-seconds=10.0"} <= set(service["spec"]["predictor"]["containers"][0]["args"])
    assert deployer.services == []
