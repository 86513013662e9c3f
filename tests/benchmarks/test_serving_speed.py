"""`intclass serve` against `transformers.pipeline` behind the same HTTP server, with the same model, in one run.

`intclass serve` has a worker for each core. The first author's inference is one process; it is measured with as many
workers too, and `intclass serve` with one, so that nobody need guess what comes from where.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import platform
import string
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from intclass.components.finetune.calibration import Calibration
from intclass.components.finetune.config import FinetuneConfig
from intclass.components.finetune.model import LABELS, Encoder, load_encoder, make_encoder
from intclass.components.generate import GenerateConfig, generate
from intclass.components.serve.client import READY_SECONDS, start_server, wait_until_ready
from intclass.components.serve.command import MODULE
from intclass.components.serve.load import Ask, Load, load
from intclass.components.shared.cores import available_cores
from intclass.components.shared.last_run import SHIPPED_MODEL
from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import FUNCTIONS, read_table

WORKERS: Final = available_cores()
PREDICT: Final = "/v1/models/intclass:predict"
ROUNDS: Final = 3
REQUIRED_RATIO: Final = 5.0
SLACK_ALONE: Final = 1.05  # of the rival's p50 with one client: what two equal servers differ by


@dataclass
class Measured:
    """All rounds of one server: seconds and latencies at each concurrency."""

    loads: dict[int, list[Load]]

    def rate(self, concurrency: int) -> float:
        loads = self.loads[concurrency]
        return sum(len(each.replies) for each in loads) / sum(each.seconds for each in loads)

    def latency(self, concurrency: int, percentile: float) -> float:
        loads = self.loads[concurrency]
        replies = list(itertools.chain.from_iterable(each.replies for each in loads))
        return 1000 * Load(replies, 1.0).latency(percentile)


def _small() -> Encoder:
    return make_encoder(FinetuneConfig(), target="elementary")


def _shipped() -> Encoder:
    return load_encoder(SHIPPED_MODEL, name="the shipped model")


def _minilm() -> Encoder:
    return _bert(hidden_size=384, layers=6)


def _mathbert() -> Encoder:
    """The first author's model, but for its weights."""
    return _bert(hidden_size=768, layers=12)


def _bert(*, hidden_size: int, layers: int) -> Encoder:
    """BERT's architecture with random weights, over a vocabulary of characters."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    symbols = [*string.ascii_lowercase, *string.digits, *"()+-*/^., "]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *symbols, *(f"##{each}" for each in symbols)]
    words += ["exp", "sin", "cos", "tan", "log", "sqrt", "asin", "acos", "atan"]
    tokenizer = BertTokenizerFast(vocab={word: number for number, word in enumerate(words)}, model_max_length=512)
    names = LABELS["elementary"]
    shape = BertConfig(
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=12,
        intermediate_size=4 * hidden_size,
        id2label=dict(enumerate(names)),
        label2id={name: number for number, name in enumerate(names)},
    )
    return Encoder(BertForSequenceClassification(shape), tokenizer, "elementary", "infix")


def _write(encoder: Encoder, folder: Path) -> Path:
    folder.mkdir()
    encoder.save(folder)
    Calibration(temperature=1.0, examples=1, nll_before=0.0, nll_after=0.0, ece_before=0.0, ece_after=0.0).save(folder)
    write_manifest(folder, "finetune", config={"encoding": encoder.encoding, "target": "elementary"})
    return folder


@contextlib.contextmanager
def _server(command: list[str], log: Path, *, workers: int) -> Iterator[str]:
    """The URL of a server all of whose workers are ready."""
    with start_server([sys.executable, *command], log) as (process, url):
        wait_until_ready(process, url, log)
        end = time.monotonic() + READY_SECONDS
        while log.read_text().count("Application startup complete") < workers:
            assert time.monotonic() < end, f"{url}: not all workers are ready"
            time.sleep(0.1)
        yield url


def _commands(model: str) -> dict[str, tuple[list[str], int]]:
    """By name: the command, and how many workers it starts."""
    rival = str(Path(__file__).with_name("pipeline_server.py"))
    counts = dict.fromkeys((WORKERS, 1))
    return {
        **{
            f"intclass serve, {n}": (["-m", MODULE, f"--model={model}", "--port=0", f"--workers={n}"], n)
            for n in counts
        },
        **{f"pipeline, {n}": ([rival, model, str(n)], n) for n in counts},
    }


def _asks(folder: Path, count: int) -> list[Ask]:
    """One function each, none twice, so that no cache can help."""
    generate(folder, GenerateConfig(count=count, workers=1))
    texts = read_table(folder, FUNCTIONS)["integrand"].to_pylist()
    return [Ask(PREDICT, json.dumps({"instances": [text]}).encode()) for text in texts]


def _measure(urls: dict[str, str], asks: list[Ask], counts: dict[int, int]) -> dict[str, Measured]:
    """In turns, so that all servers meet the machine in all its moods; all get the same requests."""
    measured = {name: Measured({concurrency: [] for concurrency in counts}) for name in urls}
    rest = iter(asks)
    for _ in range(ROUNDS):
        for concurrency, count in counts.items():
            chosen = list(itertools.islice(rest, count))
            for name, url in urls.items():
                done = load(url, chosen, concurrency=concurrency)
                assert set(done.statuses) == {200}
                measured[name].loads[concurrency].append(done)
    return measured


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("make", "counts"),
    [
        (_small, {1: 100, 32: 960}),
        (_shipped, {1: 100, 32: 960}),
        (_minilm, {1: 40, 32: 320}),
        (_mathbert, {1: 10, 32: 96}),
    ],
)
def test_five_times_the_throughput_of_transformers_pipeline(
    make: Callable[[], Encoder], counts: dict[int, int], tmp_path: Path
) -> None:
    model = str(_write(make(), tmp_path / "model"))
    asks = _asks(tmp_path / "functions", ROUNDS * sum(counts.values()))
    with contextlib.ExitStack() as running:
        urls = {
            name: running.enter_context(_server(command, tmp_path / f"{name}.log", workers=workers))
            for name, (command, workers) in _commands(model).items()
        }
        measured = _measure(urls, asks, counts)
    print(f"\n{make.__name__}, {os.cpu_count()} cores of {platform.machine()}, {ROUNDS} rounds")
    for name, each in measured.items():
        for at in counts:
            p50, p99 = (each.latency(at, percentile) for percentile in (50, 99))
            print(f"  {name:17} {at:2} clients {each.rate(at):7.1f} requests/s, p50 {p50:6.1f}, p99 {p99:6.1f} ms")
    ours, rival = measured[f"intclass serve, {WORKERS}"], measured["pipeline, 1"]
    for name, each in measured.items():
        print(f"  {name:17} at 32: {each.rate(32) / rival.rate(32):.1f} times the one pipeline")
    assert ours.latency(1, 50) <= SLACK_ALONE * rival.latency(1, 50)
    assert ours.rate(32) >= REQUIRED_RATIO * rival.rate(32)
