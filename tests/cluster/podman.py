"""The containers of pods as real ones, of the manifest's own image, by podman.

They have the manifest's command, arguments, environment, user, rights and empty folders. They share this machine's
network, as pods that are processes do, and so find each other and an emulated bucket on the loopback interface.
Limits of memory and cores are left out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.cluster.pods import Container, command_words

_NETWORK: Final = ["--network=host", "--no-healthcheck", "--pull=never"]


def lacks(*images: str) -> str:
    """Why pods of these images cannot be real containers here; empty if they can."""
    if shutil.which("podman") is None:
        return "podman is not installed"
    for image in images:
        if subprocess.run(["podman", "image", "exists", image], capture_output=True).returncode != 0:
            return f"there is no image {image} (make images)"
    return ""


def podman_container(
    manifest: Mapping[str, Any],
    pod: Mapping[str, Any],
    environment: Mapping[str, str],
    folder: Path,
    here: Mapping[str, str],
) -> Container:
    """The container that the manifest describes, running.

    `here` maps folders of the container to those of this machine that it sees there, and addresses to other ones.
    """
    name = f"intclass-test-{uuid.uuid4().hex[:12]}"
    addresses = {there: instead for there, instead in here.items() if not there.startswith("/")}
    words = [addresses.get(word, word) for word in command_words(manifest, environment)]
    mounted = [f"--volume={instead}:{there}:ro" for there, instead in here.items() if Path(instead).is_dir()]
    entry = len(manifest.get("command", ()))
    command = [
        *("podman", "run", "--rm", f"--name={name}", *_NETWORK),
        *(f"--env={key}={value}" for key, value in environment.items()),
        *_rights(manifest, pod),
        *_volumes(manifest, pod, folder),
        *mounted,
        *([f"--workdir={manifest['workingDir']}"] if "workingDir" in manifest else []),
        *([f"--entrypoint={json.dumps(words[:entry])}"] if entry else []),
        manifest["image"],
        *words[entry:],
    ]
    return Container(manifest["name"], command, os.environ, folder, kill=["podman", "rm", "--force", "--time=0", name])


def _rights(manifest: Mapping[str, Any], pod: Mapping[str, Any]) -> list[str]:
    """Both security contexts; the container's own comes first."""
    context = {**pod["spec"].get("securityContext", {}), **manifest.get("securityContext", {})}
    options = []
    if "runAsUser" in context:
        options.append(f"--user={context['runAsUser']}:{context.get('runAsGroup', context['runAsUser'])}")
    if context.get("readOnlyRootFilesystem"):
        options += ["--read-only", "--read-only-tmpfs=false"]  # podman would make /tmp writable, Kubernetes does not
    options += [f"--cap-drop={capability}" for capability in context.get("capabilities", {}).get("drop", ())]
    if context.get("allowPrivilegeEscalation") is False:
        options.append("--security-opt=no-new-privileges")
    return options


def _volumes(manifest: Mapping[str, Any], pod: Mapping[str, Any], folder: Path) -> list[str]:
    """Empty folders, on disk or in memory, of the pod's `emptyDir` volumes; others are left out."""
    sources = {volume["name"]: volume.get("emptyDir") for volume in pod["spec"].get("volumes", ())}
    options = []
    for mount in manifest.get("volumeMounts", ()):
        source, place = sources.get(mount["name"]), mount["mountPath"]
        if source is None:
            continue
        if source.get("medium") == "Memory":
            options.append(f"--tmpfs={place}:rw,exec,mode=1777")
        else:
            empty = folder.parent / "volumes" / mount["name"]
            empty.mkdir(parents=True, exist_ok=True)
            empty.chmod(0o1777)
            options.append(f"--volume={empty}:{place}")
    return options
