"""The baselines: classical classifiers on the prefix words of a function, each trained on the training split alone.

Nothing about them is tuned. Each is a scikit-learn pipeline that takes a list of prefix texts, so a baseline is one
entry of BASELINES. In order, each may use what those before it use, and more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler
from threadpoolctl import threadpool_limits

from intclass.components.evaluate.arrays import Floats, Ints
from intclass.components.evaluate.features import exponent_rule, head_counts, lengths

MAX_NGRAMS: Final = 500
MAX_BINS: Final = 31


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A classifier to beat: `build` makes an untrained scikit-learn pipeline from a seed."""

    name: str
    title: str
    description: str
    build: Callable[[int], Pipeline]


def fit_predict(baseline: Baseline, train: Sequence[str], labels: Ints, test: Sequence[str], *, seed: int) -> Floats:
    """Train the baseline on prefix texts with labels of both classes; P(class 1) of each test text, (n,)."""
    with threadpool_limits(1):  # threads cost more than they bring on so few rows, and could change the sums
        fitted = baseline.build(seed).fit(train, labels)
        return np.asarray(fitted.predict_proba(test)[:, 1], dtype=np.float64)


def _majority(seed: int) -> Pipeline:
    return make_pipeline(FunctionTransformer(lengths), DummyClassifier(strategy="prior"))


def _exponent_rule(seed: int) -> Pipeline:
    # On one yes-or-no feature, naive Bayes is exact: it states each side's share of class 1.
    return make_pipeline(FunctionTransformer(exponent_rule), BernoulliNB())


def _length(seed: int) -> Pipeline:
    return make_pipeline(FunctionTransformer(lengths), _boosted_trees(seed, max_iter=50))


def _operator_counts(seed: int) -> Pipeline:
    return make_pipeline(_ngrams(CountVectorizer, 1, min_df=1), MaxAbsScaler(), _logistic_regression(seed))


def _ngram_regression(seed: int) -> Pipeline:
    return make_pipeline(_ngrams(TfidfVectorizer, 3, sublinear_tf=True), _logistic_regression(seed))


def _trees_on_ngrams(seed: int) -> Pipeline:
    features = make_union(
        make_pipeline(FunctionTransformer(head_counts), DictVectorizer()),
        _ngrams(CountVectorizer, 2, max_features=MAX_NGRAMS),
        FunctionTransformer(lengths),
    )
    return make_pipeline(features, FunctionTransformer(_dense, accept_sparse=True), _boosted_trees(seed, max_iter=200))


def _ngrams(vectorizer: Callable[..., Any], longest: int, **settings: Any) -> Any:  # noqa: ANN401 - scikit-learn is untyped
    """N-grams of prefix words up to a length, those of a single training function left out."""
    return vectorizer(
        **{"token_pattern": r"\S+", "lowercase": False, "ngram_range": (1, longest), "min_df": 2} | settings
    )


def _logistic_regression(seed: int) -> LogisticRegression:
    return LogisticRegression(C=10.0, max_iter=5000, random_state=seed)


def _boosted_trees(seed: int, *, max_iter: int) -> HistGradientBoostingClassifier:
    # Counts need few bins, and time goes with their number. Early stopping would hold back a part of the training
    # split, by a rule that changes at 10,000 rows.
    return HistGradientBoostingClassifier(
        max_iter=max_iter, max_leaf_nodes=15, max_bins=MAX_BINS, early_stopping=False, random_state=seed
    )


def _dense(features: Any) -> Any:  # noqa: ANN401 - scipy's sparse matrices are untyped
    return features.toarray()


BASELINES: Final = (
    Baseline(
        name="majority",
        title="Majority class",
        description="always the commoner class of the training split",
        build=_majority,
    ),
    Baseline(
        name="exponent_rule",
        title="x in an exponent",
        description="one question: does x occur in an exponent, exp included?",
        build=_exponent_rule,
    ),
    Baseline(
        name="length",
        title="Length only",
        description="boosted trees on the number of prefix words",
        build=_length,
    ),
    Baseline(
        name="operator_counts",
        title="Operator counts",
        description="logistic regression on how often each operator and leaf occurs",
        build=_operator_counts,
    ),
    Baseline(
        name="ngrams",
        title="Prefix 1-3-grams",
        description="logistic regression on TF-IDF of runs of one to three prefix words",
        build=_ngram_regression,
    ),
    Baseline(
        name="boosted_trees",
        title="Boosted trees",
        description="gradient boosting on heads by depth, powers and towers apart, 1-2-grams, and length",
        build=_trees_on_ngrams,
    ),
)
