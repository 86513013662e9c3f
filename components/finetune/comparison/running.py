"""Trains in every configuration, one after the other, each by the program that anyone would start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Final

from intclass.components.finetune.comparison.configurations import Configuration
from intclass.components.finetune.log import MEASURED_FOLDER, MEASURED_NAME
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.manifest import read_manifest
from intclass.components.shared.progress import Progress

_PROGRAM: Final = ("-m", "intclass.components.finetune")
_TORCHRUN: Final = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training: a row for each epoch, and what the manifest says of the best one."""

    epochs: Sequence[Mapping[str, float]]
    stats: Mapping[str, float]

    @property
    def last(self) -> Mapping[str, float]:
        """The last epoch's row."""
        return self.epochs[-1]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a configuration came to, in one or more runs."""

    configuration: Configuration
    runs: Sequence[Run]

    def mean(self, name: str) -> float:
        """The runs' mean of a number of the last epoch, or of the manifest."""
        return mean(self._values(name))

    def spread(self, name: str) -> float:
        """Its standard deviation over the runs, nan for a single one."""
        values = self._values(name)
        return stdev(values) if len(values) > 1 else float("nan")

    def _values(self, name: str) -> list[float]:
        return [float(run.last[name] if name in run.last else run.stats[name]) for run in self.runs]


def train_all(
    dataset: str, out: Path, configurations: Sequence[Configuration], *, options: Sequence[str]
) -> list[Outcome]:
    """Train in each configuration with the common `options`, run r with seed r; raises ConfigError if one fails."""
    total = sum(each.runs for each in configurations)
    outcomes = []
    with Progress("compare-strategies", total=total, unit="trainings") as progress:
        for configuration in configurations:
            runs = []
            for seed in range(configuration.runs):
                runs.append(_train(dataset, out, configuration, options=(*options, f"--seed={seed}"), seed=seed))
                progress.update()
            outcomes.append(Outcome(configuration=configuration, runs=runs))
    return outcomes


def _train(dataset: str, out: Path, configuration: Configuration, *, options: Sequence[str], seed: int) -> Run:
    folder = out / "models" / "-".join([*configuration.name.replace(",", "").split(), str(seed)])
    launcher = (*_TORCHRUN, str(configuration.ranks)) if configuration.ranks > 1 else ()
    command = [sys.executable, *launcher, *_PROGRAM, dataset, f"--out={folder}", *options, *configuration.options]
    # One core for each process: without this, one process would train with the cores of all.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")] or [done.stderr[-400:]]
        raise ConfigError(f"{configuration.name} failed: {lines[0].removeprefix('error: ')}")
    rows = (folder / MEASURED_FOLDER / MEASURED_NAME).read_text().splitlines()
    return Run(epochs=[json.loads(row) for row in rows], stats=read_manifest(folder).stats)
