"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

MANIFESTS: Final = "kubectl apply -k manifests/overlays/gke (or kind)"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        what: What was looked at.
        state: `ok`; `note` for what only some runs need, or what could not be looked at; `fault` for what stops a run.
        detail: What was found.
        fix: What to do about it.
    """

    what: str
    state: Literal["ok", "note", "fault"]
    detail: str = ""
    fix: str = ""
