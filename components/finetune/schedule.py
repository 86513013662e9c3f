"""How the learning rate and the batches change during training."""

from __future__ import annotations

import math
from typing import Final

from intclass.components.finetune.config import Schedule

_DECAY: Final = 0.2  # of training: the end of `wsd`
_RISE: Final = 0.3  # of training: the first part of `one-cycle`
_START: Final = 1 / 25  # of the peak, where `one-cycle` begins


def learning_rate_share(kind: Schedule, done: float, *, warmup_fraction: float) -> float:
    """The share of the peak learning rate where `done` of the whole training (0 to 1) is behind.

    After a linear warm-up `linear` falls to 0 in a line and `cosine` along half a wave (Loshchilov and Hutter 2017,
    "SGDR"); `wsd` stays at the peak and falls in a line during the last fifth (Hu et al. 2024, "MiniCPM"). `one-cycle`
    has a warm-up of its own, 30 % of training long (Smith and Topin 2018, "Super-convergence").
    """
    if kind == "one-cycle":
        if done < _RISE:
            return _START + (1 - _START) * (1 - _half_wave(done / _RISE))
        return _half_wave((done - _RISE) / (1 - _RISE))
    if done < warmup_fraction:
        return done / warmup_fraction
    behind = (done - warmup_fraction) / (1 - warmup_fraction)
    match kind:
        case "linear":
            return 1 - behind
        case "cosine":
            return _half_wave(behind)
        case "wsd":
            return min(1.0, (1 - done) / min(_DECAY, 1 - warmup_fraction))


def batch_tokens_in(epoch: int, *, first: int, growth: float, epochs: int) -> int:
    """The tokens in a batch of that epoch (from 1 on): from `first`, by equal factors, to `growth` times as many.

    Larger batches late do what smaller learning rates do (Smith et al. 2018, "Don't decay the learning rate, increase
    the batch size").
    """
    share = (epoch - 1) / (epochs - 1) if epochs > 1 else 0.0
    return max(1, round(first * math.pow(growth, share)))


def _half_wave(share: float) -> float:
    """From 1 to 0 along half a cosine."""
    return (1 + math.cos(math.pi * share)) / 2
