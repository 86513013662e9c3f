from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from intclass.components.finetune import Classifier, FinetuneConfig, finetune
from intclass.components.finetune.config import ClassWeights
from intclass.components.shared import storage
from intclass.components.shared.errors import RecordsError, StorageError
from intclass.components.shared.manifest import Manifest, is_complete, read_manifest

Rows = list[dict[str, Any]]
MakeDataset = Callable[[Rows], Path]
ONE_EPOCH: dict[str, Any] = {"epochs": 1, "hidden_size": 16, "num_layers": 1}


def test_the_folder_is_whole(model: Path, dataset: Path) -> None:
    files = {path.name for path in model.iterdir() if path.is_file()}
    assert [path.name for path in model.iterdir() if path.is_dir()] == ["measured"]
    assert files == {
        "README.md",
        "calibration.json",
        "config.json",
        "manifest.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.jsonl",
    }
    manifest = read_manifest(model)
    assert (manifest.stage, set(manifest.files)) == ("finetune", files - {"manifest.json"})
    assert manifest.inputs == {"dataset": read_manifest(dataset).fingerprint}
    assert manifest.counts["train_examples"] == 360
    assert manifest.counts["validation_examples"] == 90
    assert manifest.counts["truncated_inputs"] == 0
    assert all(np.isfinite(value) for value in manifest.stats.values())
    options = {"base_model": "small", "encoding": "prefix", "target": "elementary", "learning_rate": 3e-3}
    assert options.items() <= manifest.config.items()


def test_the_rule_is_learnt(model: Path, rows: Rows) -> None:
    test = [row for row in rows if row["split"] == "test"]
    labels = np.array([row["label"] for row in test])
    predicted = Classifier.load(model).predict_prefixes([row["prefix"] for row in test]) > 0.5
    majority = max(labels.mean(), 1 - labels.mean())
    assert np.mean(predicted == labels) > majority + 0.2


def test_transformers_loads_it(model: Path, rows: Rows) -> None:
    prefixes = [row["prefix"] for row in rows[:40]]
    bare, tokenizer = AutoModelForSequenceClassification.from_pretrained(model), AutoTokenizer.from_pretrained(model)
    with torch.inference_mode():
        logits = bare(**tokenizer(prefixes, padding=True, return_tensors="pt")).logits.numpy()
    classifier = Classifier.load(model)
    assert classifier.predict_logits(prefixes) == pytest.approx(logits, abs=1e-5)
    assert bare.config.id2label == dict(enumerate(classifier.labels)) == {0: "nonelementary", 1: "elementary"}
    assert (bare.config.intclass_encoding, bare.config.intclass_target) == ("prefix", "elementary")
    assert tokenizer.model_max_length == 512


def test_calibration_does_not_harm_and_is_used(model: Path, rows: Rows) -> None:
    calibration = json.loads((model / "calibration.json").read_text())
    assert calibration["nll_after"] <= calibration["nll_before"]
    assert calibration["examples"] == 90
    classifier, prefixes = Classifier.load(model), [row["prefix"] for row in rows[:20]]
    logits = classifier.predict_logits(prefixes) / calibration["temperature"]
    expected = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    assert classifier.predict_prefixes(prefixes) == pytest.approx(expected)


def test_the_log_tells_the_epochs(model: Path) -> None:
    log = [json.loads(line) for line in (model / "training.jsonl").read_text().splitlines()]
    counts, last = read_manifest(model).counts, log[-1]
    epochs = [row for row in log if "train_loss" in row]
    assert [row["epoch"] for row in epochs] == list(range(1, counts["epochs"] + 1))
    assert epochs[-1]["train_loss"] < epochs[0]["train_loss"]
    losses = [row["validation_loss"] for row in epochs]
    assert last["best_epoch"] == counts["best_epoch"] == 1 + int(np.argmin(losses))


