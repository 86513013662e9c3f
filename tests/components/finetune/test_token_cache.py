from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from intclass.components.finetune import FinetuneConfig, finetune
from intclass.components.finetune.token_cache import FOLDER_VARIABLE, TokenCache
from intclass.components.finetune.tokenizer import Tokens

TOKENS = Tokens([[1, 2, 3], [], [4]], truncated=2)


def test_tokens_are_made_once(storage_root: str) -> None:
    made = []

    def make() -> Tokens:
        made.append(1)
        return TOKENS

    for cache in (TokenCache(storage_root), TokenCache(storage_root)):
        tokens = cache.get(("key", 1), make)
        assert [list(row) for row in tokens.ids] == TOKENS.ids
        assert [list(row) for row in tokens.ids[1:]] == TOKENS.ids[1:]
        assert tokens.truncated == 2
    assert made == [1]
    TokenCache(storage_root).get(("key", 2), make)
    assert made == [1, 1]


def test_without_the_variable_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    assert TokenCache.of_environment() is None


def test_a_training_is_the_same_with_a_cache(
    dataset: Path, tmp_path: Path, tiny: FinetuneConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    brief = replace(tiny, epochs=2)
    plain = finetune(dataset, tmp_path / "plain", brief)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "tokens"))
    first = finetune(dataset, tmp_path / "first", brief)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "tokens").iterdir()}
    assert len(files) == 4  # both splits, and the train split as it reads in each epoch
    second = finetune(dataset, tmp_path / "second", replace(brief, learning_rate=1e-3))
    assert first.files == plain.files
    assert second.files != plain.files
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "tokens").iterdir()} == files
