"""The model in the form in which this machine answers fastest without answering differently."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Final

import numpy as np

from intclass.components.finetune import Classifier
from intclass.components.serve.config import ServeConfig
from intclass.components.shared.cores import available_cores

MOST_LOST: Final = 0.01  # what bfloat16 may move a probability by

_log = logging.getLogger(__name__)


def load_classifier(folder: str, config: ServeConfig, prefixes: Sequence[str]) -> Classifier:
    """The classifier in the folder, in the precision that `config` asks for; `prefixes` is what `auto` is tried on.

    Also sets how many threads a forward pass takes, unless OMP_NUM_THREADS does. Raises what `Classifier.load` raises.
    """
    exact = Classifier.load(folder)
    # bfloat16 and a second thread make a small model slower (docs/serving.md).
    _set_threads(max(1, available_cores() // config.workers) if exact.is_large else 1)
    if config.precision == "float32" or (config.precision == "auto" and not exact.is_large):
        return exact
    quick = Classifier.load(folder, precision=config.precision)
    if config.precision == "auto":
        lost = float(np.abs(quick.predict_prefixes(prefixes) - exact.predict_prefixes(prefixes)).max())
        if lost > MOST_LOST:
            _log.warning("bfloat16 would move probabilities by %.3f: this model is served in float32", lost)
            return exact
    return quick


def _set_threads(count: int) -> None:
    import torch  # after finetune, which says how its threads wait

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(count)
