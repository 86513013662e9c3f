from __future__ import annotations

import contextlib
import io
import os
import signal
import threading
from collections.abc import Callable

import pytest
from kubernetes.client.models import V1Container, V1Job, V1JobSpec, V1PodSpec, V1PodTemplateSpec

from intclass.components.shared.errors import ClusterError
from intclass.components.shared.kube import JOB, ChildJob, Connection, Identity, reap, run_to_end
from tests.cluster import Cluster
from tests.cluster.resources import JOBS, PODS, PYTORCHJOBS, WORKFLOWS, Object

NAMESPACE = "intclass"
COUNT = "import time\nfor i in range(30): print('line', i); time.sleep(.05)"
LINES = [f"line {i}" for i in range(30)]
SLEEP = "import time; print('begun'); time.sleep(60)"

Make = Callable[..., ChildJob]


def workflow(cluster: Cluster, name: str = "run-1") -> Object:
    return cluster.store.create(WORKFLOWS, NAMESPACE, {"metadata": {"name": name}, "spec": {}})


def in_thread(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call)
    thread.start()
    return thread


def when_running(cluster: Cluster, then: Callable[[], object], *, pods: int = 1) -> threading.Thread:
    """Do something as soon as so many pods run."""

    def wait() -> None:
        running = ("Running",)
        cluster.wait_for(lambda: sum(p["status"]["phase"] in running for p in cluster.store.all(PODS)) == pods)
        then()

    return in_thread(wait)


def own_lines(stream: io.StringIO) -> list[str]:
    """The leader's log as it was copied."""
    return [line for line in stream.getvalue().splitlines() if line.startswith("line ")]


def test_a_job_is_made_followed_and_succeeds(
    cluster: Cluster, connection: Connection, stream: io.StringIO, pytorchjob: Make
) -> None:
    owner = workflow(cluster)
    state = run_to_end(pytorchjob("print('line 1')", "print('quiet')"), connection, stream=stream, poll_seconds=1)
    assert (state.phase, state.reason) == ("Succeeded", "PyTorchJobSucceeded")
    assert own_lines(stream) == ["line 1"]
    assert "quiet" not in stream.getvalue()
    job = cluster.store.get(PYTORCHJOBS, NAMESPACE, "run-1-train")
    [reference] = job["metadata"]["ownerReferences"]
    assert (reference["kind"], reference["uid"]) == ("Workflow", owner["metadata"]["uid"])
    assert job["metadata"]["labels"]["intclass.github.io/run"] == "run-1"


def test_a_job_goes_with_its_workflow(
    cluster: Cluster, connection: Connection, stream: io.StringIO, pytorchjob: Make
) -> None:
    workflow(cluster)
    when_running(cluster, lambda: cluster.store.delete(WORKFLOWS, NAMESPACE, "run-1"))
    with pytest.raises(ClusterError, match="was deleted while it was being followed"):
        run_to_end(pytorchjob(SLEEP), connection, stream=stream, poll_seconds=1)
    cluster.wait_for(lambda: not cluster.store.all(PODS))


def test_a_failure_names_the_pod_its_reason_and_its_last_line(
    cluster: Cluster, connection: Connection, stream: io.StringIO, pytorchjob: Make
) -> None:
    child = pytorchjob(SLEEP, "import sys; print('loading'); sys.exit('no such bucket')")
    with pytest.raises(ClusterError) as caught:
        run_to_end(child, connection, stream=stream, poll_seconds=1, stuck_seconds=1)
    cluster.wait_for(lambda: not cluster.store.all(PODS))  # the master does not wait for ever
    text = str(caught.value)
    assert "PyTorchJob run-1-train failed" in text
    assert "worker-0 exited with 1 (Error): no such bucket" in text
    assert "kubectl -n intclass logs -l training.kubeflow.org/job-name=run-1-train" in text
    assert "[worker-0] loading\n[worker-0] no such bucket\n" in stream.getvalue()


