"""How long a trial's model takes for one answer: printed as `latency_ms=1.23`, for the objective of that name.

python -m intclass.components.tune.latency MODEL DATASET
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from pathlib import Path
from typing import Final

from intclass.components.finetune import Classifier
from intclass.components.shared.command import guarded
from intclass.components.shared.records import EXAMPLES, read_table

_WARM_UP: Final = 10
_MEASURED: Final = 100


def measure_latency(model: str | Path, dataset: str | Path) -> float:
    """The median of milliseconds for one integrand by itself, tokens to probability, over the validation split."""
    classifier = Classifier.load(model)
    rows = read_table(dataset, EXAMPLES).select(["prefix", "split"]).to_pylist()
    texts = itertools.cycle([row["prefix"] for row in rows if row["split"] == "validation"])
    seconds = [_seconds(classifier, next(texts)) for _ in range(_WARM_UP + _MEASURED)]
    return 1000 * statistics.median(seconds[_WARM_UP:])


def _seconds(classifier: Classifier, text: str) -> float:
    started = time.perf_counter()
    classifier.predict_prefixes([text])
    return time.perf_counter() - started


def _main() -> None:
    sys.stdout.write(f"latency_ms={measure_latency(*sys.argv[1:]):.4f}\n")


if __name__ == "__main__":
    guarded(_main)
