from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time

import psutil

from intclass.components.integrate._processes import group_memory, kill_group


def test_a_group_has_the_memory_of_its_members_and_dies_as_one() -> None:
    grandchild = "import time; hoard = bytearray(60 * 2**20); print(1, flush=True); time.sleep(100)"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])"
    with subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
        used = group_memory([process.pid, 999_999_999])
        assert used[process.pid] > 60 * 2**20
        assert used[999_999_999] == 0
        kill_group(process.pid)
        _, alive = psutil.wait_procs(family, timeout=5)
        assert not alive


def test_a_process_dies_with_its_parent() -> None:
    child = (
        "import os, time; from intclass.components.integrate._processes import die_with_parent;"
        "die_with_parent(os.getppid()); print(os.getpid(), flush=True); time.sleep(100)"
    )
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
    deadline = time.monotonic() + 5
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not psutil.pid_exists(pid)


def test_a_process_whose_parent_is_gone_already_ends_at_once() -> None:
    script = "from intclass.components.integrate._processes import die_with_parent; die_with_parent(1); print('alive')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


def test_allocations_over_the_limit_fail_and_a_child_may_lift_it() -> None:
    script = """
import resource
from intclass.components.integrate._processes import limit_own_memory
limit_own_memory(300 * 2**20)
try:
    bytearray(400 * 2**20)
except MemoryError:
    print("refused")
hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
bytearray(400 * 2**20)
print("allowed")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused", "allowed"]
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY


def test_killing_a_group_that_is_gone_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], start_new_session=True) as process:
        process.wait()
    kill_group(process.pid)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
