"""Messages between workers and servers: a few plain values and, behind them, the bytes of tensors.

Connections are those of `multiprocessing`: framed, and opened only by who knows the key that rank 0 drew (HMAC). What
is received is read as JSON and raw numbers; nothing in it can run.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any, Final

import numpy as np
import torch

Values = dict[str, Any]
_KEEPALIVE: Final = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}  # a node that vanished: 25 s


def send(connection: Connection, values: Mapping[str, Any], data: bytes = b"") -> None:
    """Send one message."""
    connection.send_bytes(json.dumps(dict(values)).encode())
    connection.send_bytes(data)


def receive(connection: Connection) -> tuple[Values, bytes]:
    """Wait for one message; raises EOFError or OSError if the other side is gone."""
    values = json.loads(connection.recv_bytes())
    return values, connection.recv_bytes()


def pack(tensors: Sequence[torch.Tensor]) -> bytes:
    """The tensors' values as float32, one after the other."""
    return b"".join(tensor.detach().float().cpu().numpy().tobytes() for tensor in tensors)


def unpack(data: bytes, like: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """What `pack` made of tensors of these shapes."""
    values = torch.from_numpy(np.frombuffer(data, dtype=np.float32).copy())
    parts = torch.split(values, [tensor.numel() for tensor in like])
    return [part.view(tensor.shape) for part, tensor in zip(parts, like, strict=True)]


def keep_alive(connection: Connection) -> None:
    """Let the system find out when the other side's machine is gone."""
    with socket.socket(fileno=connection.fileno()) as there:
        there.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                there.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        there.detach()  # the connection stays its owner
