"""Which model answers when none is named: the last run's, or before any run the one that comes with the package."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from platformdirs import user_state_path

from intclass.components.shared.storage import write_text

SHIPPED_MODEL: Final = Path(__file__).resolve().parents[1] / "finetune" / "shipped"


def _note() -> Path:
    return user_state_path("intclass") / "last-model"


def remember_model(folder: Path) -> None:
    """Note the model folder of a run that came to its end."""
    write_text(_note(), f"{folder}\n")


def usual_model() -> str:
    """The folder of the last run's model if it is still there, else of the shipped one; says on stderr which."""
    note = _note()
    folder = note.read_text().strip() if note.exists() else ""
    if folder and Path(folder).exists():
        sys.stderr.write(f"no --model given: the last run's answers, {folder}\n")
        return folder
    sys.stderr.write("no --model given: the one that comes with intclass answers\n")
    return str(SHIPPED_MODEL)
