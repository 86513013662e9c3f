from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from intclass.components.finetune import FinetuneConfig, finetune
from intclass.components.finetune.checkpoint import FOLDER_NAME, fork
from intclass.components.finetune.learner import Recipe, make_optimizer, set_learning_rate
from intclass.components.finetune.muon import MuonAndAdamW, hidden_matrices

RECIPE = Recipe(learning_rate=0.01, warmup_fraction=0.0, weight_decay=0.0, label_smoothing=0.0, optimizer="muon")


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(5, 8), nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8), nn.Linear(8, 2))


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> float:
    loss = torch.zeros(())
    for step in range(steps):
        numbers = torch.arange(5).roll(step)
        loss = nn.functional.cross_entropy(model(numbers), numbers % 2)
        torch.autograd.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
    return float(loss.detach())


def test_the_matrices_between_hidden_layers_go_to_muon() -> None:
    model = network()
    assert [tuple(each.shape) for each in hidden_matrices(model)] == [(16, 8), (8, 16)]
    groups = make_optimizer(model, RECIPE).param_groups
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


def test_it_learns() -> None:
    model = network()
    assert train(model, make_optimizer(model, RECIPE), 100) < 0.1


def test_an_update_of_a_matrix_moves_all_directions_alike() -> None:
    model = network()
    before = model.get_parameter("1.weight").detach().clone()
    train(model, make_optimizer(model, RECIPE), 1)
    singular = torch.linalg.svdvals(model.get_parameter("1.weight").detach() - before)
    assert singular.max() / singular[:4].min() < 2  # of a plain gradient the ratio is in the tens


def test_the_learning_rate_of_the_schedule_is_that_of_both() -> None:
    model = network()
    optimizer, weights = make_optimizer(model, RECIPE), [each.detach().clone() for each in model.parameters()]
    set_learning_rate(optimizer, RECIPE, done=1.0)
    train(model, optimizer, 1)
    assert all(torch.equal(*pair) for pair in zip(weights, model.parameters(), strict=True))


def test_it_goes_on_from_its_state() -> None:
    straight, paused = network(), network()
    train(straight, make_optimizer(straight, RECIPE), 6)
    first = make_optimizer(paused, RECIPE)
    train(paused, first, 3)
    second = make_optimizer(paused, RECIPE)
    assert isinstance(second, MuonAndAdamW)
    second.load_state_dict(first.state_dict())
    set_learning_rate(second, RECIPE, done=0.0)
    for step in range(3, 6):
        numbers = torch.arange(5).roll(step)
        torch.autograd.backward(nn.functional.cross_entropy(paused(numbers), numbers % 2))
        second.step()
        second.zero_grad()
    assert all(torch.equal(*pair) for pair in zip(straight.parameters(), paused.parameters(), strict=True))


def test_a_fork_goes_on_with_its_own_weight_decay(dataset: Path, tmp_path: Path, tiny: FinetuneConfig) -> None:
    muon = replace(tiny, optimizer="muon", weight_decay=0.01)
    with pytest.raises(SystemExit):
        finetune(dataset, tmp_path / "parent", replace(muon, pause_after=1))
    weights = {}
    for decay in (0.01, 5.0):
        fork(tmp_path / "parent" / FOLDER_NAME, tmp_path / f"{decay}" / FOLDER_NAME, {"weight_decay": decay})
        finetune(dataset, tmp_path / f"{decay}", replace(muon, epochs=2, weight_decay=decay))
        weights[decay] = load_file(tmp_path / f"{decay}" / "model.safetensors")
    hidden = "layers.0.gated_in.weight"
    assert weights[5.0][hidden].norm() < 0.98 * weights[0.01][hidden].norm()
