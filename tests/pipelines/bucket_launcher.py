"""What Kubeflow's launcher does for a task on a cluster, for kfp.local: artifacts come from a bucket and go into it.

On a cluster a task's container sees an artifact `gs://BUCKET/NAME` as the files at `/gcs/BUCKET/NAME`: KFP's launcher
brings its inputs there before the task begins, and takes its outputs into the bucket when it has succeeded. Here each
task gets a folder of its own in the place of `/gcs`, which is empty before and gone afterwards, so that nothing goes
from task to task but through the bucket.

    python -m tests.pipelines.bucket_launcher OUT ROOT             runs the pipeline of OUT/arguments.json
    python -m tests.pipelines.bucket_launcher --mount FOLDER ...   is the executor of one task
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from intclass.components.shared import storage

EXECUTOR = "kfp.dsl.executor_main"
MODULE = "tests.pipelines.bucket_launcher"
MOUNT = "/gcs/"
GS = "gs://"


def run_through_bucket(arguments: Mapping[str, Any], out: Path, root: str) -> dict[str, str]:
    """Run the compiled pipeline with its artifacts below `root`, a gs:// folder; returns the outputs' gs:// names."""
    out.mkdir(parents=True)
    (out / "arguments.json").write_text(json.dumps(dict(arguments)))
    log = out / "run.log"
    with log.open("w") as log_file:
        done = subprocess.run(
            [sys.executable, "-m", MODULE, str(out), root],
            stdout=log_file,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[2],
            check=False,
        )
    assert done.returncode == 0, log.read_text()[-4000:]
    paths = json.loads((out / "result.json").read_text())["paths"]
    return {name: GS + path.removeprefix(MOUNT) for name, path in paths.items()}


def run(out: Path, root: str) -> None:
    """The run's own process."""
    from kfp.local import subprocess_task_handler

    from intclass.pipelines.local import PROCESS, _run_here

    def launch(full_command: Sequence[str], env_vars: Mapping[str, str] | None = None) -> int:
        return launch_task(list(full_command), str(out / "artifacts"), root, dict(env_vars or {}))

    subprocess_task_handler.run_local_subprocess = launch
    _run_here(out, PROCESS)


def launch_task(command: list[str], local_root: str, root: str, environment: Mapping[str, str]) -> int:
    """Run a task that kfp.local would have work below `local_root`; returns its exit code."""
    place = command.index("--executor_input") + 1
    task = json.loads(command[place])
    for artifact in _artifacts(task, "outputs"):
        artifact["uri"] = artifact["uri"].replace(local_root, root, 1)
    command[place] = json.dumps(task)
    with tempfile.TemporaryDirectory() as mount:
        command = [part.replace(EXECUTOR, f"{MODULE} --mount {mount}/") for part in command]
        for artifact in _artifacts(task, "inputs"):
            _copy(artifact["uri"], _mounted(artifact["uri"], mount))
        for artifact in _artifacts(task, "outputs"):
            Path(_mounted(artifact["uri"], mount)).parent.mkdir(parents=True, exist_ok=True)
        code = _stream(command, environment)
        if code == 0:
            for artifact in _artifacts(task, "outputs"):
                _copy(_mounted(artifact["uri"], mount), artifact["uri"])
    return code


def _artifacts(task: Mapping[str, Any], side: str) -> Iterator[dict[str, Any]]:
    for listed in task.get(side, {}).get("artifacts", {}).values():
        yield from listed["artifacts"]


def _mounted(uri: str, mount: str) -> str:
    return f"{mount}/{uri.removeprefix(GS)}"


def _copy(source: str, destination: str) -> None:
    """A file or a folder; what is not there is not copied, as a job may have written it already."""
    if Path(source).is_file() or (source.startswith(GS) and storage.list_files(source) == [source]):
        storage.write_bytes(destination, storage.read_bytes(source))
    elif storage.list_files(source):
        storage.copy_folder(source, destination)


def _stream(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run it; its output goes where this program's does, line by line, as kfp.local has it."""
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="")
    return process.returncode


def execute(mount: str) -> None:
    """The task's own process: KFP's executor, to which `mount` is `/gcs/`."""
    from kfp.dsl import executor_main
    from kfp.dsl.types import artifact_types

    artifact_types._GCS_LOCAL_MOUNT_PREFIX = mount
    executor_main.executor_main()


if __name__ == "__main__":
    if sys.argv[1] == "--mount":
        execute(sys.argv[2])
    else:
        run(Path(sys.argv[1]), sys.argv[2])