def test_a_restarted_step_finds_its_job(
    cluster: Cluster, connection: Connection, stream: io.StringIO, pytorchjob: Make
) -> None:
    child = pytorchjob(COUNT)
    first = in_thread(lambda: run_to_end(child, connection, stream=io.StringIO(), poll_seconds=1))
    cluster.wait_for(lambda: bool(cluster.store.all(PYTORCHJOBS)))
    uid = cluster.store.all(PYTORCHJOBS)[0]["metadata"]["uid"]
    run_to_end(child, connection, stream=stream, poll_seconds=1)
    first.join()
    assert "found, from an earlier attempt of this step" in stream.getvalue()
    assert own_lines(stream) == LINES
    assert [job["metadata"]["uid"] for job in cluster.store.all(PYTORCHJOBS)] == [uid]


def test_a_failed_job_of_an_earlier_attempt_is_replaced(
    cluster: Cluster, connection: Connection, stream: io.StringIO, pytorchjob: Make
) -> None:
    script = "import os, sys; again = os.path.exists('n'); open('n', 'a').close(); sys.exit(0 if again else 3)"
    child = pytorchjob(script, restart_policy="Never")
    with pytest.raises(ClusterError, match="exited with 3"):
        run_to_end(child, connection, stream=stream, poll_seconds=1)
    assert cluster.store.all(PYTORCHJOBS)
    assert run_to_end(child, connection, stream=stream, poll_seconds=1).phase == "Succeeded"


def test_other_work_under_the_same_name_is_refused(
    cluster: Cluster, connection: Connection, stream: io.StringIO, pytorchjob: Make
) -> None:
    first = in_thread(lambda: run_to_end(pytorchjob(COUNT), connection, stream=io.StringIO(), poll_seconds=1))
    cluster.wait_for(lambda: bool(cluster.store.all(PYTORCHJOBS)))
    with pytest.raises(ClusterError, match="runs already with another specification"):
        run_to_end(pytorchjob("pass"), connection, stream=stream)
    first.join()


@pytest.mark.parametrize("fault", ["5xx", "dropped", "expired", "token"])
def test_what_passes_is_borne(
    cluster: Cluster, connection: Connection, stream: io.StringIO, pytorchjob: Make, fault: str
) -> None:
    def make_trouble() -> None:
        cluster.wait_for(lambda: "line 3" in stream.getvalue())
        if fault == "5xx":
            for code in (500, 503, 504, 429):
                cluster.faults.refuse(code, times=3)
            return
        if fault == "expired":
            cluster.store.forget()
        elif fault == "token":
            cluster.rotate_token()
        cluster.faults.drop_connections()

    trouble = in_thread(make_trouble)
    state = run_to_end(pytorchjob(COUNT), connection, stream=stream, poll_seconds=1)
    trouble.join()
    assert state.phase == "Succeeded"
    assert own_lines(stream) == LINES
    assert cluster.faults.cut + cluster.faults.refused > 0


def test_patience_has_an_end(cluster: Cluster, connection: Connection, pytorchjob: Make) -> None:
    cluster.faults.refuse(503, times=1000)
    connection.patience = type(connection.patience)(seconds=0.5, first_pause=0.05, longest_pause=0.1)
    with pytest.raises(ClusterError, match="does not answer: 503 the server is currently unable"):
        run_to_end(pytorchjob("pass"), connection)


def test_an_evicted_worker_comes_back(
    cluster: Cluster, connection: Connection, stream: io.StringIO, pytorchjob: Make
) -> None:
    worker = "import os, time; first = not os.path.exists('n'); open('n', 'a').close(); time.sleep(60 if first else 0)"

    def evict() -> None:
        cluster.wait_for(lambda: bool(list(cluster.folder.rglob("n"))))
        cluster.evict("run-1-train-worker-0")

    when_running(cluster, evict, pods=2)
    state = run_to_end(pytorchjob("import time; time.sleep(3)", worker), connection, stream=stream, poll_seconds=1)
    assert state.phase == "Succeeded"
    assert "restarting" in stream.getvalue()


