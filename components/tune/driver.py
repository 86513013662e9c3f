"""The driver: proposes trials, has each trained, follows them, stops those that do badly, notes how they end.

It may be killed at any time: everything that counts is in the study's folder. A trial whose driver was killed trains
on; whoever comes next follows it. Where trials train is an executor's matter: processes of this machine, of which
several drivers may share the study, or Jobs on a cluster.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from optuna.trial import TrialState

from intclass.components.finetune.command_line import MODULE, finetune_arguments
from intclass.components.finetune.config import FinetuneConfig
from intclass.components.finetune.events import write_events
from intclass.components.finetune.log import FILE_NAME as ROWS
from intclass.components.finetune.log import MEASURED_FOLDER
from intclass.components.shared import storage
from intclass.components.shared.command import EXIT_BAD_INPUT
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.signals import exit_on_signal, sigterm_handled
from intclass.components.tune.bucket import TakenOverError
from intclass.components.tune.executor import Executor, Slot, Worker
from intclass.components.tune.metrics import final_metrics, numbers_in
from intclass.components.tune.space import configuration
from intclass.components.tune.study import Study

_PATIENCE_SECONDS: Final = 60.0  # for checkpoints, after SIGTERM
_LATENCY: Final = "latency_ms"
Told = Callable[[], None]


@dataclass
class _Run:
    """A trial that this driver follows."""

    number: int
    worker: Worker
    slot: Slot
    arguments: list[str]
    began: float = field(default_factory=time.time)
    epochs: dict[int, dict[str, float]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


class Driver:
    """Runs a study's trials in the executor's slots until all trials of the study have ended."""

    def __init__(self, study: Study, executor: Executor) -> None:
        self.study, self._executor = study, executor
        self._free = list(executor.slots)
        self._runs: list[_Run] = []

    def run(self, told: Told = lambda: None) -> None:
        """Go on until the study is over; `told` is called at each step, to show how it stands.

        Raises ConfigError if too many trials fail, ClusterError if the cluster refuses them, TakenOverError if another
        driver goes on with a study that has one at a time. Ends the trials, which keep their checkpoints, on SIGTERM
        (exit code 143) and Ctrl-C, unless the executor leaves them to the next driver.
        """
        try:
            with sigterm_handled(exit_on_signal):
                self._executor.look()
                ended = [trial.number for trial in self.study.trials() if trial.state.is_finished()]
                self._executor.tidy({number: self.study.place_of(number) for number in ended})
                while not self.study.is_over:
                    self._executor.look()
                    self._adopt()
                    self._begin()
                    for run in list(self._runs):
                        self._follow(run)
                    self._refuse_too_many_failures()
                    told()
                    time.sleep(self._executor.step_seconds)
        except TakenOverError:
            self._runs.clear()  # they are the other's
            raise
        finally:
            self._abandon()
        told()

    def _adopt(self) -> None:
        """Take over trials that no driver follows."""
        for trial in self.study.trials(TrialState.RUNNING):
            if self._free and all(run.number != trial.number for run in self._runs):
                self._take(trial.number)

    def _begin(self) -> None:
        """Fill the free slots with new trials."""
        while self._free:
            number = self.study.propose()
            if number is None:
                return
            self._take(number)

    def _take(self, number: int) -> None:
        """Follow the trial, unless another driver does."""
        worker = self._executor.claim(number, self.study.place_of(number))
        if worker is None:
            return
        if self.study.trial(number).state.is_finished():  # between our look and our lock
            worker.close()
            return
        self.study.complete_proposal(number)
        run = _Run(number, worker, self._free.pop(), [], epochs=self.study.epochs(number))
        try:
            run.arguments = self._arguments(number)
        except ConfigError as error:  # options that do not go together
            self._end(run, TrialState.FAIL, error=str(error))
            return
        self._runs.append(run)

    def _arguments(self, number: int) -> list[str]:
        """Of Python, for the trial's training."""
        return ["-m", MODULE, *finetune_arguments(self.study.dataset, self._model(number), self._config(number))]

    def _config(self, number: int) -> FinetuneConfig:
        """What the trial trains; of pbt no member stops by itself."""
        config = configuration(self.study.base, self.study.point(number))
        if self.study.config.sampler != "pbt":
            return config
        return replace(config, patience=config.epochs, pause_after=self._pause(number))

    def _pause(self, number: int) -> int | None:
        """The epoch at which a member's generation ends; None for the last one."""
        rules = self.study.config
        end = (number // rules.population + 1) * rules.interval
        return end if end < self.study.base.epochs else None

    def _start(self, run: _Run) -> None:
        """Start the trial's training, or what comes after it; its slot keeps it to its share of the machine."""
        if self._needs_latency(run.number):
            measure = ["-m", "intclass.components.tune.latency", self._model(run.number), self.study.dataset]
            run.worker.start(measure, run.slot)
            return
        self._fork(run.number)
        run.worker.start(run.arguments, run.slot)

    def _fork(self, number: int) -> None:
        """Copy the parent's checkpoint, if the trial goes on from one and has none of its own yet."""
        parent, checkpoints = self.study.parent(number), self._checkpoints(number)
        if parent is None:
            return
        from intclass.components.finetune.checkpoint import FORKABLE, Checkpoints, fork

        if Checkpoints(checkpoints, identity={}, every=1).last is not None:
            return
        config = self._config(number)
        changes = {name: getattr(config, name) for name in FORKABLE if name in self.study.space.names}
        fork(self._checkpoints(parent), checkpoints, changes)

    def _model(self, number: int) -> str:
        return storage.join(self.study.place_of(number), "model")

    def _checkpoints(self, number: int) -> str:
        return storage.join(self._model(number), "checkpoints")

    def _follow(self, run: _Run) -> None:
        """Take in what the trial has said, and see to it if it has ended or has to."""
        running = run.worker.is_running  # before the log is read, which is whole when the training has ended
        run.worker.cpu_seconds()
        for line in run.worker.new_lines():
            if self._hear(run, line):
                run.worker.kill()
                self._end(run, TrialState.PRUNED)
                return
        if not running:
            self._see_to_end(run)
        elif self._is_late(run):
            run.worker.kill()
            self._end(run, TrialState.FAIL, error=f"not done after {self.study.config.trial_seconds} s")

    def _hear(self, run: _Run, line: str) -> bool:
        """Note the line's metrics; whether the trial is to be stopped."""
        numbers = numbers_in(line)
        if "epoch" not in numbers:
            run.metrics |= numbers
            return False
        epoch = int(numbers.pop("epoch"))
        run.epochs[epoch] = numbers
        stop = self.study.report(run.number, epoch, numbers)
        return stop and epoch < self._config(run.number).epochs  # after the last one there is nothing to save

    def _see_to_end(self, run: _Run) -> None:
        """No process of the trial runs: it is to be started, or has ended, or was killed and goes on."""
        code = run.worker.exit_code
        final = final_metrics(self._model(run.number))
        if final is not None and (not self._needs_latency(run.number) or _LATENCY in run.metrics):
            if self.study.parent(run.number) is None and len(run.epochs) < final["epochs"]:
                self._hear_the_rest(run)
            self._complete(run, {**run.metrics, **final})
        elif final is None and code == 0 and run.epochs:  # it paused, as only pbt asks for
            self._complete(run, {**run.metrics, **run.epochs[max(run.epochs)]})
        elif code == EXIT_BAD_INPUT:
            self._end(run, TrialState.FAIL, error=run.worker.last_words())
        elif run.worker.given_up:
            why = f"{run.worker.given_up}; its log ends: {run.worker.last_words()}"
            self._end(run, TrialState.FAIL, error=why)
        elif code in (0, None) or self._may_restart(run):
            self._start(run)

    def _hear_the_rest(self, run: _Run) -> None:
        """Epochs whose lines went with a pod, from the finished model's own log."""
        rows = [
            json.loads(line) for line in storage.read_text(storage.join(self._model(run.number), ROWS)).splitlines()
        ]
        for row in rows:
            if "epoch" in row and int(row["epoch"]) not in run.epochs:
                self.study.report(run.number, int(row.pop("epoch")), row)

    def _needs_latency(self, number: int) -> bool:
        wanted = any(goal.name == _LATENCY for goal in self.study.goals)
        return wanted and final_metrics(self._model(number)) is not None

    def _may_restart(self, run: _Run) -> bool:
        """Count that the trial's process was killed; the trial has failed if that has happened too often."""
        restarts = 1 + int(self.study.trial(run.number).user_attrs.get("restarts", 0))
        if restarts > self.study.config.max_restarts:
            self._end(run, TrialState.FAIL, error=f"killed {restarts} times; its log ends: {run.worker.last_words()}")
            return False
        self.study.note(run.number, restarts=restarts)
        return True

    def _complete(self, run: _Run, metrics: Mapping[str, float]) -> None:
        missing = [goal.name for goal in self.study.goals if not math.isfinite(metrics.get(goal.name, math.nan))]
        if missing:
            self._end(run, TrialState.FAIL, error=f"it has no {missing[0]}")
            return
        self.study.note(run.number, metrics=dict(metrics))
        self._end(run, TrialState.COMPLETE, values=[metrics[goal.name] for goal in self.study.goals])

    def _end(
        self, run: _Run, state: TrialState, *, values: list[float] | None = None, error: str | None = None
    ) -> None:
        """Note how the trial ended, and let go of it."""
        run.worker.keep_log()
        self._keep_events(run)
        self.study.note(
            run.number, cpu_seconds=self._spent(run), ended=time.time(), **({"error": error} if error else {})
        )
        self.study.tell(run.number, state, values)
        self._tidy(run.number, state)
        run.worker.close()
        self._free.append(run.slot)
        if run in self._runs:
            self._runs.remove(run)

    def _keep_events(self, run: _Run) -> None:
        """TensorBoard's events of a training that wrote none, because it was stopped."""
        folder = storage.join(self._model(run.number), MEASURED_FOLDER)
        if not run.epochs or storage.exists(folder):
            return
        rows = [{"seconds": 0.0, **metrics, "epoch": epoch} for epoch, metrics in sorted(run.epochs.items())]
        with tempfile.TemporaryDirectory() as temporary:
            write_events(Path(temporary), rows, ended=time.time())
            storage.copy_folder(temporary, folder)

    def _spent(self, run: _Run) -> float:
        """CPU seconds of the trial, under earlier drivers too."""
        before: float = self.study.trial(run.number).user_attrs.get("cpu_seconds", 0.0)
        return before + run.worker.cpu_seconds()

    def _tidy(self, number: int, state: TrialState) -> None:
        """Delete what no other trial needs: the checkpoints of those that go no further."""
        if self.study.config.sampler != "pbt" or state != TrialState.COMPLETE:
            storage.delete(self._checkpoints(number))

    def _is_late(self, run: _Run) -> bool:
        limit = self.study.config.trial_seconds
        return bool(limit) and time.time() - run.began > limit

    def _refuse_too_many_failures(self) -> None:
        failed = self.study.trials(TrialState.FAIL)
        if len(failed) > self.study.config.max_failed:
            last = max(failed, key=lambda trial: trial.user_attrs.get("ended", 0.0))
            raise ConfigError(
                f"{len(failed)} trials failed, more than --max-failed {self.study.config.max_failed}; "
                f"the last was trial {last.number}: {last.user_attrs.get('error', 'no reason')}"
            )

    def _abandon(self) -> None:
        """End the trials that this driver follows; they keep their checkpoints and stay in the study."""
        if not self._runs or self._executor.leaves_running:
            return
        for run in self._runs:
            run.worker.ask_to_end()
        end = time.monotonic() + _PATIENCE_SECONDS
        for run in self._runs:
            if not run.worker.wait(max(0.1, end - time.monotonic())):
                run.worker.kill()
            self.study.note(run.number, cpu_seconds=self._spent(run))
            run.worker.close()
        self._runs.clear()
