"""TensorBoard's event file, written without TensorBoard: scalars by epoch, beside the other measurements.

The file is a sequence of TFRecords (length, its checksum, data, its checksum), each of which holds one `Event` protocol
buffer with a time, a step and a scalar summary.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import google_crc32c

FILE_NAME: Final = "events.out.tfevents.intclass"
_VERSION: Final = b"brain.Event:2"
_MASK_DELTA: Final = 0xA282EAD8


def write_events(folder: Path, rows: Iterable[Mapping[str, float]], *, ended: float) -> None:
    """Write the rows, each a mapping of names to numbers with `epoch` and `seconds`; the last was at time `ended`."""
    rows = list(rows)
    last = rows[-1]["seconds"] if rows else 0.0
    events = [_event(ended - last, 0, _bytes_field(3, _VERSION))]
    events += [_event(ended - last + row["seconds"], int(row["epoch"]), _summary(row)) for row in rows]
    (folder / FILE_NAME).write_bytes(b"".join(map(_record, events)))


def _summary(row: Mapping[str, float]) -> bytes:
    values = (
        _bytes_field(1, _bytes_field(1, name.encode()) + _number_field(2, 5, struct.pack("<f", value)))
        for name, value in row.items()
        if name != "epoch"
    )
    return _bytes_field(5, b"".join(values))


def _event(wall_time: float, step: int, content: bytes) -> bytes:
    return _number_field(1, 1, struct.pack("<d", wall_time)) + _number_field(2, 0, _varint(step)) + content


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _masked_checksum(length) + data + _masked_checksum(data)


def _masked_checksum(data: bytes) -> bytes:
    checksum = google_crc32c.value(data)
    rotated = (checksum >> 15 | checksum << 17) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + _MASK_DELTA) & 0xFFFFFFFF)


def _number_field(number: int, wire_type: int, data: bytes) -> bytes:
    return _varint(number << 3 | wire_type) + data


def _bytes_field(number: int, data: bytes) -> bytes:
    return _number_field(number, 2, _varint(len(data)) + data)


def _varint(value: int) -> bytes:
    return bytes(_groups(value))


def _groups(value: int) -> Iterator[int]:
    """Seven bits at a time, the lowest first; all but the last with the eighth bit set."""
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value
