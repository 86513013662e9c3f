from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional

from intclass.components.finetune import FinetuneConfig
from intclass.components.finetune.compute import Compute, reproducible
from intclass.components.finetune.learner import Batch, Learner, Recipe
from intclass.components.finetune.model import make_encoder

CPU = Compute(device=torch.device("cpu"))
RECIPE = Recipe(learning_rate=1e-3, warmup_fraction=0.1, weight_decay=0.5, label_smoothing=0.0)


def tiny_model(*, dropout: float = 0.0) -> torch.nn.Module:
    with reproducible(0):
        config = FinetuneConfig(hidden_size=16, num_layers=1, num_heads=2, dropout=dropout)
        model: torch.nn.Module = make_encoder(config, target="elementary").model
        return model


def batch(count: int = 8) -> Batch:
    tokens = torch.randint(3, 40, (count, 5), generator=torch.Generator().manual_seed(0))
    return Batch(tokens, torch.ones_like(tokens), torch.arange(count) % 2)


def test_a_step_lowers_the_loss_and_returns_its_sum() -> None:
    model = tiny_model()
    learner = Learner(model, RECIPE, CPU)
    given = batch()
    logits = model(input_ids=given.tokens, attention_mask=given.mask).logits
    first = learner.step(given, mean_size=8, done=0.1)
    assert first.item() == pytest.approx(functional.cross_entropy(logits, given.labels, reduction="sum").item())
    assert learner.step(given, mean_size=8, done=0.2) < first


def test_at_the_end_of_the_schedule_nothing_moves() -> None:
    model = tiny_model()
    before = copy.deepcopy(model.state_dict())
    Learner(model, RECIPE, CPU).step(batch(), mean_size=8, done=1.0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_class_weights_and_smoothing_change_the_loss_as_torch_defines_them() -> None:
    model, given = tiny_model(), batch()
    logits = model(input_ids=given.tokens, attention_mask=given.mask).logits
    recipe = Recipe(**{**vars(RECIPE), "class_weights": (0.5, 3.0), "label_smoothing": 0.2})
    expected = functional.cross_entropy(
        logits, given.labels, weight=torch.tensor([0.5, 3.0]), label_smoothing=0.2, reduction="sum"
    )
    assert Learner(model, recipe, CPU).step(given, mean_size=8, done=0.5).item() == pytest.approx(expected.item())


def test_only_matrices_decay() -> None:
    model = tiny_model()
    groups = Learner(model, RECIPE, CPU).optimizer.param_groups
    assert {parameter.ndim > 1 for parameter in groups[0]["params"]} == {True}
    assert {parameter.ndim > 1 for parameter in groups[1]["params"]} == {False}
    assert [group["weight_decay"] for group in groups] == [0.5, 0.0]
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))
