"""The processes that train together: found in the environment, joined by torch.distributed.

One entry point serves a process by itself, torchrun (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT), and a PyTorchJob,
whose operator sets the same names, or the PET_* names from which torchrun makes them.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import torch
from torch import distributed

from intclass.components.finetune.serialization import from_bytes, to_bytes
from intclass.components.shared.errors import ConfigError, LostRankError

JOIN_TIMEOUT: Final = datetime.timedelta(minutes=15)  # a pod may wait for its node; a collective for a checkpoint
_VARIABLES: Final = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
# How gloo, nccl and the store say that another process is gone; both raise RuntimeError and have no code for it.
_LOST: Final = ("connection closed", "connection reset", "connection refused", "broken pipe", "nccl", "gloo", "socket")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which of `size` processes this one is, which of those on its machine, and where they meet."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    rendezvous: str = ""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """The place that the environment names; a process by itself if it names none.

        Raises ConfigError if the environment asks for torchrun, or names a place in part.
        """
        found = {name: environment[name] for name in _VARIABLES if name in environment}
        if "WORLD_SIZE" not in found:
            found |= _from_torchrun_options(environment)
        if not found or found.get("WORLD_SIZE") == "1":
            return cls()
        if missing := [name for name in _VARIABLES if name not in found]:
            raise ConfigError(f"{', '.join(missing)} is not set, but {', '.join(found)} is; start with torchrun")
        try:
            rank, size, port = (int(found[name]) for name in ("RANK", "WORLD_SIZE", "MASTER_PORT"))
        except ValueError as error:
            raise ConfigError(f"RANK, WORLD_SIZE and MASTER_PORT must be whole numbers: {error}") from error
        if not 0 <= rank < size:
            raise ConfigError(f"RANK is {rank}; it must be from 0 to below WORLD_SIZE, which is {size}")
        # torchrun's own store is found through the environment; a second one could not listen at its port.
        rendezvous = "env://" if "RANK" in environment else f"tcp://{found['MASTER_ADDR']}:{port}"
        return cls(rank=rank, size=size, local_rank=int(environment.get("LOCAL_RANK", "0")), rendezvous=rendezvous)


def _from_torchrun_options(environment: Mapping[str, str]) -> dict[str, str]:
    """RANK and its kind from the PET_* names, where each node runs one process and no torchrun."""
    if environment.get("PET_NNODES", "1") == "1":
        return {}
    if environment.get("PET_NPROC_PER_NODE", "1") != "1" or ":" in environment["PET_NNODES"]:
        raise ConfigError("PET_NNODES and PET_NPROC_PER_NODE ask for torchrun; start with `torchrun -m ...`")
    names = dict(zip(_VARIABLES, ("PET_NODE_RANK", "PET_NNODES", "PET_MASTER_ADDR", "PET_MASTER_PORT"), strict=True))
    return {name: environment[option] for name, option in names.items() if option in environment}


@dataclass
class Group:
    """The ranks and what they say to each other; a group of one says nothing.

    `bytes_sent` counts what all ranks together have sent in large tensors, as a ring sends it: each rank 2 (W - 1) / W
    times the tensor (Patarasuk and Yuan 2009, "Bandwidth optimal all-reduce algorithms").
    """

    rank: int = 0
    size: int = 1
    bytes_sent: int = 0

    @property
    def leads(self) -> bool:
        """Whether this is rank 0, the one that writes and speaks."""
        return self.rank == 0

    def count_all_reduce(self, size: int) -> None:
        """Count the summing of `size` bytes over all ranks."""
        self.bytes_sent += 2 * (self.size - 1) * size

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor's sum over all ranks, in place."""
        if self.size > 1:
            distributed.all_reduce(tensor)
            self.count_all_reduce(tensor.nbytes)
        return tensor

    def broadcast_tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        """Rank 0's tensor on every rank, in place."""
        if self.size > 1:
            distributed.broadcast(tensor, src=0)
            self.bytes_sent += (self.size - 1) * tensor.nbytes
        return tensor

    def any(self, flag: bool) -> bool:
        """Whether the flag is up on any rank; all ranks get the same answer."""
        return bool(self.max(int(flag)))

    def max(self, number: int) -> int:
        """The largest of the ranks' numbers; all ranks get the same answer."""
        if self.size == 1:
            return number
        largest = torch.tensor(number)
        distributed.all_reduce(largest, distributed.ReduceOp.MAX)
        return int(largest)

    def gather(self, value: object) -> list[Any]:
        """Every rank's value (tensors and plain values) on rank 0, in their order; nothing on the others."""
        if self.size == 1:
            return [value]
        packed: list[Any] | None = [None] * self.size if self.leads else None
        distributed.gather_object(to_bytes(value), packed)  # bytes, so that no tensor is put on another's device
        return [from_bytes(each) for each in packed or []]

    def broadcast(self, value: object) -> Any:  # noqa: ANN401 - whatever rank 0 gives
        """Rank 0's value on every rank."""
        if self.size == 1:
            return value
        values = [value]
        distributed.broadcast_object_list(values)
        return values[0]


@contextlib.contextmanager
def join_group(place: Place, device: torch.device) -> Iterator[Group]:
    """The group of all ranks: gloo for tensors on a CPU, nccl for those on a GPU.

    Raises LostRankError, here and wherever a rank is missed in the context, if one cannot be reached any more.
    """
    if place.size == 1:
        yield Group()
        return
    with _lost_rank_explained(place):
        if device.type == "cuda":
            torch.cuda.set_device(device)
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        distributed.init_process_group(
            backend,
            init_method=place.rendezvous,
            rank=place.rank,
            world_size=place.size,
            timeout=JOIN_TIMEOUT,
        )
        try:
            yield Group(rank=place.rank, size=place.size)
        finally:
            distributed.destroy_process_group()


@contextlib.contextmanager
def _lost_rank_explained(place: Place) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        if not any(word in reason.lower() for word in _LOST):
            raise
        raise LostRankError(
            f"rank {place.rank} of {place.size} lost another rank ({reason}); the same command goes on from the last "
            "checkpoint"
        ) from error
