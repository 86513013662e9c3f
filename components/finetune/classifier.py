"""A trained model that answers: text or expressions in, calibrated probabilities out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import torch
from scipy.special import expit
from sympy import Expr

from intclass.components.finetune.calibration import Calibration
from intclass.components.finetune.compute import Compute, choose_compute
from intclass.components.finetune.config import Precision
from intclass.components.finetune.inference import predict_logits
from intclass.components.finetune.metrics import Floats
from intclass.components.finetune.model import LABELS, Encoder, load_encoder
from intclass.components.finetune.packing import packed_logits, packs
from intclass.components.shared import storage
from intclass.components.shared.expressions import canonical, canonical_text, from_prefix, parse, prefix_words
from intclass.components.shared.manifest import Manifest, read_manifest

LARGE_PARAMETERS: Final = 8_000_000  # below, a forward pass on a CPU is mostly overhead (docs/serving.md)


class Classifier:
    """A model that `finetune` wrote, with its tokenizer and its calibration. Several threads may use one.

    Attributes:
        target: What was learnt: `elementary` or `solved`.
        labels: The names of class 0 and class 1; probabilities are those of class 1.
        max_length: Inputs of more tokens than this lose their end.
        parameters: How many weights the model has.
        calibration: How its probabilities did on the validation split.
        description: What the model is, for a report or a server's metadata.
    """

    def __init__(self, encoder: Encoder, calibration: Calibration, manifest: Manifest, *, compute: Compute) -> None:
        self.target = encoder.target
        self.labels = LABELS[encoder.target]
        self.description: Mapping[str, Any] = _description(manifest)
        self.parameters = int(encoder.model.num_parameters())
        # Weights in bfloat16 beat autocast, which would convert them in every forward pass.
        self._model = encoder.model.to(compute.device, torch.bfloat16 if compute.bfloat16 else torch.float32).eval()
        self._reader = encoder.reader()
        self._encoding = encoder.encoding
        self.calibration = calibration
        self._compute = Compute(device=compute.device)
        self.max_length = self._reader.max_length

    @property
    def is_large(self) -> bool:
        """Whether its forward pass on a CPU takes as long as its arithmetic does."""
        return self.parameters >= LARGE_PARAMETERS

    @classmethod
    def load(cls, folder: str | Path, *, device: str = "auto", precision: Precision = "float32") -> Self:
        """The classifier in a folder, or below a gs:// prefix, that `finetune` wrote.

        Its calibration was fitted in float32; in bfloat16 probabilities move by about 0.003.

        Raises ConfigError if there is no such model, RecordsError or StorageError if a file beside it cannot be read.
        """
        compute = choose_compute(device, precision)
        with storage.local_folder(folder) as local:
            encoder = load_encoder(local, name=str(folder))
            return cls(encoder, Calibration.load(local), read_manifest(local), compute=compute)

    def predict(self, integrands: Sequence[str | Expr], *, calibrated: bool = True) -> Floats:
        """The probabilities (n,) of class 1 for text in ordinary notation, or for expressions in x.

        Raises ExpressionError for text that is no expression, and for an expression with a function that is unknown.
        """
        return self._probabilities(self.read(integrands), calibrated=calibrated)

    def read(self, integrands: Sequence[str | Expr]) -> list[str]:
        """What the model reads for integrands, before its tokenizer; raises as `predict` does."""
        return [self._text(integrand) for integrand in integrands]

    def texts(self, prefixes: Sequence[str]) -> Sequence[str]:
        """As `read`, for canonical expressions as prefix words joined by spaces."""
        if self._encoding != "infix":
            return prefixes
        return [canonical_text(from_prefix(prefix.split())) for prefix in prefixes]

    def predict_prefixes(self, prefixes: Sequence[str]) -> Floats:
        """As `predict`, for canonical expressions as prefix words joined by spaces (the examples' column `prefix`)."""
        return self._probabilities(self.texts(prefixes))

    def predict_logits(self, prefixes: Sequence[str]) -> Floats:
        """The model's logits (n, 2), not calibrated, for canonical expressions as prefix words joined by spaces."""
        return self._logits(self.texts(prefixes))

    def _text(self, integrand: str | Expr) -> str:
        expr = parse(integrand) if isinstance(integrand, str) else integrand
        return " ".join(prefix_words(canonical(expr))) if self._encoding != "infix" else canonical_text(expr)

    def _logits(self, texts: Sequence[str]) -> Floats:
        ids = self._reader(texts).ids
        if self._compute.device.type == "cpu" and packs(self._model):
            return packed_logits(self._model, ids)
        return predict_logits(self._model, ids, pad_id=self._reader.pad_id, compute=self._compute)

    def _probabilities(self, texts: Sequence[str], *, calibrated: bool = True) -> Floats:
        logits = self._logits(texts) / (self.calibration.temperature if calibrated else 1.0)
        probabilities: Floats = expit(logits[:, 1] - logits[:, 0])
        return probabilities


def _description(manifest: Manifest) -> dict[str, Any]:
    return {
        "program": manifest.program,
        "fingerprint": manifest.fingerprint,
        **{name: manifest.config.get(name) for name in ("base_model", "encoding", "target")},
        "counts": dict(manifest.counts),
        "stats": dict(manifest.stats),
    }
