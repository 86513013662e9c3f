"""The driver: proposes trials, starts each as a process, follows them, stops those that do badly, notes how they end.

It may be killed at any time, and there may be several of one study: everything that counts is on disk, and a trial
belongs to the driver that holds its lock. A trial whose driver was killed trains on; whoever comes next follows it.
"""

from __future__ import annotations

import math
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from optuna.trial import TrialState

from intclass.components.finetune.command_line import MODULE, finetune_arguments
from intclass.components.finetune.config import FinetuneConfig
from intclass.components.shared.command import EXIT_BAD_INPUT
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.signals import exit_on_signal, sigterm_handled
from intclass.components.tune.metrics import error_in, final_metrics, numbers_in
from intclass.components.tune.process import LOG_NAME, TrialProcess
from intclass.components.tune.space import configuration
from intclass.components.tune.study import Study

_STEP_SECONDS: Final = 0.2
_PATIENCE_SECONDS: Final = 60.0  # for checkpoints, after SIGTERM
_CACHE: Final = "tokens"
_LATENCY: Final = "latency_ms"
TRAINING: Final = (f"{MODULE}.command_line", f"{MODULE}.stage")  # the modules that every trial needs
Slot = Mapping[str, str]
Told = Callable[[], None]


@dataclass
class _Run:
    """A trial that this driver follows."""

    number: int
    process: TrialProcess
    slot: Slot
    command: list[str]
    began: float = field(default_factory=time.time)
    epochs: dict[int, dict[str, float]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


class Driver:
    """Runs a study's trials in the slots of this machine until all trials of the study have ended."""

    def __init__(self, study: Study, slots: list[Slot]) -> None:
        self.study = study
        self._free = list(slots)
        self._runs: list[_Run] = []

    def run(self, told: Told = lambda: None) -> None:
        """Go on until the study is over; `told` is called at each step, to show how it stands.

        Raises ConfigError if too many trials fail. Ends the trials, which keep their checkpoints, on SIGTERM (exit code
        143) and Ctrl-C.
        """
        try:
            with sigterm_handled(exit_on_signal):
                while not self.study.is_over:
                    self._adopt()
                    self._begin()
                    for run in list(self._runs):
                        self._follow(run)
                    self._refuse_too_many_failures()
                    told()
                    time.sleep(_STEP_SECONDS)
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
        process = TrialProcess.claim(self.study.folder_of(number))
        if process is None:
            return
        if self.study.trial(number).state.is_finished():  # between our look and our lock
            process.close()
            return
        self.study.complete_proposal(number)
        run = _Run(number, process, self._free.pop(), [])
        try:
            run.command = self._command(number)
        except ConfigError as error:  # options that do not go together
            self._end(run, TrialState.FAIL, error=str(error))
            return
        self._runs.append(run)

    def _command(self, number: int) -> list[str]:
        study = self.study
        out = str(study.folder_of(number) / "model")
        return ["-m", MODULE, *finetune_arguments(study.dataset, out, self._config(number))]

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
        """Start the trial's process, or what comes after training; its slot keeps it to its share of the machine."""
        environment = {**run.slot, "INTCLASS_TOKEN_CACHE": str(self.study.folder / _CACHE)}
        if self._needs_latency(run.number):
            model = str(self.study.folder_of(run.number) / "model")
            measure = ["-m", "intclass.components.tune.latency", model, self.study.dataset]
            run.process.start(measure, environment)
            return
        self._fork(run.number)
        run.process.start(run.command, environment)

    def _fork(self, number: int) -> None:
        """Copy the parent's checkpoint, if the trial goes on from one and has none of its own yet."""
        parent, checkpoints = self.study.parent(number), self._checkpoints(number)
        if parent is None or any(Path(checkpoints).glob("last-*.pt")):
            return
        from intclass.components.finetune.checkpoint import FORKABLE, fork

        config = self._config(number)
        changes = {name: getattr(config, name) for name in FORKABLE if name in self.study.space.names}
        fork(self._checkpoints(parent), checkpoints, changes)

    def _checkpoints(self, number: int) -> str:
        return str(self.study.folder_of(number) / "model" / "checkpoints")

    def _follow(self, run: _Run) -> None:
        """Take in what the trial has said, and see to it if it has ended or has to."""
        running = run.process.is_running  # before the log is read, which is whole when the process has ended
        run.process.cpu_seconds()
        for line in run.process.new_lines():
            if self._hear(run, line):
                run.process.signal(signal.SIGKILL)
                run.process.wait(_PATIENCE_SECONDS)
                self._end(run, TrialState.PRUNED)
                return
        if not running:
            self._see_to_end(run)
        elif self._is_late(run):
            run.process.signal(signal.SIGKILL)
            run.process.wait(_PATIENCE_SECONDS)
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
        code = run.process.exit_code
        final = final_metrics(self.study.folder_of(run.number) / "model")
        if final is not None and (not self._needs_latency(run.number) or _LATENCY in run.metrics):
            self._complete(run, {**run.metrics, **final})
        elif final is None and code == 0 and run.epochs:  # it paused, as only pbt asks for
            self._complete(run, {**run.metrics, **run.epochs[max(run.epochs)]})
        elif code == EXIT_BAD_INPUT:
            self._end(run, TrialState.FAIL, error=self._last_words(run))
        elif code in (0, None) or self._may_restart(run):
            self._start(run)

    def _needs_latency(self, number: int) -> bool:
        wanted = any(goal.name == _LATENCY for goal in self.study.goals)
        return wanted and final_metrics(self.study.folder_of(number) / "model") is not None

    def _may_restart(self, run: _Run) -> bool:
        """Count that the trial's process was killed; the trial has failed if that has happened too often."""
        restarts = 1 + int(self.study.trial(run.number).user_attrs.get("restarts", 0))
        if restarts > self.study.config.max_restarts:
            self._end(run, TrialState.FAIL, error=f"killed {restarts} times; its log ends: {self._last_words(run)}")
            return False
        self.study.note(run.number, restarts=restarts)
        return True

    def _last_words(self, run: _Run) -> str:
        return error_in(run.process.folder / LOG_NAME)

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
        self.study.note(
            run.number, cpu_seconds=self._spent(run), ended=time.time(), **({"error": error} if error else {})
        )
        self.study.tell(run.number, state, values)
        self._tidy(run.number, state)
        run.process.close()
        self._free.append(run.slot)
        if run in self._runs:
            self._runs.remove(run)

    def _spent(self, run: _Run) -> float:
        """CPU seconds of the trial, under earlier drivers too."""
        before: float = self.study.trial(run.number).user_attrs.get("cpu_seconds", 0.0)
        return before + run.process.cpu_seconds()

    def _tidy(self, number: int, state: TrialState) -> None:
        """Delete what no other trial needs: the checkpoints of those that go no further."""
        if self.study.config.sampler != "pbt" or state != TrialState.COMPLETE:
            shutil.rmtree(self._checkpoints(number), ignore_errors=True)

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
        for run in self._runs:
            run.process.signal(signal.SIGTERM)
        end = time.monotonic() + _PATIENCE_SECONDS
        for run in self._runs:
            if not run.process.wait(max(0.1, end - time.monotonic())):
                run.process.signal(signal.SIGKILL)
            self.study.note(run.number, cpu_seconds=self._spent(run))
            run.process.close()
        self._runs.clear()
