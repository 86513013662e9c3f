"""Who a child job belongs to: the run, the task, and names that a retried step finds again."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from intclass.components.shared.errors import ConfigError

RUN_LABEL: Final = "intclass.github.io/run"
TASK_LABEL: Final = "intclass.github.io/task"
MANAGED_LABELS: Final = {"app.kubernetes.io/part-of": "intclass", "app.kubernetes.io/managed-by": "intclass"}

_LONGEST_LABEL: Final = 63
# Pods and Services add to a job's name, as in -worker-99, and both must be labels of DNS.
_LONGEST_NAME: Final = 45


@dataclass(frozen=True)
class Identity:
    """A task of a run. The run is the name of its Argo Workflow, or any other text that is its own.

    Attributes:
        run: The run.
        task: The task.
        longest_name: Characters that the child job's name may have.
    """

    run: str
    task: str
    longest_name: int = _LONGEST_NAME

    def __post_init__(self) -> None:
        for field in ("run", "task"):
            if not _plain(getattr(self, field)):
                raise ConfigError(f"{field} is {getattr(self, field)!r}; give a name with at least one letter or digit")

    @property
    def name(self) -> str:
        """The child job's name: the same for the same run and task, another one for any other."""
        name = f"{_plain(self.run)}-{_plain(self.task)}"
        # A hyphen in the task could be the one that parts it from the run.
        is_own = name == f"{self.run}-{self.task}" and "-" not in self.task
        if is_own and _fits(name, self.longest_name):
            return name
        return _digested(name, f"{self.run}/{self.task}", self.longest_name)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the job and of its pods."""
        return {**MANAGED_LABELS, RUN_LABEL: run_label(self.run), TASK_LABEL: run_label(self.task)}


def run_label(text: str) -> str:
    """The text as the value of a label."""
    plain = _plain(text)
    return plain if plain == text and _fits(plain, _LONGEST_LABEL) else _digested(plain, text, _LONGEST_LABEL)


def _plain(text: str) -> str:
    """Small letters, digits and single hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _fits(name: str, longest: int) -> bool:
    return len(name) <= longest and name[0].isalpha()


def _digested(plain: str, original: str, longest: int) -> str:
    """The beginning of the plain name, a letter first, and a digest of the original."""
    digest = hashlib.sha256(original.encode()).hexdigest()[:8]
    return f"{'r' if plain[0].isdigit() else ''}{plain[: longest - 10].rstrip('-')}-{digest}"
