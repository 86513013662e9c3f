from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import google_crc32c
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from intclass.components.finetune.events import FILE_NAME, write_events

FIELD = descriptor_pb2.FieldDescriptorProto
# The part of tensorboard/compat/proto/event.proto and summary.proto that scalars need.
MESSAGES: dict[str, list[tuple[str, int, int, str]]] = {
    "Value": [("tag", 1, FIELD.TYPE_STRING, ""), ("simple_value", 2, FIELD.TYPE_FLOAT, "")],
    "Summary": [("value", 1, FIELD.TYPE_MESSAGE, "Value")],
    "Event": [
        ("wall_time", 1, FIELD.TYPE_DOUBLE, ""),
        ("step", 2, FIELD.TYPE_INT64, ""),
        ("file_version", 3, FIELD.TYPE_STRING, ""),
        ("summary", 5, FIELD.TYPE_MESSAGE, "Summary"),
    ],
}


def event_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="event.proto", package="tb", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, type_name in fields:
            label = FIELD.LABEL_REPEATED if field == "value" else FIELD.LABEL_OPTIONAL
            message.field.add(
                name=field, number=number, type=kind, label=label, type_name=f".tb.{type_name}" if type_name else None
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tb.Event"))


def records(data: bytes) -> list[bytes]:
    def check(part: bytes, checksum: bytes) -> None:
        masked = (struct.unpack("<I", checksum)[0] - 0xA282EAD8) & 0xFFFFFFFF
        assert ((masked >> 17) | (masked << 15)) & 0xFFFFFFFF == google_crc32c.value(part)

    found, place = [], 0
    while place < len(data):
        length = data[place : place + 8]
        check(length, data[place + 8 : place + 12])
        end = place + 12 + struct.unpack("<Q", length)[0]
        found.append(data[place + 12 : end])
        check(found[-1], data[end : end + 4])
        place = end + 4
    return found


def test_every_scalar_can_be_read_by_its_protocol(tmp_path: Path) -> None:
    rows = [{"epoch": 1, "train_loss": 0.5, "seconds": 2.0}, {"epoch": 300, "train_loss": 0.25, "seconds": 5.0}]
    write_events(tmp_path, rows, ended=1000.0)
    first, *events = [event_class().FromString(data) for data in records((tmp_path / FILE_NAME).read_bytes())]
    assert (first.file_version, first.wall_time) == ("brain.Event:2", 995.0)
    assert [(event.step, event.wall_time) for event in events] == [(1, 997.0), (300, 1000.0)]
    scalars = [{value.tag: value.simple_value for value in event.summary.value} for event in events]
    assert scalars == [pytest.approx({"train_loss": row["train_loss"], "seconds": row["seconds"]}) for row in rows]
