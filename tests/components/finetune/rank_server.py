"""Starts processes that train, within milliseconds: it loads torch once and forks itself for each.

Reads one JSON object a line from stdin. `{"arguments": [...], "environment": {...}, "output": PATH}` starts
`intclass finetune ARGUMENTS` with stdout and stderr in a file, and answers its process number; `{"wait": PID,
"seconds": S}` answers its exit code (negative: the signal that ended it), or null if it still runs after that time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, NoReturn

import torch

import intclass.components.finetune.stage  # noqa: F401 - what takes long to load
from intclass.components.finetune.__main__ import main as finetune_command
from intclass.components.shared.command import run


def become_rank(request: dict[str, Any]) -> NoReturn:
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(request["environment"])
    sys.argv = ["intclass", *request["arguments"]]
    try:
        run(finetune_command)
    except SystemExit as end:
        sys.stdout.flush()
        os._exit(int(end.code or 0))
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stdout.flush()
        os._exit(1)


def exit_code(pid: int, *, seconds: float) -> int | None:
    end = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            return None
        time.sleep(0.01)


def main() -> None:
    torch.set_num_threads(1)
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer = exit_code(request["wait"], seconds=request["seconds"])
        else:
            answer = os.fork()
            if answer == 0:
                become_rank(request)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
