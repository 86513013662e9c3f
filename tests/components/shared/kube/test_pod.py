from __future__ import annotations

import pytest

from intclass.components.shared.kube.pod import EMULATOR, environment


def test_the_home_can_be_written_to_under_a_read_only_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EMULATOR, raising=False)
    variables = environment()
    assert variables["HOME"] == "/tmp"
    assert variables["HF_HOME"].startswith("/tmp/")
    assert EMULATOR not in variables


def test_an_emulated_bucket_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EMULATOR, "http://gcs.intclass:4443")
    assert environment()[EMULATOR] == "http://gcs.intclass:4443"
