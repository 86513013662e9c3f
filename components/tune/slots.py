"""Room for trials on this machine: cores, memory, GPUs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

import psutil

from intclass.components.shared.cores import available_cores
from intclass.components.tune.config import TuneConfig


def make_slots(config: TuneConfig) -> list[Mapping[str, str]]:
    """For each trial that may run at the same time, the environment that keeps it to its share.

    With GPUs each trial has one to itself; without, its share of the cores. What was asked for is given, whatever the
    machine has.
    """
    gpus = visible_gpus()
    memory = psutil.virtual_memory().available // (config.trial_memory_mb * 2**20)
    count = config.parallel or max(1, min(len(gpus) or available_cores(), int(memory)))
    threads = str(max(1, available_cores() // count))
    return [
        {"OMP_NUM_THREADS": threads} | ({"CUDA_VISIBLE_DEVICES": gpus[place % len(gpus)]} if gpus else {})
        for place in range(count)
    ]


def visible_gpus() -> list[str]:
    """The GPUs that a trial may use, as CUDA_VISIBLE_DEVICES names them; asks the driver, not torch, which is slow."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return [name for name in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if name not in ("", "-1")]
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = [program, "--query-gpu=uuid", "--format=csv,noheader"]
    listed = subprocess.run(query, capture_output=True, text=True, check=False)
    return listed.stdout.split() if listed.returncode == 0 else []