def test_a_refused_job_waits_for_quota(
    cluster: Cluster, connection: Connection, stream: io.StringIO, pytorchjob: Make
) -> None:
    quota = "count/pytorchjobs.kubeflow.org"
    cluster.set_quota({quota: 0})
    with pytest.raises(ClusterError, match="exceeded quota: quota, requested: count/pytorchjobs"):
        run_to_end(pytorchjob("pass"), connection, stream=stream, admission_seconds=0)
    threading.Timer(0.5, lambda: cluster.set_quota({quota: 1})).start()
    assert run_to_end(pytorchjob("pass"), connection, stream=stream, poll_seconds=1).phase == "Succeeded"
    assert "waiting for quota" in stream.getvalue()


def test_pods_over_quota_are_told(
    cluster: Cluster, connection: Connection, stream: io.StringIO, pytorchjob: Make
) -> None:
    cluster.set_quota({"pods": 1})
    child = pytorchjob(SLEEP, SLEEP, active_deadline_seconds=3)
    with pytest.raises(ClusterError, match=r"active longer than specified deadline.*exceeded quota"):
        run_to_end(child, connection, stream=stream, poll_seconds=1)
    assert 'FailedCreate: Error creating: pods "run-1-train-worker-0" is forbidden' in stream.getvalue()


@pytest.mark.parametrize("ending", ["no workflow", "terminated", "going on"])
def test_sigterm_takes_the_job_along_unless_its_run_goes_on(
    cluster: Cluster, connection: Connection, stream: io.StringIO, pytorchjob: Make, ending: str
) -> None:
    if ending != "no workflow":
        owner = workflow(cluster)
        owner["spec"] = {"activeDeadlineSeconds": 0} if ending == "terminated" else {}
        cluster.store.replace(WORKFLOWS, owner)
    when_running(cluster, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit) as caught:
        run_to_end(pytorchjob(SLEEP), connection, stream=stream, poll_seconds=1)
    assert caught.value.code == 143
    if ending == "going on":
        assert len(cluster.store.all(PYTORCHJOBS)) == 1
        assert reap("run-1", connection) == ["PyTorchJob run-1-train"]
    cluster.wait_for(lambda: not cluster.store.all(PYTORCHJOBS) and not cluster.store.all(PODS))


def test_a_reaper_takes_one_run_only(cluster: Cluster, connection: Connection, pytorchjob: Make) -> None:
    threads = []
    for run in ("run-1", "run-2"):
        child = pytorchjob(COUNT, run=run)

        def follow(child: ChildJob = child) -> None:
            with contextlib.suppress(ClusterError):
                run_to_end(child, connection, stream=io.StringIO(), poll_seconds=1)

        threads.append(in_thread(follow))
    cluster.wait_for(lambda: len(cluster.store.all(PYTORCHJOBS)) == 2)
    assert reap("run-2", connection) == ["PyTorchJob run-2-train"]
    assert [job["metadata"]["name"] for job in cluster.store.all(PYTORCHJOBS)] == ["run-1-train"]
    for thread in threads:
        thread.join()


def test_a_batch_job_is_followed_as_well(cluster: Cluster, connection: Connection, stream: io.StringIO) -> None:
    container = V1Container(name="shard", image="any", command=["sh", "-c", "echo line $(JOB_COMPLETION_INDEX)"])
    pods = V1PodTemplateSpec(spec=V1PodSpec(containers=[container], restart_policy="Never"))
    model = V1Job(spec=V1JobSpec(template=pods, completion_mode="Indexed", completions=2, parallelism=2))
    leader = {"batch.kubernetes.io/job-completion-index": "0"}
    child = ChildJob(kind=JOB, identity=Identity("run-1", "shards"), model=model, leader=leader)
    assert run_to_end(child, connection, stream=stream, poll_seconds=1).reason == "CompletionsReached"
    assert own_lines(stream) == ["line 0"]
    assert len(cluster.store.all(JOBS)) == 1
