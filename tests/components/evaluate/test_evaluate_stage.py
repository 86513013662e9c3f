"""The whole stage on a real model: what is written, what is refused, that it repeats."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from huggingface_hub import ModelCardData
from kfp import dsl
from sklearn.metrics import accuracy_score, roc_auc_score
from typer.testing import CliRunner

from intclass.components.evaluate import Also, EvaluateConfig, evaluate, load_evaluation
from intclass.components.evaluate.__main__ import main
from intclass.components.evaluate.artifacts import fill
from intclass.components.evaluate.evaluation import Evaluation
from intclass.components.evaluate.probes import load_pairs
from intclass.components.finetune import Classifier, FinetuneConfig, finetune
from intclass.components.shared.command import application
from intclass.components.shared.errors import ConfigError, RecordsError, StorageError
from intclass.components.shared.manifest import read_manifest
from intclass.components.shared.records import EXAMPLES, OUTCOMES, PREDICTIONS, read_table, write_table
from tests.page import Page

QUICK = EvaluateConfig(bootstrap=100, mistakes=3, probes=20)
LABELS = ("nonelementary", "elementary")
QUICKLY = ("--bootstrap", "100", "--probes", "0")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """The model is so small that a second thread would only get in the way."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, dataset: Path) -> Path:
    folder = tmp_path_factory.mktemp("model")
    config = FinetuneConfig(
        epochs=6, learning_rate=5e-3, batch_tokens=512, hidden_size=16, num_layers=1, num_heads=2, device="cpu"
    )
    finetune(dataset, folder, config)
    return folder


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, model: Path, dataset: Path) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    evaluate(model, dataset, folder, QUICK)
    return folder


def test_the_folder_holds_what_it_promises(out: Path, model: Path, dataset: Path) -> None:
    manifest = read_manifest(out)
    assert manifest.files.keys() == {
        *("metrics.json", "predictions.parquet", "report.html", "summary.md"),
        *("gate.md", "model_card.md"),
    }
    assert (manifest.stage, manifest.counts["test_examples"]) == ("evaluate", 200)
    assert manifest.config == {"bootstrap": 100, "seed": 0, "mistakes": 3, "probes": 20, "margin": 0.0}
    assert manifest.inputs == {
        name: read_manifest(path).fingerprint for name, path in (("model", model), ("dataset", dataset))
    }
    assert manifest.stats["accuracy"] == load_evaluation(out).metrics["accuracy"]


def test_the_numbers_are_those_of_the_model_on_the_test_split(out: Path, model: Path, dataset: Path) -> None:
    rows = [row for row in read_table(dataset, EXAMPLES).to_pylist() if row["split"] == "test"]
    probabilities = Classifier.load(model, device="cpu").predict_prefixes([row["prefix"] for row in rows])
    labels = np.array([row["label"] for row in rows])
    evaluation = load_evaluation(out)
    assert evaluation.metrics["accuracy"] == pytest.approx(accuracy_score(labels, probabilities >= 0.5))
    assert evaluation.metrics["auroc"] == pytest.approx(roc_auc_score(labels, probabilities))
    assert (evaluation.train_examples, evaluation.test_examples) == (200, 200)
    assert evaluation.trained_on_this_dataset
    assert evaluation.labels == ("nonelementary", "elementary")


def test_a_model_that_learnt_beats_the_majority(out: Path) -> None:
    evaluation = load_evaluation(out)
    assert evaluation.metrics["accuracy_low"] > evaluation.majority_share


def test_predictions_are_one_row_for_each_test_example(out: Path, held_out: list[dict[str, Any]]) -> None:
    predictions = read_table(out, PREDICTIONS).to_pylist()
    assert [row["id"] for row in predictions] == [row["id"] for row in held_out]
    for row, example in zip(predictions, held_out, strict=True):
        assert (row["integrand"], row["label"]) == (example["integrand"], example["label"])
        assert row["predicted"] == int(row["probability"] >= 0.5)
        assert row["correct"] == (row["predicted"] == row["label"])
    right = sum(row["correct"] for row in predictions)
    evaluation = load_evaluation(out)
    assert right / 200 == pytest.approx(evaluation.metrics["accuracy"])
    best = [row["label"] == int(row["baseline_probability"] >= 0.5) for row in predictions]
    assert sum(best) / 200 == pytest.approx(evaluation.best_baseline.metrics["accuracy"].value)


def test_the_summary_fits_one_screen_and_has_every_classifier(out: Path) -> None:
    lines = (out / "summary.md").read_text().splitlines()
    assert lines[0].startswith("# Right on ")
    assert len([line for line in lines if line.startswith("| ")]) == 2 + 7
    assert len(lines) < 25


def test_the_same_inputs_give_the_same_bytes(out: Path, model: Path, dataset: Path, tmp_path: Path) -> None:
    evaluate(model, dataset, tmp_path, QUICK)
    for file in sorted(path.name for path in out.iterdir()):
        assert (tmp_path / file).read_bytes() == (out / file).read_bytes(), file


