"""Every classifier is asked every question: the model, the model before its calibration, and each baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from scipy.special import expit

from intclass.components.evaluate.arrays import Floats, Ints
from intclass.components.evaluate.baselines import BASELINES, fit_predict
from intclass.components.finetune import Classifier
from intclass.components.shared.progress import Progress

MODEL: Final = "model"
UNCALIBRATED: Final = "uncalibrated"

Row = Mapping[str, Any]
Answers = dict[str, Floats]  # by classifier: the probabilities (n,) of class 1


def ask(
    classifier: Classifier, train: Sequence[Row], questions: Mapping[str, Sequence[str]], *, seed: int
) -> dict[str, Answers]:
    """The answers to each list of prefix words, by its name; baselines are trained on the rows `train`."""
    everything = [prefix for prefixes in questions.values() for prefix in prefixes]
    answers: Answers = {}
    with Progress("evaluate", total=1 + len(BASELINES), unit="classifiers") as progress:
        logits = classifier.predict_logits(everything)
        answers[MODEL] = expit((logits[:, 1] - logits[:, 0]) / classifier.calibration.temperature)
        answers[UNCALIBRATED] = expit(logits[:, 1] - logits[:, 0])
        progress.update()
        for name, each in ask_baselines(train, everything, seed=seed):
            answers[name] = each
            progress.update()
    return _apart(answers, questions)


def ask_baselines(train: Sequence[Row], prefixes: Sequence[str], *, seed: int) -> Iterator[tuple[str, Floats]]:
    """Each baseline's name and its answers, one after the other."""
    words, labels = [row["prefix"] for row in train], labels_of(train)
    for baseline in BASELINES:
        yield baseline.name, fit_predict(baseline, words, labels, prefixes, seed=seed)


def labels_of(rows: Sequence[Row]) -> Ints:
    """The labels (n,) of examples."""
    return np.array([row["label"] for row in rows], dtype=np.int64)


def _apart(answers: Answers, questions: Mapping[str, Sequence[str]]) -> dict[str, Answers]:
    ends = np.cumsum([len(prefixes) for prefixes in questions.values()])[:-1]
    parts = {name: np.split(each, ends) for name, each in answers.items()}
    return {question: {name: parts[name][place] for name in answers} for place, question in enumerate(questions)}
