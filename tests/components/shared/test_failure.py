from __future__ import annotations

from pathlib import Path

import pytest

from intclass.components.shared import storage
from intclass.components.shared.errors import RecordsError
from intclass.components.shared.failure import FAILURE_FILE, Failure, read_failure, write_failure

FAILURE = Failure(stage="integrate", config={"shard": 1}, inputs={"functions": "0"}, error="OSError: é", attempts=3)


def test_what_was_written_is_read(storage_root: str) -> None:
    write_failure(storage_root, FAILURE)
    assert read_failure(storage.join(storage_root, FAILURE_FILE)) == FAILURE


@pytest.mark.parametrize("text", ["", "[]", '{"stage": "integrate"}'])
def test_another_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / FAILURE_FILE
    path.write_text(text)
    with pytest.raises(RecordsError, match=r"failed\.json: not the record of a failed shard"):
        read_failure(path)
