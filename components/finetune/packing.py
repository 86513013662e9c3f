"""Inputs of different lengths in one forward pass without padding: in one row, one behind the other.

Each input's positions begin anew, and a mask keeps attention within it (Krell et al. 2021, "Efficient sequence packing
without cross-contamination"). What each token costs outside of attention, nearly everything at these lengths, is then
paid for real tokens alone. The logits are those of padded inputs, to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import torch
from transformers import BertForSequenceClassification, PreTrainedModel

from intclass.components.finetune.metrics import Floats

PACKED_TOKENS: Final = 512  # in one row: attention looks at all pairs of them, though it forgets most


def packs(model: PreTrainedModel) -> bool:
    """Whether this is an architecture that `packed_logits` knows."""
    return isinstance(model, BertForSequenceClassification)


@torch.inference_mode()
def packed_logits(model: BertForSequenceClassification, ids: Sequence[Sequence[int]]) -> Floats:
    """The logits (n, 2) of n inputs' token ids, in their order. The model must be in evaluation mode."""
    rows = [_row_logits(model, row) for row in _rows(ids)]
    return torch.cat(rows).double().cpu().numpy() if rows else torch.zeros((0, 2), dtype=torch.float64).numpy()


def _rows(ids: Sequence[Sequence[int]]) -> Iterator[list[Sequence[int]]]:
    """The inputs, in their order, in as many rows as it takes; a longer one has a row of its own."""
    row: list[Sequence[int]] = []
    for each in ids:
        if row and sum(map(len, row)) + len(each) > PACKED_TOKENS:
            yield row
            row = []
        row.append(each)
    if row:
        yield row


def _row_logits(model: BertForSequenceClassification, ids: Sequence[Sequence[int]]) -> torch.Tensor:
    lengths = torch.tensor([len(each) for each in ids])
    starts = lengths.cumsum(0) - lengths
    owner = torch.repeat_interleave(torch.arange(len(ids)), lengths)
    tokens = torch.tensor([token for each in ids for token in each])
    output = model.bert(
        input_ids=tokens[None].to(model.device),
        position_ids=(torch.arange(len(tokens)) - starts[owner])[None].to(model.device),
        attention_mask=_within_inputs(owner, model.dtype)[None, None].to(model.device),
    )
    first = output.last_hidden_state[0, starts.to(model.device)]
    logits: torch.Tensor = model.classifier(model.bert.pooler(first[:, None]))
    return logits


def _within_inputs(owner: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """What is added to the scores of all pairs: nothing where both tokens belong to the same input."""
    apart = owner[:, None] != owner
    return torch.zeros(apart.shape, dtype=dtype).masked_fill_(apart, torch.finfo(dtype).min)