def test_a_model_for_another_target_is_refused(model: Path, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    write_table(tmp_path, [row | {"target": "solved"} for row in rows], EXAMPLES)
    with pytest.raises(
        ConfigError, match=r"predicts 'elementary', but .* is labelled by 'solved'.*--target elementary"
    ):
        evaluate(model, tmp_path, tmp_path / "out", QUICK)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_split_that_lacks_a_class_is_refused(
    split: str, model: Path, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    write_table(tmp_path, [row for row in rows if row["split"] != split or row["label"] == 0], EXAMPLES)
    with pytest.raises(RecordsError, match=f"the {split} split has no 'elementary' example among its"):
        evaluate(model, tmp_path, tmp_path / "out", QUICK)


def test_what_is_not_there_is_named(model: Path, dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"nowhere/manifest\.json: no such file"):
        evaluate(tmp_path / "nowhere", dataset, tmp_path / "out", QUICK)
    with pytest.raises(StorageError, match="nowhere"):
        evaluate(model, tmp_path / "nowhere", tmp_path / "out", QUICK)


def test_a_table_without_a_manifest_is_not_taken_for_the_training_set(
    model: Path, dataset: Path, tmp_path: Path
) -> None:
    shutil.copy(dataset / EXAMPLES.file_name, tmp_path / "mine.parquet")
    evaluate(model, tmp_path / "mine.parquet", tmp_path / "out", QUICK)
    assert not load_evaluation(tmp_path / "out").trained_on_this_dataset


@pytest.mark.parametrize("option", ["bootstrap", "seed", "mistakes", "probes"])
def test_options_out_of_range_are_refused(option: str) -> None:
    with pytest.raises(ConfigError, match=rf"{option} is -1; it must be at least \d+"):
        EvaluateConfig(**{option: -1})


def test_the_evaluation_fills_kubeflows_artifacts(out: Path, tmp_path: Path) -> None:
    report, summary = dsl.HTML(uri=str(tmp_path / "report")), dsl.Markdown(uri=str(tmp_path / "summary"))
    metrics = dsl.Metrics(uri=str(tmp_path / "metrics"))
    classification = dsl.ClassificationMetrics(uri=str(tmp_path / "classification"))
    decision = dsl.Markdown(uri=str(tmp_path / "decision"))
    deploy = fill(
        out, report=report, summary=summary, metrics=metrics, classification=classification, decision=decision
    )
    evaluation = load_evaluation(out)
    assert deploy is evaluation.decision.deploy
    assert Path(decision.path).read_bytes() == (out / "gate.md").read_bytes()
    assert Path(report.path).read_bytes() == (out / "report.html").read_bytes()
    assert Path(summary.path).read_bytes() == (out / "summary.md").read_bytes()
    assert metrics.metadata == evaluation.metrics
    confusion = classification.metadata["confusionMatrix"]
    assert [row["row"] for row in confusion["rows"]] == [list(row) for row in evaluation.confusion]
    assert len(classification.metadata["confidenceMetrics"]) == len(evaluation.roc.fpr)
    json.dumps([metrics.metadata, classification.metadata], allow_nan=False)
    assert Path(metrics.path).exists()
    assert Path(classification.path).exists()


def test_the_command_prints_the_model_beside_the_baselines(model: Path, dataset: Path, tmp_path: Path) -> None:
    app = application()
    app.command()(main)
    result = CliRunner().invoke(app, [str(model), str(dataset), "--out", str(tmp_path), *QUICKLY])
    assert result.exit_code == 0, result.output
    for words in ("Model (small)", "Majority class", "Boosted trees", "AUROC", f"report: {tmp_path}/report.html"):
        assert words in result.output
    assert (tmp_path / "report.html").exists()


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory, model: Path, dataset: Path, out: Path) -> Path:
    """An evaluation with all that may be given besides: an outside file, a second labelling, a served model."""
    folder = tmp_path_factory.mktemp("furnished")
    (folder / "mine.csv").write_text("integrand,truth\nx*exp(x^2),1\nexp(x)/x,0\nsin(x)^3,1\n1/log(x),0\nfoo(x),0\n")
    test = [row for row in read_table(dataset, EXAMPLES).to_pylist() if row["split"] == "test"]
    origin = [name for name in OUTCOMES.schema.names if name in test[0]]
    again = [
        {name: row[name] for name in origin} | {"label": row["outcome"], "verified": False, "answers": []}
        for row in test[:50]
    ]
    again[0]["label"] = LABELS[1 - test[0]["label"]]
    write_table(folder / "again", again, OUTCOMES)
    also = Also(test=folder / "mine.csv", relabelled=folder / "again" / OUTCOMES.file_name, served=out)
    evaluate(model, dataset, folder / "out", QUICK, also=also)
    return folder / "out"


class TestWhatIsGivenBesides:
    def test_all_of_it_is_measured(self, furnished: Path) -> None:
        evaluation = load_evaluation(furnished)
        assert evaluation.outside is not None
        assert (evaluation.outside.whole.examples, len(evaluation.outside.unreadable)) == (4, 1)
        assert evaluation.ceiling is not None
        assert evaluation.ceiling.agreement.value == pytest.approx(49 / 50)
        assert evaluation.probes is not None
        assert len(evaluation.probes.pairs["model"].answers) == len(load_pairs())
        assert {each.name for each in evaluation.probes.invariance["boosted_trees"]} >= {"affine", "constant_factor"}
        numbers = evaluation.metrics
        for name in ("pair_accuracy", "consistency_affine", "outside_accuracy", "label_agreement"):
            assert 0 <= numbers[name] <= 1
        assert read_manifest(furnished).inputs.keys() == {"model", "dataset", "test", "relabelled", "served"}

    def test_a_model_does_not_replace_its_like(self, furnished: Path) -> None:
        evaluation = load_evaluation(furnished)
        contest = evaluation.decision.contests[-1]
        assert (contest.rival, contest.lead.value, contest.passed) == ("the model now served", 0, False)
        assert not evaluation.decision.deploy
        assert "The model is not deployed" in (furnished / "gate.md").read_text()

    def test_the_report_shows_it(self, furnished: Path) -> None:
        page = Page((furnished / "report.html").read_text())
        assert page.open == []
        for words in ("Does it know why?", "Functions from outside: mine.csv", "It is not to be deployed"):
            assert words in page.words
        words = " ".join(page.words)
        assert "the same label" in words
        assert "--probes 20 --margin 0 --test TEST --relabelled RELABELLED --served SERVED" in words

    def test_the_model_card_is_one_for_the_hub(self, measured: Path) -> None:
        text = (measured / "model_card.md").read_text()
        card = ModelCardData(**yaml.safe_load(text.split("---")[1]), ignore_metadata_errors=False)
        results = {(each.dataset_split, each.metric_type): each.metric_value for each in card.eval_results or []}
        evaluation = load_evaluation(measured)
        for name, of_hub in (("accuracy", "accuracy"), ("auroc", "roc_auc"), ("mcc", "matthews_correlation")):
            assert results["test", of_hub] == pytest.approx(evaluation.model.metrics[name].value, abs=1e-6)
        assert ("test_size", "accuracy") in results
        assert ("test_generator", "roc_auc") not in results  # one class alone


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> Path:
    """The dataset with half its test rows in other test splits; `test_generator` is of one class."""

    def split(index: int, row: dict[str, Any]) -> str:
        if row["split"] != "test" or index % 2:
            return str(row["split"])
        return "test_generator" if row["label"] and index % 4 else "test_size"

    folder = tmp_path_factory.mktemp("mixed")
    write_table(folder, [row | {"split": split(index, row)} for index, row in enumerate(rows)], EXAMPLES)
    return folder


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, model: Path, mixed: Path) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    evaluate(model, mixed, folder, QUICK)
    return folder


