from __future__ import annotations

import os
import signal
import threading

import pytest

from intclass.components.shared.signals import EXIT_TERMINATED, exit_on_signal, sigterm_handled


def test_sigterm_calls_the_handler_inside_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[int] = []
    with sigterm_handled(lambda number, _: seen.append(number)):
        os.kill(os.getpid(), signal.SIGTERM)
    assert seen == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_program_ends_as_kubernetes_expects() -> None:
    with pytest.raises(SystemExit) as ended, sigterm_handled(exit_on_signal):
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended.value.code == EXIT_TERMINATED == 143


def test_another_thread_leaves_signals_alone() -> None:
    found: list[object] = []

    def look() -> None:
        with sigterm_handled(exit_on_signal):
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGTERM)]
