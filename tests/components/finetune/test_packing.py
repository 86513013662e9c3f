"""Inputs in one row, without padding, give the logits that they give padded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from intclass.components.finetune.compute import Compute
from intclass.components.finetune.inference import predict_logits
from intclass.components.finetune.packing import PACKED_TOKENS, packed_logits, packs


@pytest.fixture(scope="module", params=["sdpa", "eager"])
def model(request: pytest.FixtureRequest) -> BertForSequenceClassification:
    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, num_labels=2
    )
    shape._attn_implementation = request.param
    return BertForSequenceClassification(shape).eval()


def _inputs(lengths: list[int]) -> list[list[int]]:
    rng = np.random.default_rng(0)
    return [rng.integers(1, 50, length).tolist() for length in lengths]


def test_the_logits_are_those_of_padded_inputs(model: BertForSequenceClassification) -> None:
    ids = _inputs([3, 17, 1, 9, PACKED_TOKENS, 300, 250])  # more than one row
    padded = predict_logits(model, ids, pad_id=0, compute=Compute(device=torch.device("cpu")))
    np.testing.assert_allclose(packed_logits(model, ids), padded, atol=1e-5)


def test_an_input_does_not_see_its_neighbours(model: BertForSequenceClassification) -> None:
    first, second, third = _inputs([5, 8, 2])
    np.testing.assert_allclose(
        packed_logits(model, [first, second])[0], packed_logits(model, [first, third])[0], atol=1e-5
    )


def test_no_inputs_have_no_logits(model: BertForSequenceClassification) -> None:
    assert packed_logits(model, []).shape == (0, 2)


def test_it_is_for_bert_alone(model: BertForSequenceClassification) -> None:
    assert packs(model)
    assert not packs(model.bert)