class TestHeldOutSplits:
    def test_each_is_measured_by_itself_and_apart_from_the_test_split(
        self, measured: Path, model: Path, mixed: Path
    ) -> None:
        examples = read_table(mixed, EXAMPLES).to_pylist()
        classifier = Classifier.load(model, device="cpu")
        evaluation = load_evaluation(measured)
        assert [each.split for each in evaluation.held_out] == ["test_generator", "test_size"]
        assert evaluation.test_examples == sum(row["split"] == "test" for row in examples)
        for each in evaluation.held_out:
            rows = [row for row in examples if row["split"] == each.split]
            right = classifier.predict_prefixes([row["prefix"] for row in rows]) >= 0.5
            labels = np.array([row["label"] for row in rows])
            accuracy = each.metrics["model"]["accuracy"]
            assert (each.examples, each.positives) == (len(rows), labels.sum())
            assert accuracy.value == pytest.approx(accuracy_score(labels, right))
            assert accuracy.low <= accuracy.value <= accuracy.high
            assert evaluation.metrics[f"{each.split}_accuracy"] == accuracy.value
            assert {baseline.name for baseline in evaluation.baselines} < each.metrics.keys()
        assert "test_generator_auroc" not in evaluation.metrics  # undefined where there is one class
        assert Evaluation.from_json(evaluation.to_json()).held_out[1] == evaluation.held_out[1]

    def test_the_report_and_the_summary_show_them(self, measured: Path) -> None:
        report, summary = ((measured / name).read_text() for name in ("report.html", "summary.md"))
        page = Page(report)
        assert page.open == []
        assert "And on functions unlike those it learnt from?" in page.words
        assert len([table for table in page.all("table") if table.get("class") == "results"]) == 3
        assert "| `test_size` |" in summary
        assert "| `test_generator` |" in summary

    def test_without_them_there_is_no_such_section(self, out: Path) -> None:
        assert load_evaluation(out).held_out == ()
        assert "unlike those it learnt from" not in (out / "report.html").read_text()
        assert "Held-out test split" not in (out / "summary.md").read_text()
