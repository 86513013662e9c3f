"""From one model to another, and back, on a cluster with a server that stands in for ours."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from intclass.components.shared.errors import ClusterError, ServingError
from tests.cluster.resources import CONFIG_MAPS
from tests.components.serve.deploy.conftest import Deployer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

Put = Callable[..., str]


def test_a_new_model_takes_over_behind_a_canary(deployer: Deployer, put_model: Put) -> None:
    deployer(put_model("old"))
    first = deployer.service()
    deployer(put_model("new", temperature=0.5))
    assert (deployer.services, deployer.models) == (["intclass"], ["new"])
    assert deployer.service()["metadata"]["uid"] == first["metadata"]["uid"]
    assert not deployer.cluster.store.all(CONFIG_MAPS)
    assert "intclass-canary: 6 golden requests answered as the model does" in deployer.told
    assert deployer.told.count("0 of ") == 4  # of our requests, and of those that pods counted, twice


def test_a_first_model_that_answers_wrongly_is_taken_away(deployer: Deployer, put_model: Put) -> None:
    new = put_model("new", temperature=0.1)
    deployer.cluster.kubelet.models[new] = put_model("old")
    with pytest.raises(ServingError, match="but the model says"):
        deployer(new)
    assert deployer.services == []
    assert "deleted again; there was no model before it" in deployer.told


def test_errors_on_the_way_to_the_canary_end_the_rollout(deployer: Deployer, put_model: Put) -> None:
    deployer(put_model("old"))
    new = put_model("new")
    deployer.cluster.serving.breaks_every[new] = 3  # golden requests are two
    with pytest.raises(ServingError, match=r"requests failed, the last: .* answered 503: no healthy upstream"):
        deployer(new)
    assert (deployer.services, deployer.models) == (["intclass"], ["old"])


def test_errors_that_only_others_meet_end_the_rollout(deployer: Deployer, put_model: Put) -> None:
    deployer(put_model("old"))
    with pytest.raises(ServingError, match=r"the pods count: \d+ of \d+ requests failed; the old model serves on"):
        deployer(put_model("new", errors_counted=9))
    assert (deployer.services, deployer.models) == (["intclass"], ["old"])


def test_errors_after_the_canary_bring_the_old_model_back(
    deployer: Deployer, put_model: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployer(put_model("old"))
    before, new = deployer.service()["spec"], put_model("new")
    replace = deployer.cluster.store.replace

    def notice(resource: object, thing: object, **options: object) -> object:
        if deployer.service()["spec"] != before:  # it is promoted
            deployer.cluster.serving.breaks_every[new] = 3
        return replace(resource, thing, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(deployer.cluster.store, "replace", notice)
    with pytest.raises(ServingError, match=r"requests failed, .*; the old model serves on"):
        deployer(new)
    assert (deployer.services, deployer.models) == (["intclass"], ["old"])
    assert deployer.service()["spec"] == before
    assert "intclass: going back" not in deployer.told
    assert "going back to the old model" in deployer.told


def test_a_pod_that_does_not_get_ready_is_told_by_its_last_words(deployer: Deployer, put_model: Put) -> None:
    deployer(put_model("old"))
    with pytest.raises(ClusterError) as caught:
        deployer(put_model("new", dies="no CUDA on this node"))
    text = str(caught.value)
    assert "InferenceService intclass-canary did not get ready" in text
    assert "exited with 1 (Error): no CUDA on this node" in text
    assert "ModelLoadFailed" in text
    assert "kubectl -n intclass describe inferenceservice intclass-canary" in text
    assert text.endswith("the old model serves on")
    assert "no CUDA on this node" in deployer.told
    assert (deployer.services, deployer.models) == (["intclass"], ["old"])


def test_a_pod_that_finds_no_node_is_waited_for_no_longer_than_said(deployer: Deployer, put_model: Put) -> None:
    with pytest.raises(ClusterError, match=r"is pending \(Unschedulable: 0/1 nodes are available: 1 Insufficient"):
        deployer(put_model("one"), gpus=1, ready_seconds=2.0)
    assert deployer.services == []


def test_an_interrupted_rollout_is_taken_back(
    deployer: Deployer, put_model: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployer(put_model("old"))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("intclass.components.serve.deploy.rollout.watch", interrupt)
    with pytest.raises(KeyboardInterrupt):
        deployer(put_model("new"))
    assert (deployer.services, deployer.models) == (["intclass"], ["old"])


def test_a_rollout_whose_process_died_is_taken_up_and_still_knows_the_way_back(
    deployer: Deployer, put_model: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As SIGKILL, it lets nothing be put in order."""

    def kill(*_: object) -> None:
        if "intclass: 6 golden" in deployer.told:  # the canary is behind us
            raise Killed

    deployer(put_model("old"))
    before, new = deployer.service()["spec"], put_model("new", temperature=0.5)
    with monkeypatch.context() as patch:
        patch.setattr("intclass.components.serve.deploy.rollout.watch", kill)
        with pytest.raises(Killed):
            deployer(new)
    assert deployer.services == ["intclass", "intclass-canary"]
    deployer.cluster.serving.breaks_every[new] = 3
    with pytest.raises(ServingError, match="the old model serves on"):
        deployer(new)
    assert (deployer.services, deployer.models) == (["intclass"], ["old"])
    assert deployer.service()["spec"] == before


def test_knative_shifts_the_traffic_step_by_step(deployer: Deployer, put_model: Put) -> None:
    deployer(put_model("old"), mode="knative")
    deployer(put_model("new", temperature=0.5), mode="knative", canary_steps=(20, 60))
    steps = [line for line in deployer.told.splitlines() if "of the traffic" in line]
    assert steps == [f"intclass: the new revision has {percent} % of the traffic" for percent in (20, 60, 100)]
    component = deployer.service()["status"]["components"]["predictor"]
    assert component["latestRolledoutRevision"] == "intclass-predictor-00002"
    assert "canaryTrafficPercent" not in deployer.service()["spec"]["predictor"]
    deployer.cluster.wait_for(lambda: deployer.models == ["new"])


@pytest.mark.parametrize("when", ["canary", "all"])
def test_knative_takes_the_traffic_back(
    deployer: Deployer, put_model: Put, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployer(put_model("old"), mode="knative")
    before, new = deployer.service()["spec"], put_model("new", temperature=0.5)
    if when == "canary":
        deployer.cluster.serving.breaks_every[new] = 3
    else:
        replace = deployer.cluster.store.replace

        def notice(resource: object, thing: object, **options: object) -> object:
            told = "has 100 % of the traffic" in deployer.told
            deployer.cluster.serving.breaks_every[new] = 3 if told else 0
            return replace(resource, thing, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(deployer.cluster.store, "replace", notice)
    with pytest.raises(ServingError, match="the old model serves on"):
        deployer(new, mode="knative", canary_steps=(20,))
    assert deployer.service()["spec"] == before
    assert deployer.service()["status"]["components"]["predictor"]["traffic"][0]["percent"] == 100
    deployer.cluster.wait_for(lambda: deployer.models == ["old"])
