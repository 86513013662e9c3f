"""Objects that a step makes on the cluster; jobs are owned by its run, followed to their end, gone with it.

Built on the official clients, which are the extra `cluster`; they are imported when a cluster is first spoken to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from intclass.components.shared.lazy import lazily

if TYPE_CHECKING:
    from intclass.components.shared.kube.child import ChildJob, run_to_end
    from intclass.components.shared.kube.connection import Connection, connect
    from intclass.components.shared.kube.identity import Identity
    from intclass.components.shared.kube.kinds import (
        EXPERIMENT,
        INFERENCE_SERVICE,
        JOB,
        PYTORCHJOB,
        TRAINJOB,
        TRIAL,
        JobKind,
    )
    from intclass.components.shared.kube.reaper import reap, reap_own
    from intclass.components.shared.kube.workflow import own_run

__all__ = [
    "EXPERIMENT",
    "INFERENCE_SERVICE",
    "JOB",
    "PYTORCHJOB",
    "TRAINJOB",
    "TRIAL",
    "ChildJob",
    "Connection",
    "Identity",
    "JobKind",
    "connect",
    "own_run",
    "reap",
    "reap_own",
    "run_to_end",
]

_HOMES: Final = {
    "EXPERIMENT": "kinds",
    "INFERENCE_SERVICE": "kinds",
    "JOB": "kinds",
    "PYTORCHJOB": "kinds",
    "TRAINJOB": "kinds",
    "TRIAL": "kinds",
    "ChildJob": "child",
    "Connection": "connection",
    "Identity": "identity",
    "JobKind": "kinds",
    "connect": "connection",
    "own_run": "workflow",
    "reap": "reaper",
    "reap_own": "reaper",
    "run_to_end": "child",
}

__getattr__ = lazily(__name__, _HOMES)
