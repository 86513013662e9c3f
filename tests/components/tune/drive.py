"""A driver in a process of its own, whose trials are `training.py`.

    python -c 'from tests.components.tune.drive import main; main()' FOLDER TRIALS PRUNER

Not as a program of its own, which each trial's process would import.
"""

from __future__ import annotations

import sys
from pathlib import Path

from intclass.components.finetune import FinetuneConfig
from intclass.components.tune.config import ClusterConfig, TuneConfig
from intclass.components.tune.driver import Driver
from intclass.components.tune.process import ProcessExecutor
from intclass.components.tune.reading import parse_space
from intclass.components.tune.study import Study

SPACE = parse_space("dropout: {min: 0.0, max: 0.9}\n", source="test")


class QuickDriver(Driver):
    """Trains nothing."""

    def _arguments(self, number: int) -> list[str]:
        config, out = self._config(number), self.study.folder_of(number) / "model"
        pause = [str(config.pause_after)] if config.pause_after else []
        program = str(Path(__file__).with_name("training.py"))
        return [program, str(out), str(config.dropout), str(config.epochs), *pause]


def make_study(folder: Path, *, trials: int = 10, pruner: str = "none", epochs: int = 6) -> Study:
    config = TuneConfig(sampler="random", pruner=pruner, trials=trials, max_restarts=100)  # type: ignore[arg-type]
    return Study(folder, SPACE, FinetuneConfig(epochs=epochs), config, dataset="examples")


def main() -> None:
    study = make_study(Path(sys.argv[1]), trials=int(sys.argv[2]), pruner=sys.argv[3])
    QuickDriver(study, ProcessExecutor([{}, {}])).run()


def main_with_jobs() -> None:
    """The same with Jobs of `run-1`."""
    from intclass.components.tune.jobs import open_executor

    folder = Path(sys.argv[1])
    study = make_study(folder, trials=int(sys.argv[2]), pruner=sys.argv[3])
    rules = TuneConfig(parallel=2, max_restarts=2)
    with open_executor("examples", str(folder), rules, ClusterConfig(), run="run-1") as executor:
        QuickDriver(study, executor).run()
