"""Several models, seeds and baselines in one table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, BertConfig

from intclass.components.evaluate.baselines import BASELINES
from intclass.components.evaluate.metrics import TITLES, Scored, measure
from intclass.components.evaluate.model_table import PAIRS, Line, ModelTable, Spread, compare_models
from intclass.components.evaluate.model_table_text import render_table
from intclass.components.evaluate.random_weights import write_random_weights
from intclass.components.finetune import Classifier, FinetuneConfig, finetune
from intclass.components.finetune.tokenizer import prefix_tokenizer
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.records import EXAMPLES, read_table

TINY = FinetuneConfig(epochs=1, batch_tokens=1024, hidden_size=8, num_layers=1, num_heads=2, device="cpu")


def _line(title: str, wrong: list[int], *, seeds: int = 1, parameters: int | None = None) -> Line:
    """A classifier that is wrong on so many of the 20 test functions, by seed."""
    labels = np.tile([0, 1], 10)
    scored = []
    for number in wrong:
        right = np.arange(20) >= number
        scored.append(Scored(labels, np.where(right == (labels == 1), 0.9, 0.1)))
    measured = [measure(each) for each in scored]
    return Line(
        title=title,
        parameters=parameters,
        seeds=seeds,
        metrics={name: Spread.of(float(each[name][0]) for each in measured) for name in TITLES},
        accuracies={"test_size": Spread.of([0.5] * len(wrong)), PAIRS: Spread.of([0.25] * len(wrong))},
        answers=scored[0],
    )


@pytest.fixture(scope="module")
def table() -> ModelTable:
    return ModelTable(
        models=(_line("small", [2, 4], seeds=2, parameters=12_345), _line("bert", [5], parameters=110)),
        baselines=(_line("Boosted trees", [6]), _line("Majority class", [10])),
        target="elementary",
        dataset="0123456789abcdef",
        train_examples=1000,
        test_examples=20,
        splits=("test_size",),
    )


def test_a_spread_by_hand() -> None:
    spread = Spread.of([0.9, 0.8, 0.7])
    assert spread.mean == pytest.approx(0.8)
    assert spread.deviation == pytest.approx(0.1)
    assert np.isnan(Spread.of([0.9]).deviation)


def test_the_page_has_every_line_with_mean_and_deviation(table: ModelTable) -> None:
    text = render_table(table).replace("\N{NO-BREAK SPACE}", " ")
    [small] = [line for line in text.splitlines() if line.startswith("| small | 12,345 | 2 |")]
    assert "| 85.0 ± 7.1 % |" in small
    assert "| Majority class | \N{EN DASH} | 1 | 50.0 % |" in text
    assert "| bert | 50.0 % | 25.0 % |" in text  # the further split, the pairs


def test_mcnemar_is_between_models_and_against_the_best_baseline(table: ModelTable) -> None:
    text = render_table(table).replace("\N{NO-BREAK SPACE}", " ")
    contests = text.split("McNemar")[1]
    assert "|  | small | bert | Boosted trees |" in contests
    assert "| small |  | 3 : 0, p = 0.25 | 4 : 0, p = 0.12 |" in contests
    assert "| bert | 0 : 3, p = 0.25 |  | 1 : 0, p = 1 |" in contests


@pytest.mark.slow
def test_seeds_of_one_model_are_one_line(dataset: Path, tmp_path: Path) -> None:
    fewer = replace(TINY, train_examples=150)
    configs = {"a": fewer, "b": replace(fewer, seed=1), "c": replace(fewer, num_layers=2)}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for name, config in configs.items():
        finetune(dataset, tmp_path / name, config)
    older = json.loads((tmp_path / "b" / "manifest.json").read_text())
    del older["config"]["compile"]  # a model from before there was that option
    (tmp_path / "b" / "manifest.json").write_text(json.dumps(older))
    found = compare_models([tmp_path / name for name in configs], dataset)
    torch.set_num_threads(threads)
    by_title = {line.title: line for line in found.models}
    assert by_title.keys() == {"small, num_layers=1", "small, num_layers=2"}
    assert [by_title[f"small, num_layers={layers}"].seeds for layers in (1, 2)] == [2, 1]
    assert len(found.baselines) == len(BASELINES)
    assert found.train_examples == 150  # of the baselines too
    test = [row for row in read_table(dataset, EXAMPLES).to_pylist() if row["split"] == "test"]
    labels = np.array([row["label"] for row in test])
    accuracies = [
        ((Classifier.load(tmp_path / name).predict_prefixes([row["prefix"] for row in test]) >= 0.5) == labels).mean()
        for name in ("a", "b")
    ]
    expected = Spread.of(map(float, accuracies))
    assert by_title["small, num_layers=1"].metrics["accuracy"].mean == pytest.approx(expected.mean)
    assert by_title["small, num_layers=1"].metrics["accuracy"].deviation == pytest.approx(expected.deviation)
    with pytest.raises(ConfigError, match="a model is given twice"):
        compare_models([tmp_path / "a", tmp_path / "a"], dataset)


def test_random_weights_keep_the_architecture_and_the_tokenizer(tmp_path: Path) -> None:
    tokenizer = prefix_tokenizer(64)
    shape = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    base = AutoModelForSequenceClassification.from_config(shape)
    base.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    for name, seed in (("one", 1), ("again", 1), ("two", 2)):
        write_random_weights(tmp_path / "base", tmp_path / name, seed=seed)
    models = {
        name: AutoModelForSequenceClassification.from_pretrained(tmp_path / name) for name in ("one", "again", "two")
    }
    weights = {name: next(iter(model.parameters())).detach() for name, model in models.items()}
    assert models["one"].num_parameters() == base.num_parameters()
    assert torch.equal(weights["one"], weights["again"])
    assert not torch.equal(weights["one"], weights["two"])


def test_a_base_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere: cannot be loaded .*; give a name on the hub or a folder"):
        write_random_weights(tmp_path / "nowhere", tmp_path / "out", seed=0)
