"""Random, grid, TPE, ASHA and population-based training from the same budget of epochs and the same seeds.

Each searches `small`'s space on a sample of dataset version 1, trial after trial in this machine's slots, by the same
driver. A method's curve is the best validation loss among its trials that have ended, against the CPU-seconds that all
its trials have spent until then, starting Python included. ASHA is given three times as many trials, of which it stops
most. The sizes are set by TUNING_ROWS, TUNING_TRIALS, TUNING_EPOCHS and TUNING_SEEDS; results go to TUNING_OUT.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Final
from xml.etree import ElementTree

import pytest

from intclass.components.finetune import FinetuneConfig
from intclass.components.shared.charts import Plot, Point, round_axis
from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import EXAMPLES, read_table, write_table
from intclass.components.tune import TuneConfig, read_space
from intclass.components.tune.driver import Driver
from intclass.components.tune.local import outcome_of
from intclass.components.tune.slots import make_slots
from intclass.components.tune.study import Study

ROOT: Final = Path(__file__).parents[2]
ROWS: Final = int(os.environ.get("TUNING_ROWS", "12000"))
TRIALS: Final = int(os.environ.get("TUNING_TRIALS", "16"))
EPOCHS: Final = int(os.environ.get("TUNING_EPOCHS", "9"))
SEEDS: Final = int(os.environ.get("TUNING_SEEDS", "3"))
OUT: Final = Path(os.environ.get("TUNING_OUT", str(ROOT / "docs")))
BASE: Final = FinetuneConfig(epochs=EPOCHS, patience=EPOCHS, device="cpu")
MORE: Final = 3  # trials of ASHA for each of the others'
FULL: Final = 12_000  # rows from which on the comparison means something
METHODS: Final = {
    "random": TuneConfig(sampler="random", pruner="none", trials=TRIALS),
    "grid": TuneConfig(sampler="grid", pruner="none", trials=TRIALS, grid_points=2),
    "tpe": TuneConfig(sampler="multivariate-tpe", pruner="none", trials=TRIALS, startup_trials=max(1, TRIALS // 4)),
    "asha": TuneConfig(sampler="random", pruner="asha", trials=MORE * TRIALS),
    "pbt": TuneConfig(sampler="pbt", pruner="none", population=max(4, TRIALS), interval=max(1, EPOCHS // 3)),
}
COLOURS: Final = {"random": "#777", "grid": "#b58900", "tpe": "#1f6fb2", "asha": "#c4571a", "pbt": "#2a8a5a"}
STYLE: Final = "text { font: 13px system-ui, sans-serif; fill: #333 } .tick { fill: #666; font-size: 12px } " + (
    ".grid { stroke: #ddd } polyline { fill: none; stroke-width: 2 } "
    + " ".join(f".{name} {{ stroke: {colour}; fill: {colour} }}" for name, colour in COLOURS.items())
)


@dataclass(frozen=True)
class Search:
    """A method with one seed: after each of its ends, CPU-seconds so far and the best loss so far."""

    method: str
    seed: int
    steps: list[Point]

    @property
    def best(self) -> float:
        return self.steps[-1][1]

    def cpu_seconds_to(self, loss: float) -> float:
        """CPU-seconds until it was as good as that; infinite if it never was."""
        return next((spent for spent, best in self.steps if best <= loss), float("inf"))


def sample(folder: Path) -> Path:
    """So many rows of the train and validation splits, as they come: the dataset's order is random."""
    table = read_table(ROOT / "datasets" / "v1", EXAMPLES)
    rows = [row for row in table.to_pylist() if row["split"] in ("train", "validation")][:ROWS]
    write_table(folder, rows, EXAMPLES)
    write_manifest(folder, "dataset", config={"rows": len(rows)})
    return folder


def search(dataset: Path, folder: Path, method: str, seed: int) -> Search:
    config = replace(METHODS[method], seed=seed)
    study = Study(folder, read_space("small"), replace(BASE, seed=seed), config, dataset=str(dataset))
    Driver(study, make_slots(config)).run()
    ended = sorted(outcome_of(study, with_importances=False).trials, key=lambda trial: trial.started + trial.seconds)
    steps, spent, best = [], 0.0, float("inf")
    for trial in ended:
        spent += trial.metrics.get("cpu_seconds", 0.0)
        best = min(best, trial.values[0] if trial.values else best)
        steps.append((spent, best))
    return Search(method, seed, [step for step in steps if step[1] < float("inf")])


def chart(searches: list[Search]) -> str:
    """Each method's best loss against CPU-seconds; one line for each seed."""
    points = [point for each in searches for point in each.steps]
    ordered = sorted(loss for _, loss in points)
    plot = Plot(
        title="Best validation loss against CPU-seconds",
        description="; ".join(f"{each.method}, seed {each.seed}: {each.best:.4f}" for each in searches),
        x=round_axis(0.0, max(spent for spent, _ in points), label="CPU-seconds of all trials"),
        y=round_axis(ordered[0], ordered[int(0.9 * (len(ordered) - 1))]),
    )
    for each in searches:
        stairs = [each.steps[0]]
        for spent, loss in each.steps[1:]:
            stairs += [(spent, stairs[-1][1]), (spent, loss)]
        plot.line(stairs, each.method)
    for place, name in enumerate(METHODS):
        plot.text((plot.x.high, plot.y.high), name, name, anchor="end", shift=(0, 16 * (place + 1)))
    root = ElementTree.fromstring(plot.markup())
    root.set("xmlns", "http://www.w3.org/2000/svg")
    style = ElementTree.Element("style")
    style.text = STYLE
    root.insert(0, style)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


@pytest.mark.benchmark
@pytest.mark.timeout(24 * 3600)
def test_best_loss_against_cpu_seconds(tmp_path: Path, machine: str) -> None:
    dataset = sample(tmp_path / "examples")
    searches = [
        search(dataset, tmp_path / f"{method}-{seed}", method, seed) for seed in range(SEEDS) for method in METHODS
    ]
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "tuning.svg").write_text(chart(searches))
    (OUT / "tuning.json").write_text(json.dumps([asdict(each) for each in searches], indent=1) + "\n")
    print(f"\n{ROWS} rows, {TRIALS} trials of {EPOCHS} epochs, {SEEDS} seeds ({machine})")
    for method in METHODS:
        own = [each for each in searches if each.method == method]
        best, spent = mean(each.best for each in own), mean(each.steps[-1][0] for each in own)
        print(f"{method}: best loss {best:.4f} after {spent:.0f} CPU-seconds")
    shares = [ratio(searches, seed) for seed in range(SEEDS)]
    print(f"ASHA reaches grid's best with {', '.join(f'{share:.2f}' for share in shares)} of grid's CPU-seconds")
    assert all(each.best < float("inf") for each in searches)
    if ROWS >= FULL:
        assert sorted(shares)[SEEDS // 2] <= 1 / 3


def ratio(searches: list[Search], seed: int) -> float:
    """CPU-seconds that ASHA needs for grid's best loss, as a share of all of grid's."""
    by_method = {each.method: each for each in searches if each.seed == seed}
    grid = by_method["grid"]
    return by_method["asha"].cpu_seconds_to(grid.best) / grid.steps[-1][0]
