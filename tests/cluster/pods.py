"""The containers of pods, as processes of this machine, and their logs."""

from __future__ import annotations

import datetime
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.cluster.store import now

_REFERENCE: Final = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)|\$\$")


class Log:
    """The lines of one container, each with the moment at which it was written."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.ended = False
        self.changed = threading.Condition()

    def read(self, stream: Any) -> None:
        """Take in all lines until the process closes its output."""
        for line in stream:
            moment = datetime.datetime.now(tz=datetime.UTC).isoformat().replace("+00:00", "000Z")
            with self.changed:
                self.lines.append((moment, line.rstrip("\n")))
                self.changed.notify_all()
        stream.close()
        with self.changed:
            self.ended = True
            self.changed.notify_all()


class Container:
    """One run of one container: a process group, its log, its exit code as Kubernetes reports it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        *,
        kill: Sequence[str] = (),
    ) -> None:
        """`kill` is a command that ends what killing the process group of `command` would leave."""
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.log = Log()
        self.started = now()
        self.finished = ""
        self._kill = kill
        self.process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self.log.read, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def signal(self, number: int) -> None:
        """Signal the container's processes, all of them for SIGKILL, else the first."""
        if number == signal.SIGKILL and self._kill and self.process.poll() is None:
            subprocess.run(self._kill, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return
        try:
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)
        except ProcessLookupError:
            pass

    @property
    def exit_code(self) -> int | None:
        """None while it runs; 128 + N after signal N, as a container runtime says it."""
        code = self.process.poll()
        if code is None:
            return None
        if not self.finished:
            self.signal(signal.SIGKILL)  # a container ends with its first process
            self._reader.join()
            self.finished = now()
        return 128 - code if code < 0 else code

    @property
    def state(self) -> dict[str, Any]:
        """As in a pod's `containerStatuses`."""
        code = self.exit_code
        if code is None:
            return {"running": {"startedAt": self.started}}
        reason = "Completed" if code == 0 else "Error"
        ended = {"exitCode": code, "reason": reason, "startedAt": self.started, "finishedAt": self.finished}
        return {"terminated": ended}


def process_container(
    manifest: Mapping[str, Any],
    pod: Mapping[str, Any],
    environment: Mapping[str, str],
    folder: Path,
    here: Mapping[str, str],
) -> Container:
    """The manifest's command as a process of this machine.

    `here` maps what only a container has, its addresses and mounts, to what this machine has instead.
    """
    words = [_located(word, here) for word in command_words(manifest, environment)]
    return Container(manifest["name"], words, environment, Path(manifest.get("workingDir", folder)))


def command_words(manifest: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    """The manifest's command and arguments, variables expanded."""
    return [_expand(word, environment) for word in (*manifest.get("command", ()), *manifest.get("args", ()))]


def container_environment(
    manifest: Mapping[str, Any], image: Mapping[str, str], pod: Mapping[str, Any], services: set[str]
) -> dict[str, str]:
    """The variables of the image, then those of the manifest; the name of a Service becomes this machine's address."""
    environment = dict(image)
    for variable in manifest.get("env", ()):
        source = variable.get("valueFrom", {}).get("fieldRef")
        value = _field(pod, source["fieldPath"]) if source else _expand(variable.get("value", ""), environment)
        host, colon, port = value.partition(":")
        local = f"127.0.0.1{colon}{port}" if host.split(".")[0] in services else value
        environment[variable["name"]] = local
    return environment


def image_environment() -> dict[str, str]:
    """What a container finds without a manifest: the programs of this Python, a home, nothing of the caller's own."""
    here = Path(sys.executable).parent
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "OMP_NUM_THREADS") if name in os.environ}
    return {"PATH": f"{here}{os.pathsep}{os.environ.get('PATH', os.defpath)}", **kept}


def _expand(text: str, environment: Mapping[str, str]) -> str:
    """`$(NAME)` as Kubernetes expands it: unknown names stay, `$$` is one dollar sign."""
    return _REFERENCE.sub(lambda m: "$" if m[0] == "$$" else environment.get(m[1], m[0]), str(text))


def _located(word: str, here: Mapping[str, str]) -> str:
    for there, instead in here.items():
        word = word.replace(there, instead)
    return word


def _field(pod: Mapping[str, Any], path: str) -> str:
    """The value of a `fieldRef`, as `metadata.labels['app']`."""
    node: Any = pod
    for plain, quoted in re.findall(r"([A-Za-z]+)|\['([^']*)'\]", path):
        node = (node or {}).get(plain or quoted)
    return str(node or "")
