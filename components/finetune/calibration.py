"""Temperature scaling: one number, fitted on the validation split, that makes probabilities mean what they say."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from scipy.special import expit

from intclass.components.finetune.metrics import (
    Floats,
    Ints,
    calibration_error,
    fit_temperature,
    negative_log_likelihood,
)
from intclass.components.shared.errors import RecordsError
from intclass.components.shared.reliability import ReliabilityBin, reliability

FILE_NAME: Final = "calibration.json"


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Logits are divided by `temperature`; the rest is what that did on the validation split.

    `reliability` holds how often probabilities came true there, after the scaling; models from before it was recorded
    have none.
    """

    temperature: float
    examples: int
    nll_before: float
    nll_after: float
    ece_before: float
    ece_after: float
    reliability: tuple[ReliabilityBin, ...] = ()

    @property
    def scalars(self) -> dict[str, float]:
        """Everything that is one number."""
        return {name: value for name, value in asdict(self).items() if name != "reliability"}

    def save(self, folder: Path) -> None:
        """Write `calibration.json`."""
        (folder / FILE_NAME).write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `calibration.json`; raises RecordsError if it is missing or something else."""
        path = folder / FILE_NAME
        try:
            fields = json.loads(path.read_text())
            bins = tuple(ReliabilityBin(**each) for each in fields.pop("reliability", ()))
            return cls(**fields, reliability=bins)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise RecordsError(f"{path}: no calibration; `intclass finetune` writes one beside its model") from error


def calibrate(logits: Floats, labels: Ints) -> Calibration:
    """The fitted temperature, with likelihood and calibration error before and after."""
    temperature = fit_temperature(logits, labels)
    scaled = logits / temperature
    return Calibration(
        temperature=temperature,
        examples=len(labels),
        nll_before=negative_log_likelihood(logits, labels),
        nll_after=negative_log_likelihood(scaled, labels),
        ece_before=calibration_error(logits, labels),
        ece_after=calibration_error(scaled, labels),
        reliability=reliability(labels, expit(scaled[:, 1] - scaled[:, 0])),
    )
