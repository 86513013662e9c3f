from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from intclass.components.finetune import FinetuneConfig, finetune
from intclass.components.shared.errors import ConfigError


@pytest.mark.slow  # workers load torch and transformers anew
def test_two_lock_free_workers_learn_the_rule(dataset: Path, tiny: FinetuneConfig, tmp_path: Path) -> None:
    manifest = finetune(dataset, tmp_path / "model", replace(tiny, strategy="hogwild", workers=2, device="cpu"))
    assert manifest.stats["validation_accuracy"] > 0.8
    assert manifest.counts["ranks"] == 2


def test_several_ranks_are_refused(
    dataset: Path, tiny: FinetuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="starts its own --workers"):
        finetune(dataset, tmp_path / "model", replace(tiny, strategy="hogwild"))
