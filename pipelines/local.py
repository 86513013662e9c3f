"""Running the compiled pipeline on this machine with kfp.local, a subprocess or a container for each task.

The run has a process of its own (`python -m intclass.pipelines.local OUT RUNNER`), because kfp.local takes over logging
and print while it works. That process's output is the run's log; its progress comes back as JSON lines.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast, get_args

import yaml

import intclass.components
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, IntclassError
from intclass.components.shared.failure import FAILURE_FILE
from intclass.components.shared.progress import EVENT_FILE_VARIABLE
from intclass.pipelines import containers
from intclass.pipelines.compiling import COMPILED
from intclass.pipelines.monitor import Monitor

PROCESS: Final = "process"
RUNNERS: Final = (PROCESS, *get_args(containers.Engine))  # where a task of the run works
EVENTS: Final = "progress.jsonl"  # below the run's folder
POLL_SECONDS: Final = 0.2
STOP_SECONDS: Final = 10.0


class RunFailedError(IntclassError):
    """A task of the pipeline failed; the message is the task's own error and the place of the log."""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """Where the run's artifacts lie: each output's local path, and what the served model answered."""

    paths: Mapping[str, Path]
    answers: list[dict[str, Any]]
    seconds: float


def run_pipeline(arguments: Mapping[str, Any], out: Path, *, runner: str = PROCESS) -> RunResult:
    """Run the committed YAML with these arguments below `out`; finished tasks of an earlier run are reused.

    Raises RunFailedError with the failing task's own message. Ctrl-C stops every process and container of the run.
    """
    with _ready(runner, out):
        return _run(arguments, out, runner)


@contextlib.contextmanager
def _ready(runner: str, out: Path) -> Iterator[None]:
    """Within it an engine answers, if the runner needs one; at its end no container of the run is left."""
    if runner not in RUNNERS:
        raise ConfigError(f"no runner '{runner}'; there are {', '.join(RUNNERS)}")
    if runner == PROCESS:
        yield
        return
    with containers.answering(cast("containers.Engine", runner)):
        containers.images_fingerprint()  # refuses to begin without images
        try:
            yield
        finally:
            containers.remove_containers(out)


def _run(arguments: Mapping[str, Any], out: Path, runner: str) -> RunResult:
    out.mkdir(parents=True, exist_ok=True)
    request, result = out / "arguments.json", out / "result.json"
    log, events = out / "run.log", out / EVENTS
    result.unlink(missing_ok=True)
    forget_failed_shards(out)
    events.write_text("")
    storage.write_text(request, json.dumps(dict(arguments), indent=2) + "\n")
    start = time.monotonic()
    with log.open("w") as log_file, Monitor(events) as monitor:
        process = subprocess.Popen(
            [sys.executable, "-m", "intclass.pipelines.local", str(out), runner],
            stdout=log_file,
            stderr=subprocess.STDOUT,
            env={**os.environ, EVENT_FILE_VARIABLE: str(events), "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                time.sleep(POLL_SECONDS)
                monitor.refresh()
        finally:
            _stop(process)
        monitor.refresh()
    if process.returncode != 0 or not result.exists():
        raise RunFailedError(f"{_last_error(log.read_text())} (log: {log})")
    found = json.loads(result.read_text())
    return RunResult(
        paths={name: Path(path) for name, path in found["paths"].items()},
        answers=found["answers"],
        seconds=time.monotonic() - start,
    )


def forget_failed_shards(out: Path) -> None:
    """Delete what shards left that were given up: kfp.local took them for finished, and now runs them again."""
    for failure in list((out / "artifacts").rglob(FAILURE_FILE)):
        shutil.rmtree(failure.parent)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop what is left of the run: every process of its group, first asked, then killed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue


def _last_error(log: str) -> str:
    """The task's own error: our message without its class, or the last exception line of the log."""
    ours = re.findall(r"^\s*intclass\.components\.shared\.errors\.\w+: (.*)$", log, re.MULTILINE)
    others = re.findall(r"^\s*([\w.]*(?:Error|Exception|Interrupt)\b.*)$", log, re.MULTILINE)
    tasks = re.findall(r"Task .*?'([\w-]+)'.*? finished with status .*?FAILURE", log)
    message = (ours or others or ["the run stopped without a word"])[-1 if ours else 0]
    return f"{tasks[0]}: {message}" if tasks else message


def code_fingerprint() -> str:
    """16 hex digits over the package's sources: a task is reused only by the same program."""
    digest = hashlib.sha256()
    for folder in [*intclass.components.__path__, str(Path(__file__).parent)]:
        for file in sorted(Path(folder).rglob("*.py")):
            digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def without_retries(compiled: str) -> str:
    """The pipeline's YAML whose tasks are tried once: on this machine an error is told at once, and mended."""
    documents = list(yaml.safe_load_all(compiled))
    for component in [*documents[0]["components"].values(), {"dag": documents[0]["root"]["dag"]}]:
        for task in component.get("dag", {}).get("tasks", {}).values():
            task.pop("retryPolicy", None)
    return yaml.safe_dump_all(documents, sort_keys=False)


def _run_here(out: Path, runner: str) -> None:
    """The run's own process: execute the compiled YAML with kfp.local and write `result.json` at the end."""
    from kfp import components, local

    arguments = json.loads((out / "arguments.json").read_text())
    if runner == PROCESS:
        how, program = local.SubprocessRunner(use_venv=False), code_fingerprint()
    else:
        containers.hand_over(out / "artifacts", out / "work", out / EVENTS)
        how = containers.task_runner(cast("containers.Engine", runner), out, out / EVENTS, arguments)
        program = containers.images_fingerprint()
    local.init(
        runner=how,
        pipeline_root=str(out / "artifacts"),
        enable_caching=True,
        cache_root=str(out / "cache" / program),
    )
    task = components.load_component_from_text(without_retries(COMPILED.read_text()))(**arguments)
    paths = {name: artifact.path for name, artifact in task.outputs.items()}
    answers = task.outputs["answers"].metadata["answers"]
    storage.write_text(out / "result.json", json.dumps({"paths": paths, "answers": answers}, indent=2) + "\n")


if __name__ == "__main__":
    _run_here(Path(sys.argv[1]), sys.argv[2])
