"""A dataset that is small enough to train on in seconds, here and in a bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from intclass.components.shared import storage
from intclass.components.shared.expressions import canonical, canonical_text, parse, prefix_words, skeleton_hash
from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import EXAMPLES, write_table


@pytest.fixture(scope="package")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sums of two functions; those with an exponential are labelled 1."""
    folder = tmp_path_factory.mktemp("dataset") / "examples"
    write_table(folder, [_row(index) for index in range(240)], EXAMPLES)
    write_manifest(folder, "dataset", config={})
    return folder


@pytest.fixture
def remote_dataset(gs_root: str, dataset: Path) -> str:
    """The same in a bucket."""
    storage.copy_folder(dataset, f"{gs_root}/examples")
    return f"{gs_root}/examples"


def _row(index: int) -> dict[str, Any]:
    name = ("exp", "sin", "cos", "exp", "atan")[index % 5]
    text = f"{name}({index + 2}*x) + cos({index % 7 + 2}*x)"
    expression = canonical(parse(text))
    words = prefix_words(expression)
    label = int(name == "exp")
    return {
        "id": str(index),
        "generator": "file",
        "integrand": text,
        "canonical": canonical_text(expression),
        "fingerprint": f"{index:016x}",
        "skeleton": skeleton_hash(expression),
        "prefix": " ".join(words),
        "num_nodes": len(words),
        "target": "elementary",
        "label": label,
        "outcome": ("nonelementary", "elementary")[label],
        "reason": "",
        "seconds": 0.0,
        "split": ("test", "validation", *["train"] * 4)[index % 6],
    }
