"""Messages between processes: JSON behind a 4-byte length, over a stream socket.

JSON, not pickle: nothing that a broken worker writes can run in the process that reads it.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from typing import Any, Final

Message = Mapping[str, Any]

MAX_MESSAGE_BYTES: Final = 256 * 2**20  # a length above this is not a length but a torn or foreign stream
_LENGTH = struct.Struct("!I")
_CHUNK_BYTES = 2**18


class BrokenMessageError(Exception):
    """The other side wrote something that is not a message."""


def encode(message: Message) -> bytes:
    """The message with its length in front."""
    body = json.dumps(message).encode()
    return _LENGTH.pack(len(body)) + body


def _take(buffer: bytearray) -> Message | None:
    """Cut the first whole message off the buffer; None if there is none yet."""
    if len(buffer) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack_from(buffer)
    if length > MAX_MESSAGE_BYTES:
        raise BrokenMessageError(f"a message of {length} bytes is over the limit of {MAX_MESSAGE_BYTES}")
    end = _LENGTH.size + length
    if len(buffer) < end:
        return None
    body = bytes(buffer[_LENGTH.size : end])
    del buffer[:end]
    try:
        message = json.loads(body)
    except ValueError as error:
        raise BrokenMessageError(f"not JSON: {body[:80]!r}") from error
    if not isinstance(message, dict):
        raise BrokenMessageError(f"not an object: {body[:80]!r}")
    return message


class Channel:
    """A worker's end: waits until a message is sent or received."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = bytearray()

    def send(self, message: Message) -> None:
        """Send the whole message; raises OSError if nobody reads any more."""
        self._socket.sendall(encode(message))

    def receive(self) -> Message | None:
        """The next message, or None when the other side has closed."""
        while (message := _take(self._buffer)) is None:
            chunk = self._socket.recv(_CHUNK_BYTES)
            if not chunk:
                return None
            self._buffer += chunk
        return message


class NonBlockingChannel:
    """The pool's end: never waits for a worker, however slowly it reads or writes."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.socket = connection
        self._incoming = bytearray()
        self._outgoing = bytearray()

    @property
    def has_unsent(self) -> bool:
        """Whether bytes wait until the socket can be written to again."""
        return bool(self._outgoing)

    def post(self, message: Message) -> None:
        """Send as much as the socket takes and keep the rest for `flush`."""
        self._outgoing += encode(message)
        self.flush()

    def flush(self) -> None:
        """Send what is left; a closed socket swallows it, as reading will tell."""
        try:
            while self._outgoing:
                del self._outgoing[: self.socket.send(self._outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            self._outgoing.clear()

    def read(self) -> tuple[list[Message], bool]:
        """All messages that have arrived, and whether the other side has closed.

        Raises BrokenMessageError.
        """
        closed = False
        try:
            while not closed:
                chunk = self.socket.recv(_CHUNK_BYTES)
                closed = not chunk
                self._incoming += chunk
        except BlockingIOError:
            pass
        except OSError:
            closed = True
        messages = []
        while (message := _take(self._incoming)) is not None:
            messages.append(message)
        return messages, closed

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()
