"""Logits of many inputs, in batches of similar length, shared out among the ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch
from transformers import PreTrainedModel

from intclass.components.finetune.batches import pad, token_batches
from intclass.components.finetune.compute import Compute
from intclass.components.finetune.metrics import Floats
from intclass.components.finetune.parallel.group import Group

INFERENCE_TOKENS: Final = 8_192  # in one forward pass, padding included


def predict_logits(
    model: PreTrainedModel,
    ids: Sequence[Sequence[int]],
    *,
    pad_id: int,
    compute: Compute,
    group: Group | None = None,
    batch_tokens: int = INFERENCE_TOKENS,
    before_batch: Callable[[], None] = lambda: None,
) -> Floats:
    """The logits (n, 2) of n inputs' token ids, in the order of the inputs. The model is left in evaluation mode.

    A forward pass takes inputs of similar length, with their padding at most `batch_tokens`. The ranks of a group must
    call it together; each has all the logits in the end, and calls `before_batch` equally often.
    """
    group = group or Group()
    model.eval()
    logits = torch.zeros((len(ids), 2), dtype=torch.float64)
    batches = token_batches([len(row) for row in ids], budget=batch_tokens)
    for start in range(0, len(batches), group.size):
        before_batch()
        # A rank without a batch takes the last one again: where the model is sharded, all must compute together.
        batch = batches[min(start + group.rank, len(batches) - 1)]
        tokens, mask = pad([ids[index] for index in batch], pad_id=pad_id)
        with torch.inference_mode(), compute.autocast():
            output = model(input_ids=tokens.to(compute.device), attention_mask=mask.to(compute.device))
        if start + group.rank < len(batches):
            logits[batch] = output.logits.double().cpu()
    return group.sum(logits).numpy()
