"""One optimiser step: the model, its gradient, the optimiser, and the schedule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional

from intclass.components.finetune.compute import Compute
from intclass.components.finetune.config import Optimizer, Schedule
from intclass.components.finetune.muon import MuonAndAdamW, hidden_matrices
from intclass.components.finetune.schedule import learning_rate_share

_BETAS: Final = (0.9, 0.98)  # a shorter memory of squared gradients than usual suits runs of a few thousand steps


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The numbers behind a step."""

    learning_rate: float
    warmup_fraction: float
    weight_decay: float
    label_smoothing: float
    class_weights: tuple[float, float] = (1.0, 1.0)
    schedule: Schedule = "linear"
    optimizer: Optimizer = "adamw"
    max_gradient_norm: float = 1.0


@dataclass(frozen=True)
class Batch:
    """Token ids and attention mask (batch, length), labels (batch,)."""

    tokens: torch.Tensor
    mask: torch.Tensor
    labels: torch.Tensor

    def to(self, device: torch.device) -> Batch:
        """The batch on that device."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in (self.tokens, self.mask, self.labels)))


class Learner:
    """Takes steps on batches: forward, backward, clipped update, learning rate by the share of training done.

    A parallel strategy comes between the backward pass and the update, or puts its own model around the forward pass.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, compute: Compute) -> None:
        self.model, self.compute = model, compute
        self.optimizer = make_optimizer(model, recipe)
        self._recipe = recipe
        self._weights = torch.tensor(recipe.class_weights, device=compute.device)

    @property
    def trained(self) -> list[nn.Parameter]:
        """The parameters that change."""
        return trained_parameters(self.model)

    def step(self, batch: Batch, *, mean_size: float, done: float) -> torch.Tensor:
        """One step at the point where `done` of the whole training (0 to 1) is behind; returns the batch's summed loss.

        The gradient is that of the sum over the epoch's mean batch size, not over this batch's own size: a budget of
        tokens puts more short inputs than long ones into a batch, and every example shall weigh the same.
        """
        loss = self.backward(batch, scale=1 / mean_size)
        self.update(done=done)
        return loss

    def backward(self, batch: Batch, *, scale: float, forward: Callable[..., Any] | None = None) -> torch.Tensor:
        """Add the gradient of `scale` times the batch's summed loss to the model's; returns the summed loss."""
        batch = batch.to(self.compute.device)
        with self.compute.autocast():
            logits = (forward or self.model)(input_ids=batch.tokens, attention_mask=batch.mask).logits
        loss = functional.cross_entropy(
            logits.float(),
            batch.labels,
            weight=self._weights,
            reduction="sum",
            label_smoothing=self._recipe.label_smoothing,
        )
        torch.autograd.backward(loss * scale)
        return loss.detach()

    def clip(self) -> None:
        """Cut the gradient to the greatest length that the recipe allows."""
        if math.isfinite(self._recipe.max_gradient_norm):
            nn.utils.clip_grad_norm_(self.model.parameters(), self._recipe.max_gradient_norm)

    def update(self, *, done: float) -> None:
        """Change the weights by the clipped gradient, and clear it."""
        self.clip()
        set_learning_rate(self.optimizer, self._recipe, done=done)
        self.optimizer.step()
        self.optimizer.zero_grad()


def trained_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Those that take a gradient, in the model's order."""
    return [each for each in model.parameters() if each.requires_grad]


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser over the parameters that are trained, in two groups."""
    matrices = hidden_matrices(model) if recipe.optimizer == "muon" else []
    groups = list(_parameter_groups(model, recipe.weight_decay, without=matrices))
    match recipe.optimizer:
        case "sgd":
            return torch.optim.SGD(groups, lr=recipe.learning_rate)
        case "adamw":
            return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=_BETAS, fused=True)
        case "muon":
            return MuonAndAdamW(
                matrices, groups, learning_rate=recipe.learning_rate, weight_decay=recipe.weight_decay, betas=_BETAS
            )


def set_learning_rate(optimizer: torch.optim.Optimizer, recipe: Recipe, *, done: float, factor: float = 1.0) -> None:
    """Set the rate of the schedule where `done` of training is behind, times `factor`."""
    share = learning_rate_share(recipe.schedule, done, warmup_fraction=recipe.warmup_fraction)
    for group in optimizer.param_groups:
        group["lr"] = recipe.learning_rate * share * factor


def _parameter_groups(
    model: nn.Module, weight_decay: float, *, without: Sequence[nn.Parameter]
) -> Iterable[dict[str, Any]]:
    """Matrices decay; biases and the scales of norms, which have one dimension, do not."""
    left_out = {id(parameter) for parameter in without}
    parameters = [each for each in trained_parameters(model) if id(each) not in left_out]
    yield {"params": [each for each in parameters if each.ndim > 1], "weight_decay": weight_decay}
    yield {"params": [each for each in parameters if each.ndim <= 1], "weight_decay": 0.0}
