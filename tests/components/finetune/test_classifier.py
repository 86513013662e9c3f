from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from intclass.components.finetune import Classifier
from intclass.components.shared.errors import ConfigError, ExpressionError, RecordsError, StorageError
from intclass.components.shared.expressions import parse
from intclass.components.shared.manifest import read_manifest


@pytest.fixture(scope="module")
def classifier(model: Path) -> Classifier:
    return Classifier.load(model, device="cpu")


def test_text_expressions_and_prefix_words_get_the_same_answer(
    classifier: Classifier, rows: list[dict[str, Any]]
) -> None:
    some = rows[:30]
    texts = [row["integrand"] for row in some]
    from_text = classifier.predict(texts)
    assert from_text.shape == (30,)
    assert ((from_text > 0) & (from_text < 1)).all()
    assert classifier.predict([parse(text) for text in texts]) == pytest.approx(from_text)
    assert classifier.predict_prefixes([row["prefix"] for row in some]) == pytest.approx(from_text)


def test_the_order_and_form_of_arguments_do_not_matter(classifier: Classifier) -> None:
    first, second = classifier.predict(["exp(x)*sin(x) + 2", "2 + sin(x)*e^x"])
    assert first == second


def test_company_in_a_batch_does_not_matter(classifier: Classifier, rows: list[dict[str, Any]]) -> None:
    prefixes = [row["prefix"] for row in rows[:50]]
    alone = np.concatenate([classifier.predict_prefixes([prefix]) for prefix in prefixes])
    assert classifier.predict_prefixes(prefixes) == pytest.approx(alone, abs=1e-5)


def test_bfloat16_moves_only_the_last_digits(classifier: Classifier, model: Path, rows: list[dict[str, Any]]) -> None:
    prefixes = [row["prefix"] for row in rows[:50]]
    rounded = Classifier.load(model, device="cpu", precision="bfloat16").predict_prefixes(prefixes)
    exact = classifier.predict_prefixes(prefixes)
    assert rounded == pytest.approx(exact, abs=0.03)
    assert (rounded != exact).any()


def test_an_input_over_the_limit_is_answered_all_the_same(classifier: Classifier) -> None:
    (probability,) = classifier.predict_prefixes(["add x " * 2000 + "x"])
    assert 0 < probability < 1


def test_nothing_in_nothing_out(classifier: Classifier) -> None:
    assert classifier.predict([]).shape == (0,)
    assert classifier.predict_logits([]).shape == (0, 2)


@pytest.mark.parametrize("text", ["", "sin(", "__import__('os').system('id')", "erf(x)", "y + 1"])
def test_text_that_is_no_expression_is_refused(classifier: Classifier, text: str) -> None:
    with pytest.raises(ExpressionError):
        classifier.predict(["x", text])


def test_threads_share_a_classifier(classifier: Classifier, rows: list[dict[str, Any]]) -> None:
    prefixes = [row["prefix"] for row in rows[:60]]
    expected = classifier.predict_prefixes(prefixes)
    with ThreadPoolExecutor(4) as pool:
        for answer in pool.map(lambda _: classifier.predict_prefixes(prefixes), range(12)):
            np.testing.assert_array_equal(answer, expected)


def test_it_says_what_it_is(classifier: Classifier, model: Path) -> None:
    assert (classifier.target, classifier.labels) == ("elementary", ("nonelementary", "elementary"))
    assert classifier.max_length == 512
    assert classifier.description["base_model"] == "small"
    assert classifier.description["fingerprint"] == read_manifest(model).fingerprint


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no model that can be loaded .*`intclass finetune DATASET --out DIR`"):
        Classifier.load(tmp_path)


@pytest.mark.parametrize(("name", "error"), [("calibration.json", RecordsError), ("manifest.json", StorageError)])
def test_a_model_that_lacks_a_part_is_refused(model: Path, tmp_path: Path, name: str, error: type[Exception]) -> None:
    shutil.copytree(model, tmp_path / "model")
    (tmp_path / "model" / name).unlink()
    with pytest.raises(error, match=name):
        Classifier.load(tmp_path / "model")
