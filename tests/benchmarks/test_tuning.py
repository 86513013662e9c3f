"""Random, grid, TPE, ASHA and population-based training from the same budget of epochs and the same seeds.

Each searches learning rate, batches and schedule of a narrow `small` on a sample of dataset version 1, trial after
trial in this machine's slots, by the same driver. The grid is whole: its trials are all its points. ASHA is given three
times as many trials, of which it stops most. A method's curve is the best validation loss among its trials that have
ended, against what all its trials have spent until then: CPU-seconds of their processes, and epochs. Loading torch,
which a study does once, is in neither. TUNING_ROWS and TUNING_SEEDS set the sizes; results go to TUNING_OUT. Given the
same TUNING_WORK again, what was interrupted goes on.
"""

from __future__ import annotations

import json
import math
import os
import random
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Final
from xml.etree import ElementTree

import pytest

from intclass.components.finetune import FinetuneConfig
from intclass.components.shared.charts import Plot, round_axis
from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import EXAMPLES, read_table, write_table
from intclass.components.tune import TuneConfig
from intclass.components.tune.driver import Driver
from intclass.components.tune.local import outcome_of
from intclass.components.tune.process import TRAINING, ProcessExecutor, load_once
from intclass.components.tune.reading import parse_space
from intclass.components.tune.slots import make_slots
from intclass.components.tune.study import Study

