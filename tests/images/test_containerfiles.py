"""What every container image must be, read from its Containerfile; `make images` builds them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from intclass.components.shared import images

ROOT = Path(__file__).parents[2]
ROLES = ("cpu", "train", "launch", "serve")


def instructions(role: str) -> list[tuple[str, str]]:
    """The instructions of a Containerfile with their arguments, continued lines joined."""
    text = (ROOT / "images" / role / "Containerfile").read_text()
    lines = re.sub(r"\\\n\s*", " ", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines.splitlines() if line.strip()]


def last_stage(role: str) -> list[tuple[str, str]]:
    """The instructions after the last FROM."""
    every = instructions(role)
    return every[max(place for place, (name, _) in enumerate(every) if name == "FROM") + 1 :]


def test_there_is_a_folder_for_each_image_that_the_program_names() -> None:
    named = {name.partition("intclass-python-")[2].partition(":")[0] for name in vars(images).values() if _is(name)}
    assert named == set(ROLES) == {folder.name for folder in (ROOT / "images").iterdir()}


def _is(name: object) -> bool:
    return isinstance(name, str) and "intclass-python-" in name


@pytest.mark.parametrize("role", ROLES)
def test_what_builds_it_stays_in_stages_of_its_own_and_the_base_is_named(role: str) -> None:
    every = instructions(role)
    assert [argument for name, argument in every if name == "FROM"] == ["${DEBIAN} AS uv", "uv AS app", "${DEBIAN}"]
    [base] = [argument for name, argument in every if name == "ARG" and argument.startswith("DEBIAN=")]
    assert base.startswith("DEBIAN=docker.io/library/debian:bookworm")
    assert "latest" not in base


@pytest.mark.parametrize("role", ROLES)
def test_it_installs_what_the_constraints_pin(role: str) -> None:
    installs = [argument for name, argument in instructions(role) if name == "RUN" and "uv pip install" in argument]
    [own, *others] = installs
    assert "--no-deps" in own
    assert others
    assert all("--constraint constraints.txt" in install for install in others)


@pytest.mark.parametrize("role", ROLES)
def test_roles_differ_by_what_they_hold_alone(role: str) -> None:
    assert common(role) == common("launch")


def common(role: str) -> list[tuple[str, str]]:
    """A Containerfile's instructions without torch, FriCAS, further extras, what it starts and says of itself."""
    own = ("TORCH", "--extra evaluate", "--extra serve", "fricas")
    return [
        (name, argument)
        for name, argument in instructions(role)
        if name not in ("LABEL", "CMD", "EXPOSE", "HEALTHCHECK") and not any(word in argument for word in own)
    ]


@pytest.mark.parametrize("role", ROLES)
def test_nobody_is_root_and_nothing_is_written_to_the_image(role: str) -> None:
    stage = last_stage(role)
    [user] = [argument for name, argument in stage if name == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    environment = " ".join(argument for name, argument in stage if name == "ENV")
    assert "HOME=/tmp" in environment
    assert "PYTHONDONTWRITEBYTECODE=1" in environment
    place = [name for name, _ in stage].index("USER")
    assert not {"RUN", "COPY", "ADD"} & {name for name, _ in stage[place:]}


@pytest.mark.parametrize("role", ROLES)
def test_it_says_what_it_is(role: str) -> None:
    [label] = [argument for name, argument in last_stage(role) if name == "LABEL"]
    for key in ("title", "description", "licenses", "source", "revision"):
        assert f"org.opencontainers.image.{key}=" in label


def test_what_serves_says_whether_it_is_well() -> None:
    [check] = [argument for name, argument in last_stage("serve") if name == "HEALTHCHECK"]
    assert "/v2/health/ready" in check


def test_torch_is_the_makefiles() -> None:
    [version] = re.findall(r"^TORCH_VERSION \?= (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for role in ("train", "serve"):
        assert ("ARG", f'TORCH="--torch-backend cpu torch=={version}"') in instructions(role)
