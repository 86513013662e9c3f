"""Where training computes, in which precision, on how many threads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from intclass.components.finetune.config import Precision
from intclass.components.shared.errors import ConfigError

CGROUP_CPU_LIMIT: Final = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True, kw_only=True)
class Compute:
    """A device, and whether the products of the forward pass are taken in bfloat16."""

    device: torch.device
    bfloat16: bool = False

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """The context of a forward pass."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)


def choose_compute(device: str, precision: Precision, *, local_rank: int = 0) -> Compute:
    """What `device` and `precision` mean on this machine; raises ConfigError if the device is not there.

    Of several GPUs each of the machine's ranks takes its own.
    """
    chosen = choose_device(device)
    if chosen == torch.device("cuda"):
        chosen = choose_device(f"cuda:{local_rank}")
    bfloat16 = _computes_bfloat16(chosen) if precision == "auto" else precision == "bfloat16"
    return Compute(device=chosen, bfloat16=bfloat16)


def choose_device(name: str) -> torch.device:
    """The device of that name, or for `auto` a GPU if there is one; raises ConfigError if it is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch asserts that it was built for CUDA
        reason = str(error).splitlines()[0]
        raise ConfigError(f"device '{name}' cannot be used here ({reason}); take `cpu` or `auto`") from error
    return device


def check_compiling(device: torch.device) -> None:
    """Raise ConfigError if torch.compile cannot make code for the device here, as it cannot without a compiler."""
    try:
        torch.compile(torch.neg, dynamic=True)(torch.ones(2, device=device))
    except (RuntimeError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"compile is True, but torch.compile fails here ({reason}); install a C++ compiler (g++), or leave it out"
        ) from error


def _computes_bfloat16(device: torch.device) -> bool:
    """Whether the processor multiplies bfloat16 in hardware; emulation would be slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return any(capabilities.get(name, False) for name in ("amx_bf16", "avx512_bf16"))


def usable_cores(limit_file: Path = CGROUP_CPU_LIMIT) -> int:
    """Cores that this process may use: its affinity, or its container's CPU limit if that is lower."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = limit_file.read_text().split()
        return max(1, min(cores, int(quota) // int(period)))
    except (OSError, ValueError):  # no cgroup v2 here, or no limit (`max 100000`)
        return cores


@contextlib.contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Torch's random state from `seed`, and no more threads than cores; both are put back afterwards.

    The same seed on the same machine with the same number of threads gives bit-equal weights on a CPU. Threads that
    wait for a core slow all the others down, so a container's limit counts here.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(min(threads, usable_cores()))
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
