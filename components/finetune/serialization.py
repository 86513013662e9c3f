"""Tensors and plain values as bytes, for a file or another process."""

from __future__ import annotations

import io
from typing import Any

import torch


def to_bytes(value: object) -> bytes:
    """Tensors, and containers of them and of plain values, in torch's format."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def from_bytes(data: bytes) -> Any:  # noqa: ANN401 - whatever was written
    """What `to_bytes` wrote, its tensors on the CPU; nothing in the bytes is executed.

    Whatever torch makes of broken bytes is raised: it has a different error for each way in which they can be broken.
    """
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
