"""A dataset with a rule that can be learnt in seconds, and a model trained on it, for all tests of the stage."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from intclass.components.finetune import FinetuneConfig, finetune
from intclass.components.shared.expressions import canonical, canonical_text, parse, prefix_words, skeleton_hash
from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import EXAMPLES, write_table

NOISE = 0.08  # of the labels are wrong, so that certainty would be a mistake

TINY = FinetuneConfig(epochs=4, batch_tokens=512, learning_rate=3e-3, hidden_size=32, num_layers=2, num_heads=2)


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """The models are so small, and the machine perhaps so busy, that a second thread would only get in the way."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def example_rows(count: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Rows of records.EXAMPLES: sums and products of two functions; those with an exponential are labelled 1."""
    rng = random.Random(seed)
    names = ("exp", "exp", "sin", "cos", "log", "atan", "sqrt")
    rows = []
    for index in range(count):
        first, second = rng.choice(names), rng.choice(names[2:])
        text = (
            f"{first}({rng.randint(2, 99)}*x + {rng.randint(1, 9)}){rng.choice('+*/')}{second}({rng.randint(2, 9)}*x)"
        )
        expr = canonical(parse(text))
        words = prefix_words(expr)
        label = int((first == "exp") != (rng.random() < NOISE))
        rows.append(
            {
                "id": str(index),
                "generator": "file",
                "integrand": text,
                "canonical": canonical_text(expr),
                "fingerprint": f"{index:016x}",
                "skeleton": skeleton_hash(expr),
                "prefix": " ".join(words),
                "num_nodes": len(words),
                "target": "elementary",
                "label": label,
                "outcome": ("nonelementary", "elementary")[label],
                "reason": "",
                "seconds": 0.0,
                "split": ("test", "validation", *["train"] * 4)[index % 6],
            }
        )
    return rows


def write_dataset(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """A dataset folder as the stage `dataset` writes it."""
    write_table(folder, rows, EXAMPLES)
    write_manifest(folder, "dataset", config={})
    return folder


@pytest.fixture(scope="package")
def tiny() -> FinetuneConfig:
    """Options with which the rule is learnt in seconds."""
    return TINY


@pytest.fixture(scope="package")
def rows() -> list[dict[str, Any]]:
    return example_rows(540)


@pytest.fixture(scope="package")
def dataset(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> Path:
    return write_dataset(tmp_path_factory.mktemp("dataset"), rows)


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[[list[dict[str, Any]]], Path]:
    """Writes other rows as a dataset folder."""
    return lambda rows: write_dataset(tmp_path / "dataset", rows)


@pytest.fixture(scope="package")
def model(tmp_path_factory: pytest.TempPathFactory, dataset: Path) -> Path:
    """The folder of a tiny model that has learnt the rule."""
    folder = tmp_path_factory.mktemp("model") / "out"
    finetune(dataset, folder, TINY)
    return folder


@pytest.fixture(scope="package")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a masked language model with random weights: BERT's architecture, 32 positions, a WordPiece
    vocabulary that splits words as tbs17/MathBERT's does, and, like it, no word about the longest input."""
    from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

    symbols = "x0123456789()+-*/"
    pieces = ["ex", "##p", "co", "##s", "sin", "log", "at", "##an", "sq", "##rt", *(f"##{each}" for each in symbols)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *symbols, *pieces]
    folder = tmp_path_factory.mktemp("bert")
    BertTokenizerFast(vocab={word: number for number, word in enumerate(words)}).save_pretrained(folder)
    shape = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    BertForMaskedLM(shape).save_pretrained(folder)
    return folder


@dataclass
class Rank:
    """A process that trains; `output` is what it printed."""

    pid: int
    log: Path
    server: RankServer

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait(self, seconds: float = 120.0) -> int:
        """Its exit code, negative for a signal."""
        code = self.server.ask({"wait": self.pid, "seconds": seconds})
        assert code is not None, f"still running after {seconds} s: {self.output}"
        return code

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)


class RankServer:
    """Starts `intclass finetune` in processes forked from one that has torch loaded already."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process, self._folder, self._started = process, folder, 0

    def start(self, *arguments: object, environment: dict[str, str] | None = None) -> Rank:
        """One process; `environment` adds to the test's own STORAGE_EMULATOR_HOST."""
        self._started += 1
        log = self._folder / f"{self._started}.log"
        log.touch()  # the process may be slow to begin
        inherited = {name: os.environ[name] for name in ("STORAGE_EMULATOR_HOST",) if name in os.environ}
        request = {
            "arguments": [str(each) for each in arguments],
            "environment": {"OMP_NUM_THREADS": "1", **inherited, **(environment or {})},
            "output": str(log),
        }
        pid = self.ask(request)
        assert pid is not None
        return Rank(pid, log, self)

    def start_all(self, size: int, *arguments: object, seeds_differ: bool = False) -> list[Rank]:
        """Ranks 0 to `size` - 1 of one training, as a PyTorchJob's pods are started."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        place = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        return [
            self.start(
                *arguments,
                *([f"--seed={rank}"] if seeds_differ else []),
                environment={**place, "RANK": str(rank)} if size > 1 else {},
            )
            for rank in range(size)
        ]

    def run(self, size: int, *arguments: object) -> str:
        """Train with so many ranks to the end; returns what rank 0 printed."""
        ranks = self.start_all(size, *arguments)
        codes = [rank.wait() for rank in ranks]
        assert codes == [0] * size, "\n".join(rank.output for rank in ranks)
        return ranks[0].output

    def ask(self, request: dict[str, Any]) -> int | None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: int | None = json.loads(self._process.stdout.readline())
        return answer


@pytest.fixture(scope="package")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RankServer]:
    """Starts processes that train."""
    command = [sys.executable, str(Path(__file__).with_name("rank_server.py"))]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:  # closes its input, which ends it
        yield RankServer(process, tmp_path_factory.mktemp("ranks"))
