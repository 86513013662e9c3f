"""The step at the end of a run: what is unfinished goes, what has come to its end stays to be looked at."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

import pytest

from intclass.components.shared.kube import ChildJob, Connection, reap_own, run_to_end
from tests.cluster import Cluster
from tests.cluster.resources import PODS, PYTORCHJOBS

DONE, ENDLESS = "print('done')", "import time; time.sleep(600)"


def test_only_what_is_unfinished_is_deleted(
    cluster: Cluster, connection: Connection, pytorchjob: Callable[..., ChildJob]
) -> None:
    run_to_end(pytorchjob(DONE, run="run-2"), connection, stream=io.StringIO(), poll_seconds=0.2)
    assert reap_own("run-2") == []
    assert len(cluster.store.all(PYTORCHJOBS)) == 1


def test_what_a_run_has_left_goes_with_its_pods(
    cluster: Cluster, connection: Connection, pytorchjob: Callable[..., ChildJob]
) -> None:
    def follow() -> None:
        with pytest.raises(Exception, match="deleted while it was being followed"):
            run_to_end(pytorchjob(ENDLESS), connection, stream=io.StringIO(), poll_seconds=0.2)

    follower = threading.Thread(target=follow)
    follower.start()
    cluster.wait_for(lambda: any(pod["status"]["phase"] == "Running" for pod in cluster.store.all(PODS)))
    assert reap_own("another-run") == []
    assert reap_own("run-1") == ["PyTorchJob run-1-train"]
    follower.join(30)
    cluster.wait_for(lambda: not cluster.store.all(PODS), seconds=40)


def test_outside_of_a_workflow_there_is_nothing_to_reap(cluster: Cluster) -> None:
    assert reap_own() == []
