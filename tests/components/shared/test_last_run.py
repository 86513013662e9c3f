from __future__ import annotations

from pathlib import Path

import pytest

from intclass.components.shared.last_run import SHIPPED_MODEL, remember_model, usual_model


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intclass.components.shared.last_run.user_state_path", lambda name: tmp_path / "state" / name)


def test_before_any_run_the_shipped_model_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert usual_model() == str(SHIPPED_MODEL)
    assert capsys.readouterr() == ("", "no --model given: the one that comes with intclass answers\n")


def test_the_last_runs_model_comes_first_and_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model").mkdir()
    remember_model(tmp_path / "model")
    assert usual_model() == str(tmp_path / "model")
    assert str(tmp_path / "model") in capsys.readouterr().err


def test_a_run_whose_model_is_gone_counts_no_more(tmp_path: Path) -> None:
    remember_model(tmp_path / "deleted")
    assert usual_model() == str(SHIPPED_MODEL)
