from __future__ import annotations

import threading
import time

import pytest

from intclass.components.integrate import _lease
from intclass.components.integrate._lease import Lease
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, StorageError

pytestmark = pytest.mark.usefixtures("quick_lease")


def _wait_until_lost(lease: Lease) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            lease.check()
        except StorageError:
            return
        time.sleep(0.02)
    pytest.fail("the lease is still held")


def test_a_held_lease_is_refused_and_a_released_one_is_free_at_once(gs_root: str) -> None:
    path = f"{gs_root}/shard.lease"
    lease = Lease(path)
    with pytest.raises(ConfigError, match=f"^{path}: another process is working"):
        Lease(path)
    lease.check()
    lease.release()
    assert storage.list_files(gs_root) == []
    start = time.monotonic()
    Lease(path).release()
    assert time.monotonic() - start < _lease.LEASE_SECONDS


def test_a_dead_owners_lease_is_taken_over_by_one_of_several(gs_root: str) -> None:
    path = f"{gs_root}/shard.lease"
    storage.write_text(path, "of a process that was killed")
    taken: list[Lease] = []
    refused: list[ConfigError] = []

    def take() -> None:
        try:
            taken.append(Lease(path))
        except ConfigError as error:
            refused.append(error)

    watchers = [threading.Thread(target=take) for _ in range(3)]
    start = time.monotonic()
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join()
    assert time.monotonic() - start >= _lease.LEASE_SECONDS
    assert (len(taken), len(refused)) == (1, 2)
    taken[0].release()


def test_an_owner_that_was_replaced_stops_and_leaves_the_new_one_alone(gs_root: str) -> None:
    path = f"{gs_root}/shard.lease"
    lease = Lease(path)
    storage.write_text(path, "of the next one")
    _wait_until_lost(lease)
    with pytest.raises(StorageError, match="another process may have taken over; start again to go on"):
        lease.check()
    lease.release()
    assert storage.read_text(path) == "of the next one"


def test_an_owner_that_cannot_renew_stops_in_good_time(gs_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise StorageError("no network")

    lease = Lease(f"{gs_root}/shard.lease")
    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_generation", unreachable)
        lease.check()
        _wait_until_lost(lease)
    lease.release()


def test_a_write_whose_answer_was_lost_counts(gs_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write = storage.write_generation

    def write_and_lose_the_answer(path: str, data: bytes, *, replacing: int) -> None:
        write(path, data, replacing=replacing)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_generation", write_and_lose_the_answer)
        lease = Lease(f"{gs_root}/shard.lease")
    lease.check()
    lease.release()
    assert storage.list_files(gs_root) == []
