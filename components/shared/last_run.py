"""Where the last run on this machine left its model, so that `intclass predict` needs no path."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_state_path

from intclass.components.shared.errors import ConfigError
from intclass.components.shared.storage import write_text


def _note() -> Path:
    return user_state_path("intclass") / "last-model"


def remember_model(folder: Path) -> None:
    """Note the model folder of a run that came to its end."""
    write_text(_note(), f"{folder}\n")


def last_model() -> str:
    """The last run's model folder; raises ConfigError if no run has ended on this machine, or its model is gone."""
    note = _note()
    folder = note.read_text().strip() if note.exists() else ""
    if not folder or not Path(folder).exists():
        raise ConfigError("no model yet: run `intclass run` first, or name one with --model DIR")
    return folder
