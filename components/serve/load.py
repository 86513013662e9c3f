"""Many requests at once: what a server does under load, seen from its clients.

Plain sockets and as little Python as can be: on a machine that both share, a client that costs more than the server
would measure itself.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np


@dataclass(frozen=True)
class Ask:
    """A request as it goes over the wire, but for the host."""

    path: str
    body: bytes
    method: str = "POST"

    def encode(self, host: str) -> bytes:
        """The request's bytes, HTTP/1.1."""
        head = f"{self.method} {self.path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(self.body)}\r\n\r\n"
        return head.encode() + self.body


@dataclass(frozen=True)
class Reply:
    """An answer: its status (0 where the connection broke), its body, and the seconds that it took."""

    status: int
    body: bytes
    seconds: float


@dataclass(frozen=True)
class Load:
    """The replies to all requests, in their order, and the seconds from the first request to the last reply."""

    replies: Sequence[Reply]
    seconds: float

    @property
    def requests_per_second(self) -> float:
        """Of all requests, whatever was answered."""
        return len(self.replies) / self.seconds

    @property
    def statuses(self) -> Counter[int]:
        """How often each status came."""
        return Counter(reply.status for reply in self.replies)

    def latency(self, percentile: float) -> float:
        """The seconds within which so many percent of the replies had come."""
        return float(np.percentile([reply.seconds for reply in self.replies], percentile))


def load(url: str, asks: Sequence[Ask], *, concurrency: int, timeout_seconds: float = 60.0) -> Load:
    """Send all requests over `concurrency` connections, each the next one as soon as its last is answered.

    A connection that the server closes is opened anew. Raises OSError if it takes no connections, TimeoutError if a
    reply does not come within `timeout_seconds`.
    """
    return asyncio.run(_load(url, asks, concurrency=concurrency, timeout_seconds=timeout_seconds))


async def _load(url: str, asks: Sequence[Ask], *, concurrency: int, timeout_seconds: float) -> Load:
    parts = urlsplit(url)
    assert parts.hostname is not None
    address = (parts.hostname, parts.port or 80)
    replies: list[Reply | None] = [None] * len(asks)
    turns = iter(range(len(asks)))
    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(min(concurrency, len(asks))):
            group.create_task(_client(address, asks, turns, replies, timeout_seconds))
    seconds = time.perf_counter() - start
    return Load([reply for reply in replies if reply is not None], seconds)


async def _client(
    address: tuple[str, int], asks: Sequence[Ask], turns: Iterator[int], replies: list[Reply | None], timeout: float
) -> None:
    """One connection's work: takes the next request until there is none."""
    connection: _Connection | None = None
    for turn in turns:
        start = time.perf_counter()
        async with asyncio.timeout(timeout):
            connection = connection or await _Connection.open(address)
            status, body, stays = await connection.exchange(asks[turn])
        replies[turn] = Reply(status, body, time.perf_counter() - start)
        if not stays:
            connection.close()
            connection = None
    if connection is not None:
        connection.close()


class _Connection:
    def __init__(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host, self._reader, self._writer = host, reader, writer

    @classmethod
    async def open(cls, address: tuple[str, int]) -> _Connection:
        return cls(address[0], *await asyncio.open_connection(*address))

    async def exchange(self, ask: Ask) -> tuple[int, bytes, bool]:
        """Status, body, and whether the connection stays open; status 0 when it broke."""
        try:
            self._writer.write(ask.encode(self._host))
            head = await self._reader.readuntil(b"\r\n\r\n")
            status_line, *lines = head.decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines if line)
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        except (ConnectionError, asyncio.IncompleteReadError):
            return 0, b"", False
        return int(status_line.split()[1]), body, headers.get("connection") != "close"

    def close(self) -> None:
        self._writer.close()
