"""Engines that misbehave in every way that a worker must survive; the integrand's own text says how.

Workers import this module by name; conftest.py puts its folder on sys.path.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from sympy import Expr

from intclass.components.integrate.engines import Answer, Engine, Status
from intclass.components.shared.expressions import X

GRANDCHILD = "import time; time.sleep(1000)"


def _sleep_deaf(_: Mapping[str, Any]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(1000)


def _spin(_: Mapping[str, Any]) -> None:
    while True:
        pass


def _hang_in_c(_: Mapping[str, Any]) -> None:
    9**10**9  # one bytecode: no signal handler gets a word in


def _segfault(_: Mapping[str, Any]) -> None:
    ctypes.string_at(0)


def _exit(_: Mapping[str, Any]) -> None:
    os._exit(3)


def _kill_itself(_: Mapping[str, Any]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hog(_: Mapping[str, Any]) -> None:
    hoard = []
    while True:
        hoard.append(bytearray(10**7))


def _raise(payload: Mapping[str, Any]) -> None:
    raise ValueError(payload["text"])


def _leave(_: Mapping[str, Any]) -> None:
    sys.exit("goodbye")


def _close_everything(_: Mapping[str, Any]) -> None:
    os.closerange(0, 256)
    time.sleep(1000)


def _write_nonsense(_: Mapping[str, Any]) -> None:
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"\xff" * 64)
        except OSError:
            continue
    time.sleep(1000)


def _echo(payload: Mapping[str, Any]) -> str:
    return str(payload["text"])


def _answer_long(payload: Mapping[str, Any]) -> str:
    return "x" * int(payload["length"])


def _die_once(payload: Mapping[str, Any]) -> str:
    """Killed from outside in the first attempt, an answer in the second."""
    descriptor = os.open(payload["mark"], os.O_CREAT | os.O_APPEND | os.O_RDWR)
    os.write(descriptor, b".")
    if os.fstat(descriptor).st_size < payload["deaths"] + 1:
        _kill_itself(payload)
    return "alive"


def _start_child(payload: Mapping[str, Any]) -> str:
    child = subprocess.Popen([sys.executable, "-c", GRANDCHILD])
    if payload.get("then") == "hang":
        time.sleep(1000)
    if payload.get("then") == "exit":
        os._exit(0)
    return str(child.pid)


def _hog_in_child(_: Mapping[str, Any]) -> None:
    subprocess.run([sys.executable, "-c", "hoard = []\nwhile True: hoard.append(bytearray(10**7))"], check=False)


def _nap(payload: Mapping[str, Any]) -> None:
    time.sleep(payload["seconds"])


def _pid(_: Mapping[str, Any]) -> str:
    return str(os.getpid())


class Performer:
    """Does what the payload's `do` says."""

    DEEDS: ClassVar[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
        "answer long": _answer_long,
        "close everything": _close_everything,
        "die once": _die_once,
        "echo": _echo,
        "exit": _exit,
        "hang in C": _hang_in_c,
        "hog": _hog,
        "hog in child": _hog_in_child,
        "kill itself": _kill_itself,
        "leave": _leave,
        "nap": _nap,
        "pid": _pid,
        "raise": _raise,
        "segfault": _segfault,
        "sleep deaf": _sleep_deaf,
        "spin": _spin,
        "start child": _start_child,
        "write nonsense": _write_nonsense,
    }

    def perform(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"said": self.DEEDS[payload["do"]](payload)}


class BrokenPerformer:
    """Cannot be made."""

    def __init__(self) -> None:
        raise RuntimeError("no licence")


class HardToStart(Performer):
    """Cannot be made the first two times."""

    def __init__(self, mark: str) -> None:
        descriptor = os.open(mark, os.O_CREAT | os.O_APPEND | os.O_RDWR)
        os.write(descriptor, b".")
        if os.fstat(descriptor).st_size < 3:
            raise RuntimeError("killed by SIGKILL")


class SlowToStart(Performer):
    """Takes a while until it is ready, as a computer algebra system does."""

    def __init__(self) -> None:
        time.sleep(0.7)


class HostileEngine(Engine):
    """Integrates x**n to x**n*x, which is right for n = 0 and wrong elsewhere; misbehaves at x + n."""

    name = "hostile"
    _deeds: ClassVar[tuple[str, ...]] = ("echo", "hang in C", "segfault", "exit", "hog", "raise", "sleep deaf", "leave")

    @property
    def version(self) -> str:
        return "hostile 6.66"

    def integrate(self, integrand: Expr, *, limit_seconds: float) -> Answer:
        constant, power = integrand.as_coeff_Add()
        if constant > 0 and power == X:
            Performer.DEEDS[self._deeds[int(constant)]]({"text": "no"})
        return Answer(
            engine=self.name,
            engine_version=self.version,
            status=Status.SOLVED,
            reason="an antiderivative",
            seconds=0.0,
            antiderivative=f"({integrand})*x",
        )


class SleepyEngine(HostileEngine):
    """Takes a moment for each answer, however fast the machine."""

    name = "sleepy"

    def integrate(self, integrand: Expr, *, limit_seconds: float) -> Answer:
        time.sleep(0.03)
        return super().integrate(integrand, limit_seconds=limit_seconds)


class VerboseEngine(HostileEngine):
    """Its answers are right and five megabytes long."""

    name = "verbose"

    def integrate(self, integrand: Expr, *, limit_seconds: float) -> Answer:
        answer = super().integrate(integrand, limit_seconds=limit_seconds)
        return Answer(**{**answer.record(), "antiderivative": "x" + "+0*x" * 1_250_000})


class TwoFacedEngine(HostileEngine):
    """Seems to be there and does not start."""

    name = "two-faced"

    def __init__(self) -> None:
        raise RuntimeError("no licence")
