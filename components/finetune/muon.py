"""Muon for the matrices between hidden layers, AdamW for all other weights, as one optimiser.

Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks") replaces the momentum of a matrix
by the nearest semi-orthogonal one, so that all directions move alike. Scaled to the root mean square of AdamW's updates
(Liu et al. 2025, "Muon is scalable for LLM training", section 2.2), both take the same learning rate and weight decay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from torch import nn


class MuonAndAdamW(torch.optim.Optimizer):
    """One optimiser of two, for `matrices` and for the groups of the `rest`; to a user it looks like any other."""

    def __init__(
        self,
        matrices: list[nn.Parameter],
        rest: Iterable[dict[str, Any]],
        *,
        learning_rate: float,
        weight_decay: float,
        betas: tuple[float, float],
    ) -> None:
        self._muon = torch.optim.Muon(
            matrices, lr=learning_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
        )
        self._adamw = torch.optim.AdamW(rest, lr=learning_rate, betas=betas, fused=True)
        groups = [*self._muon.param_groups, *self._adamw.param_groups]
        super().__init__([{**group, "params": list(group["params"])} for group in groups], {})
        self.param_groups = groups  # the very same ones: a rate that is set here is set there

    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move all weights along their gradients."""
        assert closure is None
        self._muon.step()  # type: ignore[no-untyped-call]
        self._adamw.step()

    def state_dict(self) -> dict[str, Any]:
        """The states of both."""
        return {"muon": self._muon.state_dict(), "adamw": self._adamw.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self._muon.load_state_dict(state_dict["muon"])
        self._adamw.load_state_dict(state_dict["adamw"])
        self.param_groups = [*self._muon.param_groups, *self._adamw.param_groups]


def hidden_matrices(model: nn.Module) -> list[nn.Parameter]:
    """The weights of the model's linear layers, except those of the last one, whose outputs are the classes."""
    linear = [cast("nn.Parameter", module.weight) for module in model.modules() if isinstance(module, nn.Linear)]
    return [weight for weight in linear if weight.requires_grad][:-1]
