"""One optimiser step: the model, AdamW, and the schedule. A parallel strategy replaces this part of the loop only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel

from intclass.components.finetune.compute import Compute

MAX_GRADIENT_NORM: Final = 1.0
_BETAS: Final = (0.9, 0.98)  # a shorter memory of squared gradients than usual suits runs of a few thousand steps


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The numbers behind a step."""

    learning_rate: float
    warmup_fraction: float
    weight_decay: float
    label_smoothing: float
    class_weights: tuple[float, float] = (1.0, 1.0)


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
    """Takes steps on batches: forward, backward, clipped AdamW, learning rate by the share of training done."""

    def __init__(self, model: PreTrainedModel, recipe: Recipe, compute: Compute) -> None:
        self.model, self._recipe, self._compute = model, recipe, compute
        self._weights = torch.tensor(recipe.class_weights, device=compute.device)
        self._optimizer = torch.optim.AdamW(
            _parameter_groups(model, recipe.weight_decay), lr=recipe.learning_rate, betas=_BETAS, fused=True
        )

    def step(self, batch: Batch, *, mean_size: float, done: float) -> torch.Tensor:
        """One step at the point where `done` of the whole training (0 to 1) is behind; returns the batch's summed loss.

        The gradient is that of the sum over the epoch's mean batch size, not over this batch's own size: a budget of
        tokens puts more short inputs than long ones into a batch, and every example shall weigh the same.
        """
        batch = batch.to(self._compute.device)
        with self._compute.autocast():
            logits = self.model(input_ids=batch.tokens, attention_mask=batch.mask).logits
        loss = functional.cross_entropy(
            logits.float(),
            batch.labels,
            weight=self._weights,
            reduction="sum",
            label_smoothing=self._recipe.label_smoothing,
        )
        torch.autograd.backward(loss / mean_size)
        nn.utils.clip_grad_norm_(self.model.parameters(), MAX_GRADIENT_NORM)
        self._set_learning_rate(done)
        self._optimizer.step()
        self._optimizer.zero_grad()
        return loss.detach()

    def _set_learning_rate(self, done: float) -> None:
        factor = schedule(done, warmup_fraction=self._recipe.warmup_fraction)
        for group in self._optimizer.param_groups:
            group["lr"] = self._recipe.learning_rate * factor


def schedule(done: float, *, warmup_fraction: float) -> float:
    """The share of the peak learning rate: rises linearly from 0 during warm-up, then falls linearly to 0."""
    if done < warmup_fraction:
        return done / warmup_fraction
    return (1 - done) / (1 - warmup_fraction)


def _parameter_groups(model: nn.Module, weight_decay: float) -> Iterable[dict[str, Any]]:
    """Matrices decay; biases and the scales of norms, which have one dimension, do not."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    yield {"params": [each for each in parameters if each.ndim > 1], "weight_decay": weight_decay}
    yield {"params": [each for each in parameters if each.ndim <= 1], "weight_decay": 0.0}
