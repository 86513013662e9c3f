"""One small model, and one server over it, for all tests of serving."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from intclass.components.finetune import FinetuneConfig, finetune
from intclass.components.serve import ServeConfig, running_server
from intclass.components.shared.expressions import (
    canonical,
    canonical_text,
    fingerprint,
    parse,
    prefix_words,
    skeleton_hash,
)
from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import EXAMPLES, write_table


@dataclass(frozen=True)
class Server:
    """A running server: a client for it, its gRPC address, and the file that its log goes to."""

    client: httpx.Client
    grpc_address: str
    log_path: Path

    @property
    def log(self) -> str:
        return self.log_path.read_text()


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a few thousand weights, trained for a second to tell two families of functions apart."""
    return _train(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def sequence_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with an architecture of the transformers library."""
    return _train(tmp_path_factory.mktemp("sequence-model"), positions="sequence")


def _train(folder: Path, **options: Any) -> Path:
    rows = [
        _example(number, label, text.format(number + 2))
        for number in range(24)
        for label, text in enumerate(("exp(x**{})", "x**{}*log(x)"))
    ]
    write_table(folder / "dataset", rows, EXAMPLES)
    write_manifest(folder / "dataset", "dataset", config={"target": "elementary"})
    config = FinetuneConfig(epochs=2, hidden_size=16, num_layers=1, num_heads=2, **options)
    finetune(folder / "dataset", folder / "model", config)
    return folder / "model"


def _example(number: int, label: int, integrand: str) -> dict[str, Any]:
    expression = parse(integrand)
    words = prefix_words(canonical(expression))
    return {
        "id": f"{label}-{number}",
        "generator": "test",
        "integrand": integrand,
        "canonical": canonical_text(expression),
        "fingerprint": fingerprint(expression),
        "skeleton": skeleton_hash(expression),
        "prefix": " ".join(words),
        "num_nodes": len(words),
        "target": "elementary",
        "label": label,
        "outcome": ("nonelementary", "elementary")[label],
        "reason": "by construction",
        "seconds": 0.0,
        "split": ("train", "train", "validation", "test")[number % 4],
    }


@pytest.fixture(scope="session")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log_path = tmp_path_factory.mktemp("serve") / "log"
    grpc_port = _free_port()
    config = ServeConfig(port=0, grpc_port=grpc_port, batch_size=16, engines="sympy", solve_seconds=1.0)
    with (
        running_server(model, config, log_path=log_path) as url,
        httpx.Client(base_url=url, timeout=30, trust_env=False) as client,
    ):
        yield Server(client, f"127.0.0.1:{grpc_port}", log_path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
