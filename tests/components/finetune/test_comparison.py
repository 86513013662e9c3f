from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from intclass.components.finetune.comparison.configurations import Configuration, chosen, configurations
from intclass.components.finetune.comparison.report import render_comparison, to_json
from intclass.components.finetune.comparison.running import Outcome, Run, train_all
from intclass.components.shared.errors import ConfigError

ALL = configurations(2, batch_tokens=256, average_every=5, runs=5)
OPTIONS = ("--epochs=2", "--hidden-size=16", "--num-layers=1", "--num-heads=2", "--batch-tokens=256", "--device=cpu")


def run(*losses: float, seconds: float, sent: int = 0) -> Run:
    rows = [
        {
            "epoch": epoch,
            "validation_loss": loss,
            "validation_accuracy": 1 - loss,
            "seconds": seconds * epoch,
            "samples": 360 * epoch,
            "bytes_sent": sent * epoch,
        }
        for epoch, loss in enumerate(losses, start=1)
    ]
    return Run(epochs=rows, stats={"samples_per_second": 360 / seconds})


def outcomes() -> list[Outcome]:
    return [
        Outcome(configuration=ALL[0], runs=[run(0.6, 0.4, seconds=2.0)]),
        Outcome(configuration=ALL[1], runs=[run(0.6, 0.4, seconds=1.0, sent=10**6)]),
        Outcome(configuration=ALL[-1], runs=[run(0.5, 0.3, seconds=1.6), run(0.5, 0.2, seconds=1.6)]),
    ]


def test_the_first_is_always_there_and_the_others_are_chosen_by_name() -> None:
    assert chosen(ALL, []) == ALL
    assert [each.name for each in chosen(ALL, ["hogwild", "ddp"])] == ["one process", "ddp", "hogwild"]
    with pytest.raises(ConfigError, match=r"only is 'dpp'; choose from one process, ddp, "):
        chosen(ALL, ["dpp"])


def test_a_mean_and_a_spread_where_there_are_several_runs() -> None:
    first, _, hogwild = outcomes()
    assert (first.mean("validation_loss"), hogwild.mean("validation_loss")) == pytest.approx((0.4, 0.25))
    assert math.isnan(first.spread("validation_loss"))
    assert hogwild.spread("validation_loss") == pytest.approx(0.1 / math.sqrt(2))


def test_the_page_shows_curves_times_and_accuracy() -> None:
    page = render_comparison(outcomes(), dataset="runs/examples", machine="here, 2 cores", options=OPTIONS)
    assert page.count("<svg") == 3
    assert page.count("<polyline") == 3 * 3
    assert "ddp trains fastest, 2.00 times as many samples a second as one process" in page
    assert "hogwild ends with the lowest loss, 0.250" in page
    assert "<td>0.250 ± 0.071</td>" in page
    assert "http" not in page
    assert "<script" not in page


def test_the_numbers_are_plain_values() -> None:
    numbers = json.loads(json.dumps(to_json(outcomes())))
    assert [each["name"] for each in numbers] == ["one process", "ddp", "hogwild"]
    assert numbers[1]["runs"][0]["epochs"][-1]["bytes_sent"] == 2 * 10**6


@pytest.mark.slow  # torchrun, whose ranks load torch and transformers each
@pytest.mark.timeout(900)
def test_real_torchrun_processes_are_compared(dataset: Path, tmp_path: Path) -> None:
    pair: list[Any] = [ALL[0], ALL[1]]
    one, ddp = train_all(str(dataset), tmp_path, pair, options=OPTIONS)
    assert ddp.mean("samples") == one.mean("samples") == 720
    assert ddp.mean("bytes_sent") > one.mean("bytes_sent") == 0
    assert ddp.mean("validation_loss") == pytest.approx(one.mean("validation_loss"), abs=0.1)


@pytest.mark.slow
def test_a_training_that_fails_is_named(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^wrong failed: epochs is 0; give at least 1$"):
        train_all(str(dataset), tmp_path, [Configuration("wrong", 1, ("--epochs=0",))], options=())
