from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intclass.components.shared.errors import ConfigError
from intclass.components.shared.kube import Identity
from intclass.components.shared.kube.identity import run_label

DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
NAMES = st.text(st.sampled_from("abcXYZ019-_. /é"), min_size=1, max_size=90).filter(
    lambda text: bool(re.search(r"[a-z0-9]", text.lower()))
)


def test_a_plain_name_is_kept() -> None:
    assert Identity("integrability-x7k2p", "distribute").name == "integrability-x7k2p-distribute"


@given(NAMES, NAMES)
def test_a_name_fits_a_pod_and_a_label(run: str, task: str) -> None:
    name = Identity(run, task).name
    assert DNS_LABEL.fullmatch(name)
    assert len(f"{name}-worker-9999") <= 63
    assert len(run_label(run)) <= 63


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Run", "t"), ("run", "t")),
        (("a-b", "c"), ("a", "b-c")),
        (("x" * 60 + "1", "t"), ("x" * 60 + "2", "t")),
        (("1", "t"), ("r1", "t")),
    ],
)
def test_other_runs_have_other_names(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert Identity(*one).name != Identity(*other).name


def test_a_name_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="run is '--'; give a name with at least one letter or digit"):
        Identity("--", "t")


def test_a_name_may_have_to_be_shorter() -> None:
    long = Identity("integrability-x7k2p-and-a-bit-more-text", "tune", longest_name=40)
    assert len(long.name) <= 40
    assert long.name != Identity("integrability-x7k2p-and-a-bit-more-tex", "tune", longest_name=40).name
    assert Identity("run-1", "tune", longest_name=40).name == "run-1-tune"
