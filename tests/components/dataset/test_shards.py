from __future__ import annotations

from typing import Any

import pytest

from intclass.components.dataset._shards import count_missing_shards
from intclass.components.shared.errors import ConfigError, RecordsError
from intclass.components.shared.failure import Failure
from intclass.components.shared.manifest import Manifest


def _config(shard: int, num_shards: int) -> dict[str, Any]:
    return {"engines": ["sympy"], "shard": shard, "num_shards": num_shards}


def _manifest(shard: int, num_shards: int, *, functions: str = "f") -> Manifest:
    inputs = {"functions": functions}
    return Manifest(stage="integrate", program="", config=_config(shard, num_shards), inputs=inputs)


def _failure(shard: int, num_shards: int, error: str = "StorageError: no space") -> Failure:
    config = _config(shard, num_shards)
    return Failure(stage="integrate", config=config, inputs={"functions": "f"}, error=error, attempts=3)


def _count(*records: Manifest | Failure, ratio: float = 1.0) -> int:
    manifests = [record for record in records if isinstance(record, Manifest)]
    failures = [record for record in records if isinstance(record, Failure)]
    return count_missing_shards(manifests, failures, min_success_ratio=ratio)


def test_nothing_is_missing_of_whole_runs_and_of_tables_that_say_nothing() -> None:
    unknown = Manifest(stage="other", program="", config={})
    others = [_manifest(shard, 3, functions="g") for shard in range(3)]
    assert _count(_manifest(0, 1), _manifest(1, 2), _manifest(0, 2), unknown, *others) == 0
    assert _count() == 0


@pytest.mark.parametrize(("finished", "ratio", "enough"), [(9, 0.9, True), (9, 0.91, False), (3, 0.3, True)])
def test_a_share_of_the_shards_is_enough(finished: int, ratio: float, enough: bool) -> None:
    manifests = [_manifest(shard, 10) for shard in range(finished)]
    if enough:
        assert _count(*manifests, ratio=ratio) == 10 - finished
    else:
        with pytest.raises(RecordsError, match=f"^{finished} of 10 shards came out and 10 are needed"):
            _count(*manifests, ratio=ratio)


def test_what_is_missing_is_told_with_its_error() -> None:
    records: list[Manifest | Failure] = [_manifest(0, 6), _failure(2, 6, "PoolError: two\nlines"), _failure(1, 6)]
    with pytest.raises(RecordsError) as caught:
        _count(*records, ratio=0.5)
    assert str(caught.value) == (
        "1 of 6 shards came out and 3 are needed; missing are shard 1 (StorageError: no space), 2 (PoolError: two "
        "lines), 3 (not there) and 2 more: integrate them again, or give a lower --min-success-ratio"
    )


def test_a_shard_that_failed_and_came_out_elsewhere_is_there() -> None:
    assert _count(_failure(1, 2), _manifest(0, 2), _manifest(1, 2)) == 0


def test_nothing_but_failures_is_never_enough() -> None:
    with pytest.raises(RecordsError, match="0 of 1 shards came out and 1 are needed; missing are shard 0"):
        _count(_failure(0, 1), ratio=0.01)


def test_every_run_must_have_enough() -> None:
    with pytest.raises(RecordsError, match="1 of 2 shards"):
        _count(*[_manifest(shard, 100) for shard in range(100)], _manifest(0, 2, functions="g"), ratio=0.9)


@pytest.mark.parametrize("ratio", [0.0, -1.0, 1.01, float("nan")])
def test_a_ratio_that_is_no_share_is_refused(ratio: float) -> None:
    with pytest.raises(ConfigError, match="min_success_ratio is"):
        _count(ratio=ratio)
