"""Fully sharded data parallel: every rank keeps a W-th of the weights, gradients and moments, for encoders too large
for one device.

torch's FSDP2 (Zhao et al. 2023, "PyTorch FSDP: experiences on scaling fully sharded data parallel") gathers a layer's
weights before it computes and frees them afterwards. It takes the steps of `ddp`, with half as many bytes sent again.
"""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from intclass.components.finetune.checkpoint import Weights
from intclass.components.finetune.learner import Batch, Learner
from intclass.components.finetune.parallel.group import Group
from intclass.components.finetune.parallel.strategy import Epoch, State, Stepwise, no_batch

_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)  # rank 0 alone gets it
_FROM_RANK_0 = StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)


def sharded(model: nn.Module, device: torch.device, ranks: int) -> nn.Module:
    """A copy of the model of which each rank keeps a part on its device; all ranks call it with equal models."""
    mesh = init_device_mesh(device.type, (ranks,))
    model = copy.deepcopy(model)
    for layer in layers(model):
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    return model


def layers(model: nn.Module) -> list[nn.Module]:
    """The layers of an encoder: those of its largest list of modules; none where it has no list."""
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    return list(max(lists, key=lambda each: _size(each), default=()))


class Fsdp(Stepwise):
    """One step of all ranks together; with one rank, the plain loop."""

    def __init__(self, learner: Learner, group: Group, *, seed: int, batch_tokens: int, pad_id: int) -> None:
        super().__init__(learner, group, seed=seed, batch_tokens=batch_tokens, pad_id=pad_id)
        # Gradients go out once, and weights come in once; a layer's a second time, for the backward pass.
        self._pass_bytes = 2 * _size(learner.model) + sum(map(_size, layers(learner.model)))

    def _step(self, parts: list[Batch], epoch: Epoch, *, done: float) -> torch.Tensor:
        loss = torch.zeros((), device=self.learner.compute.device)
        # A layer's weights come from all ranks, so that all must go through the model equally often.
        for number in range(self.group.max(len(parts))):
            mine = number < len(parts)
            part = parts[number] if mine else no_batch()
            # The mean over the ranks is taken, but the gradient is a sum over examples.
            loss += self.learner.backward(part, scale=self.group.size / epoch.mean_size if mine else 0.0)
            self.group.bytes_sent += (self.group.size - 1) * self._pass_bytes
        self.learner.update(done=done)
        return loss

    def weights(self) -> Weights:
        """The whole model's on rank 0, nothing on the others; all ranks must call it together."""
        if self.group.size == 1:
            return super().weights()
        return cast("Weights", get_model_state_dict(self.learner.model, options=_WHOLE))

    def load_weights(self, weights: Weights) -> None:
        """Take those of rank 0."""
        if self.group.size > 1:
            set_model_state_dict(self.learner.model, dict(weights), options=_FROM_RANK_0)
        else:
            super().load_weights(weights)

    def shared_state(self) -> State:
        """The whole optimiser's on rank 0, by the names of the weights."""
        return {"optimizer": get_optimizer_state_dict(self.learner.model, self.learner.optimizer, options=_WHOLE)}

    def restore(self, shared: State, own: State) -> None:
        """The optimiser goes on where it was, whatever the number of ranks was."""
        state = dict(shared["optimizer"])
        if state["state"]:  # plain SGD has none, which torch cannot load
            whole = StateDictOptions(full_state_dict=True)
            set_optimizer_state_dict(self.learner.model, self.learner.optimizer, state, options=whole)


def _size(module: nn.Module) -> int:
    """The bytes of its parameters, on all ranks together."""
    return sum(each.numel() * each.element_size() for each in module.parameters())