ROOT: Final = Path(__file__).parents[2]
ROWS: Final = int(os.environ.get("TUNING_ROWS", "2500"))
SEEDS: Final = int(os.environ.get("TUNING_SEEDS", "2"))
OUT: Final = Path(os.environ.get("TUNING_OUT", str(ROOT / "docs")))
GUESSING: Final = math.log(2)  # the loss of who answers one half
SPACE: Final = """
learning_rate: {min: 1.0e-4, max: 1.0e-2, log: true}
batch_tokens: [512, 2048]
schedule: [linear, one-cycle]
"""
TRIALS: Final = 12  # three learning rates, two sizes of batches, two schedules
EPOCHS: Final = 9
MORE: Final = 3  # trials of ASHA for each of the others'
BASE: Final = FinetuneConfig(epochs=EPOCHS, patience=EPOCHS, device="cpu", hidden_size=64, num_layers=2, num_heads=2)
METHODS: Final = {
    "random": TuneConfig(sampler="random", pruner="none", trials=TRIALS),
    "grid": TuneConfig(sampler="grid", pruner="none", trials=TRIALS, grid_points=3),
    "tpe": TuneConfig(sampler="multivariate-tpe", pruner="none", trials=TRIALS, startup_trials=TRIALS // 3),
    "asha": TuneConfig(sampler="random", pruner="asha", trials=MORE * TRIALS),
    "pbt": TuneConfig(sampler="pbt", pruner="none", population=TRIALS, interval=EPOCHS // 3),
}
COLOURS: Final = {
    "random": ("#666", "#bbb"),
    "grid": ("#8a6d00", "#e0bf4a"),
    "tpe": ("#1f6fb2", "#6db3ee"),
    "asha": ("#c4571b", "#ef8a55"),
    "pbt": ("#2a8a5a", "#63c795"),
}  # on white, and on black


@dataclass(frozen=True)
class Step:
    """A trial's end: what all trials have spent until then, and the best loss so far."""

    cpu_seconds: float
    epochs: int
    best: float


@dataclass(frozen=True)
class Search:
    """A method with one seed."""

    method: str
    seed: int
    steps: list[Step]

    @property
    def end(self) -> Step:
        return self.steps[-1]

    def reaching(self, loss: float) -> Step | None:
        """The first step at which it was as good as that, or None if it never was."""
        return next((step for step in self.steps if step.best <= loss), None)


def sample(folder: Path) -> Path:
    """So many rows of the train and validation splits, drawn evenly: the dataset's own order goes by family."""
    table = read_table(ROOT / "datasets" / "v1", EXAMPLES)
    rows = [row for row in table.to_pylist() if row["split"] in ("train", "validation")]
    write_table(folder, random.Random(0).sample(rows, ROWS), EXAMPLES)
    write_manifest(folder, "dataset", config={"rows": ROWS})
    return folder


def search(dataset: Path, folder: Path, method: str, seed: int) -> Search:
    config = replace(METHODS[method], seed=seed)
    space = parse_space(SPACE, source="benchmark")
    study = Study(folder, space, replace(BASE, seed=seed), config, dataset=str(dataset))
    Driver(study, ProcessExecutor(make_slots(config))).run()
    ended = sorted(outcome_of(study, with_importances=False).trials, key=lambda trial: trial.started + trial.seconds)
    steps, spent, epochs, best = [], 0.0, 0, float("inf")
    for trial in ended:
        spent += trial.metrics["cpu_seconds"]
        epochs += len(trial.curve)
        best = min([best, *(trial.values or [])])
        steps.append(Step(spent, epochs, best))
    return Search(method, seed, [step for step in steps if step.best < float("inf")])


def chart(searches: list[Search]) -> str:
    """Each method's best loss against CPU-seconds; one line for each seed."""
    losses = sorted(step.best for each in searches for step in each.steps)
    plot = Plot(
        title="Best validation loss against CPU-seconds",
        description="; ".join(f"{each.method}, seed {each.seed}: {each.end.best:.4f}" for each in searches),
        x=round_axis(0.0, max(each.end.cpu_seconds for each in searches), label="CPU-seconds of all trials"),
        y=round_axis(losses[0], losses[int(0.9 * (len(losses) - 1))]),
    )
    for each in searches:
        stairs = [(each.steps[0].cpu_seconds, each.steps[0].best)]
        for step in each.steps[1:]:
            stairs += [(step.cpu_seconds, stairs[-1][1]), (step.cpu_seconds, step.best)]
        plot.line(stairs, each.method)
    for place, name in enumerate(METHODS):
        plot.text((plot.x.high, plot.y.high), name, name, anchor="end", shift=(0, 16 * (place + 1)))
    root = ElementTree.fromstring(plot.markup())
    root.set("xmlns", "http://www.w3.org/2000/svg")
    style = ElementTree.Element("style")
    style.text = f"{rules(0)} @media (prefers-color-scheme: dark) {{ {rules(1)} }}"
    root.insert(0, style)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def rules(theme: int) -> str:
    """The style sheet, for a light (0) or a dark (1) page."""
    text, faint, grid = (("#333", "#666", "#ddd"), ("#ddd", "#aaa", "#444"))[theme]
    lines = (
        f".{name} {{ stroke: {pair[theme]} }} text.{name} {{ fill: {pair[theme]} }}" for name, pair in COLOURS.items()
    )
    return (
        f"text {{ font: 13px system-ui, sans-serif; fill: {text} }} .tick {{ fill: {faint}; font-size: 12px }} "
        f".grid {{ stroke: {grid} }} {lines} polyline {{ fill: none; stroke-width: 1.5 }} text {{ stroke: none }}"
    )


def share_of_grid(searches: list[Search], seed: int) -> tuple[float, float]:
    """What ASHA spends until it has grid's best loss, of all that grid has spent: CPU-seconds, epochs."""
    by_method = {each.method: each for each in searches if each.seed == seed}
    grid = by_method["grid"].end
    reached = by_method["asha"].reaching(grid.best)
    if reached is None:
        return float("inf"), float("inf")
    return reached.cpu_seconds / grid.cpu_seconds, reached.epochs / grid.epochs


@pytest.mark.benchmark
@pytest.mark.timeout(24 * 3600)
def test_best_loss_against_cpu_seconds(tmp_path: Path, machine: str) -> None:
    work = Path(os.environ.get("TUNING_WORK", str(tmp_path)))
    dataset = sample(work / "examples")
    load_once(TRAINING)
    searches = [search(dataset, work / f"{method}-{seed}", method, seed) for seed in range(SEEDS) for method in METHODS]
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "tuning.json").write_text(json.dumps([asdict(each) for each in searches], indent=1) + "\n")
    (OUT / "tuning.svg").write_text(chart(searches))
    print(f"\n{ROWS} rows, {TRIALS} trials of {EPOCHS} epochs, {SEEDS} seeds ({machine})")
    for method in METHODS:
        ends = [each.end for each in searches if each.method == method]
        losses = ", ".join(f"{end.best:.4f}" for end in ends)
        cpu_seconds, epochs = (mean(getattr(end, name) for end in ends) for name in ("cpu_seconds", "epochs"))
        print(f"{method}: best loss {losses} after {cpu_seconds:.0f} CPU-seconds, {epochs:.0f} epochs")
    shares = [share_of_grid(searches, seed) for seed in range(SEEDS)]
    for seed, (cpu, epochs) in enumerate(shares):
        print(f"seed {seed}: ASHA has grid's best after {cpu:.2f} of grid's CPU-seconds, {epochs:.2f} of its epochs")
    assert all(each.end.best < GUESSING for each in searches)
