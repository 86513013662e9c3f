from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from intclass.components.integrate._channel import BrokenMessageError, Channel, NonBlockingChannel, encode

Pair = tuple[Channel, NonBlockingChannel]


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    with one, other:
        yield Channel(one), NonBlockingChannel(other)


def _read_all(channel: NonBlockingChannel, count: int) -> list[object]:
    messages: list[object] = []
    while len(messages) < count:
        messages += channel.read()[0]
    return messages


def test_messages_arrive_whole_and_in_order(pair: Pair) -> None:
    worker, pool = pair
    for n in range(3):
        worker.send({"n": n, "text": "é" * n})
    assert _read_all(pool, 3) == [{"n": n, "text": "é" * n} for n in range(3)]
    pool.post({"to": "worker"})
    pool.post({"and": "again"})
    assert [worker.receive(), worker.receive()] == [{"to": "worker"}, {"and": "again"}]


def test_megabytes_pass_in_both_directions_at_once(pair: Pair) -> None:
    worker, pool = pair
    large = {"text": "x" * 5_000_000}
    pool.post(large)
    echo = threading.Thread(target=lambda: worker.send(worker.receive() or {}))
    echo.start()
    flushes = 0
    while pool.has_unsent:
        pool.flush()
        flushes += 1
    assert flushes > 1
    assert _read_all(pool, 1) == [large]
    echo.join()


def test_a_closed_socket_is_an_end_not_an_error() -> None:
    one, other = socket.socketpair()
    pool = NonBlockingChannel(other)
    with one:
        one.sendall(encode({"n": 1}) + encode({"n": 2})[:-1])
    assert pool.read() == ([{"n": 1}], True)
    pool.post({"n": 3})
    assert not pool.has_unsent
    pool.close()
    one, other = socket.socketpair()
    other.close()
    with one:
        assert Channel(one).receive() is None


@pytest.mark.parametrize(
    "data", [struct.pack("!I", 2**31) + b"x", struct.pack("!I", 3) + b"{x}", struct.pack("!I", 2) + b"17"]
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(data)
        with pytest.raises(BrokenMessageError):
            NonBlockingChannel(other).read()
