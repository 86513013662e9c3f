from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from intclass.components.finetune.log import TrainingLog

# Katib's default filter for metrics on stdout (kubeflow/katib, pkg/metricscollector/v1beta1/common/const.go).
KATIB = re.compile(r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)")


def test_katib_reads_every_value(capsys: pytest.CaptureFixture[str]) -> None:
    values = {"epoch": 12, "train_loss": 0.0123456, "learning_rate": 1.5e-5, "validation_auroc": 1.0, "change": -3e-9}
    TrainingLog().write(**values)
    found = {match[1]: float(match[2]) for match in KATIB.finditer(capsys.readouterr().out)}
    assert found == pytest.approx(values, rel=1e-4)


def test_what_is_undefined_is_left_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    log = TrainingLog()
    log.write(epoch=1, validation_auroc=None)
    log.write(epoch=2, validation_auroc=2 / 3)
    log.save(tmp_path)
    assert capsys.readouterr().out == "epoch=1\nepoch=2 validation_auroc=0.66667\n"
    lines = (tmp_path / "training.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"epoch": 1}, {"epoch": 2, "validation_auroc": 2 / 3}]
