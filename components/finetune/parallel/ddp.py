"""Data parallel: every rank has the whole model, and the gradients are averaged in every step.

torch's DistributedDataParallel (Li et al. 2020, "PyTorch Distributed") sends the gradients of the last layers while
those of the first are still computed. W ranks with batches of B tokens take the same steps as one rank with W * B.
"""

from __future__ import annotations

import contextlib

import torch
from torch.nn.parallel import DistributedDataParallel

from intclass.components.finetune.learner import Batch, Learner
from intclass.components.finetune.parallel.group import Group
from intclass.components.finetune.parallel.strategy import Epoch, State, Stepwise, no_batch


class Ddp(Stepwise):
    """One step of all ranks together; with one rank, the plain loop."""

    def __init__(self, learner: Learner, group: Group, *, seed: int, batch_tokens: int, pad_id: int) -> None:
        super().__init__(learner, group, seed=seed, batch_tokens=batch_tokens, pad_id=pad_id)
        self._parallel = DistributedDataParallel(learner.model) if group.size > 1 else None
        self._gradient_bytes = sum(each.nbytes for each in learner.trained)

    def _step(self, parts: list[Batch], epoch: Epoch, *, done: float) -> torch.Tensor:
        # DistributedDataParallel takes the mean over the ranks, but the gradient is a sum over examples.
        scale = self.group.size / epoch.mean_size
        loss = torch.zeros((), device=self.learner.compute.device)
        for part in parts[:-1]:
            with self._parallel.no_sync() if self._parallel else contextlib.nullcontext():
                loss += self.learner.backward(part, scale=scale, forward=self._parallel)
        if parts:
            loss += self.learner.backward(parts[-1], scale=scale, forward=self._parallel)
        else:  # fewer examples than ranks: the others still wait for this rank's gradient, which is zero
            self.learner.backward(no_batch(), scale=0.0, forward=self._parallel)
        self.group.count_all_reduce(self._gradient_bytes)
        self.learner.update(done=done)
        return loss

    def shared_state(self) -> State:
        """The optimiser's, which is the same on all ranks."""
        return {"optimizer": self.learner.optimizer.state_dict()}

    def restore(self, shared: State, own: State) -> None:
        """The optimiser goes on where it was."""
        self.learner.optimizer.load_state_dict(dict(shared["optimizer"]))

    def close(self) -> None:
        """Free torch's reducer before the process group.

        A reducer that outlives `destroy_process_group` is the group's last owner. It frees the group while it holds
        Python's lock, and waits there for gloo's thread, which needs that lock to free its last tensor: a deadlock.
        """
        self._parallel = None