def test_the_same_seed_gives_the_same_bytes_and_the_test_split_is_never_looked_at(
    model: Path, rows: Rows, tiny: FinetuneConfig, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    nonsense = {"prefix": "pow pow pow", "canonical": "0", "label": 0}
    finetune(
        make_dataset([row | nonsense if row["split"] == "test" else row for row in rows]), tmp_path / "again", tiny
    )
    for name in read_manifest(model).files:
        assert (tmp_path / "again" / name).read_bytes() == (model / name).read_bytes(), name


def test_another_seed_gives_other_weights(dataset: Path, tiny: FinetuneConfig, tmp_path: Path) -> None:
    digests = {
        finetune(dataset, tmp_path / str(seed), replace(tiny, **ONE_EPOCH, seed=seed)).files["model.safetensors"]
        for seed in (1, 2)
    }
    assert len(digests) == 2


def test_small_needs_no_network(
    dataset: Path, tiny: FinetuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a connection was tried")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    finetune(dataset, tmp_path / "model", replace(tiny, **ONE_EPOCH))
    assert is_complete(tmp_path / "model")


def test_a_pretrained_model_learns_from_infix_in_a_bucket(
    dataset: Path, tiny_bert: Path, rows: Rows, gs_root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    storage.copy_folder(dataset, f"{gs_root}/dataset")
    config = FinetuneConfig(base_model=str(tiny_bert), encoding="infix", epochs=1, max_length=16, batch_tokens=1024)
    manifest = finetune(f"{gs_root}/dataset", f"{gs_root}/model", config)
    assert manifest.counts["truncated_inputs"] > 0
    assert f"truncated_inputs={manifest.counts['truncated_inputs']} " in capsys.readouterr().out
    classifier = Classifier.load(f"{gs_root}/model")
    assert (classifier.max_length, classifier.description["encoding"]) == (16, "infix")
    some = rows[:5]
    assert classifier.predict([row["integrand"] for row in some]) == pytest.approx(
        classifier.predict_prefixes([row["prefix"] for row in some])
    )


def test_arguments_are_reordered_while_training_on_prefix_words_only(
    dataset: Path, tiny: FinetuneConfig, tiny_bert: Path, tmp_path: Path
) -> None:
    def trained(name: str, config: FinetuneConfig) -> Manifest:
        return finetune(dataset, tmp_path / name, config)

    shuffled = trained("shuffled", replace(tiny, **ONE_EPOCH))
    sorted_ = trained("sorted", replace(tiny, **ONE_EPOCH, reorder_arguments=False))
    infix = trained("infix", FinetuneConfig(base_model=str(tiny_bert), encoding="infix", epochs=1))
    assert [each.config["reorder_arguments"] for each in (shuffled, sorted_, infix)] == [True, False, False]
    assert shuffled.files["model.safetensors"] != sorted_.files["model.safetensors"]


def test_balanced_class_weights_make_the_rare_class_likelier(
    rows: Rows, tiny: FinetuneConfig, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    seen = 0
    rare = [row for row in rows if row["label"] == 0 or (seen := seen + 1) % 4 == 0]
    dataset, prefixes = make_dataset(rare), [row["prefix"] for row in rows[:60]]

    def mean_margin(class_weights: ClassWeights) -> float:
        config = replace(tiny, **ONE_EPOCH, class_weights=class_weights)
        finetune(dataset, tmp_path / class_weights, config)
        logits = Classifier.load(tmp_path / class_weights).predict_logits(prefixes)
        return float(np.mean(logits[:, 1] - logits[:, 0]))

    assert mean_margin("balanced") > mean_margin("none") + 0.1


def test_a_validation_split_of_one_class_has_no_curve(
    rows: Rows, tiny: FinetuneConfig, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    dataset = make_dataset([row for row in rows if row["split"] == "train" or row["label"] == 1])
    manifest = finetune(dataset, tmp_path / "model", replace(tiny, **ONE_EPOCH))
    assert "validation_auroc" not in manifest.stats
    assert manifest.stats["temperature"] == 1


@pytest.mark.parametrize(
    ("keep", "reason"),
    [
        (lambda row: row["split"] != "train", "the train split is empty"),
        (lambda row: row["split"] != "validation", "the validation split is empty"),
        (lambda row: row["split"] != "train" or row["label"] == 0, "no 'elementary' example"),
    ],
)
def test_a_dataset_that_cannot_be_learnt_from_is_refused(
    keep: Callable[[dict[str, Any]], bool], reason: str, rows: Rows, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    with pytest.raises(RecordsError, match=reason):
        finetune(make_dataset([row for row in rows if keep(row)]), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_dataset_of_two_targets_is_refused(rows: Rows, make_dataset: MakeDataset, tmp_path: Path) -> None:
    mixed = [row | {"target": ("elementary", "solved")[index % 2]} for index, row in enumerate(rows)]
    with pytest.raises(RecordsError, match=r"dataset: the target is .*elementary.*solved"):
        finetune(make_dataset(mixed), tmp_path / "model")


def test_a_dataset_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        finetune(tmp_path / "nowhere", tmp_path / "model")


@pytest.mark.slow  # the compiler takes a minute
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of what it does itself
def test_a_compiled_model_learns_the_same(dataset: Path, tmp_path: Path, tiny: FinetuneConfig) -> None:
    exact = replace(tiny, epochs=2, dropout=0.0, precision="float32")
    weights = {}
    for compiled in (False, True):
        finetune(dataset, tmp_path / f"{compiled}", replace(exact, compile=compiled))
        weights[compiled] = load_file(tmp_path / f"{compiled}" / "model.safetensors")
    for name, tensor in weights[False].items():
        torch.testing.assert_close(weights[True][name], tensor, rtol=1e-2, atol=1e-3)
