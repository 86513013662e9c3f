"""Under load, bad requests included: no 5xx, flat memory, no process left."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from intclass.components.serve import ServeConfig, running_server
from intclass.components.serve.load import Ask, Load, load

PREDICT: Final = "/v1/models/intclass:predict"
INFER: Final = "/v2/models/intclass/infer"
CONCURRENCY: Final = 32
_MOST_GROWTH: Final = 64 * 2**20  # bytes, of all processes, from the first tenth of a load to its end


def _mixed(count: int, *, solve_every: int = 0) -> list[Ask]:
    """Good and bad requests in the same order every time; each good one asks something new."""
    rng = random.Random(0)
    kinds = [rng.choice(_KINDS) for _ in range(count)]
    if solve_every:
        kinds[::solve_every] = [_solve] * len(kinds[::solve_every])
    return [kind(number) for number, kind in enumerate(kinds)]


def _v1(number: int) -> Ask:
    return _ask(PREDICT, {"instances": [f"exp({number}*x)*sin(x**{number % 9}) + {number}"]})


def _v2(number: int) -> Ask:
    tensor = {"name": "integrand", "shape": [2], "datatype": "BYTES", "data": [f"x**{number}", f"log(x + {number})"]}
    return _ask(INFER, {"inputs": [tensor]})


def _many(number: int) -> Ask:
    return _ask(PREDICT, {"instances": [f"sin({number}*x + {place})" for place in range(40)]})


def _solve(number: int) -> Ask:
    return _ask(PREDICT, {"instances": [f"x**{number % 50}"], "solve": True})


def _no_expression(number: int) -> Ask:
    return _ask(PREDICT, {"instances": ["x", f"x +* {number}"]})


def _tower(number: int) -> Ask:
    return _ask(PREDICT, {"instances": [f"x**9**9**9**{number}"]})


def _deep(number: int) -> Ask:
    return _ask(PREDICT, {"instances": ["(" * (number % 5_000) + "x"]})


def _no_json(number: int) -> Ask:
    return Ask(PREDICT, b"{" * (number % 100))


def _too_long(number: int) -> Ask:
    return Ask(PREDICT, b"x" * (300_000 + number % 100))


def _nowhere(number: int) -> Ask:
    return Ask(f"/nowhere/{number}", b"", "GET")


def _ask(path: str, body: object) -> Ask:
    return Ask(path, json.dumps(body).encode())


_KINDS: Final = (*[_v1] * 6, _v2, _v2, _many, _no_expression, _tower, _deep, _no_json, _too_long, _nowhere)


def _check(done: Load, asks: Sequence[Ask]) -> None:
    """Every request has an answer, good ones 200 (or, when solvers are busy, 429), bad ones a 4xx with its reason."""
    assert len(done.replies) == len(asks)
    assert set(done.statuses) <= {200, 400, 404, 413, 429}, done.statuses
    for ask, reply in zip(asks, done.replies, strict=True):
        if reply.status != 200:
            assert json.loads(reply.body)["error"], ask
        if reply.status == 429:
            assert b'"solve": true' in ask.body


def _has_solved(url: str) -> bool:
    [reply] = load(url, [_solve(1)], concurrency=1).replies
    return bool(json.loads(reply.body)["predictions"][0]["solution"]["verified"])


def _memory(process: psutil.Process) -> int:
    return sum(int(each.memory_info().rss) for each in [process, *process.children(recursive=True)])


def test_mixed_requests_at_once_get_an_answer_each(server: Any) -> None:
    asks = _mixed(300)
    _check(load(str(server.client.base_url), asks, concurrency=CONCURRENCY), asks)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twenty_thousand_mixed_requests_leave_memory_flat_and_no_process(model: Path) -> None:
    asks = _mixed(20_000, solve_every=200)
    before = set(psutil.Process().children(recursive=True))
    config = ServeConfig(port=0, engines="sympy", solve_seconds=1.0)
    sizes = []
    with running_server(model, config) as url:
        [process] = set(psutil.Process().children()) - before
        while not _has_solved(url):  # its processes start with the first question
            pass
        for start in range(0, len(asks), 2_000):
            part = asks[start : start + 2_000]
            _check(load(url, part, concurrency=CONCURRENCY), part)
            sizes.append(_memory(process))
        started = [process, *process.children(recursive=True)]
    print(f"\nresident memory: {[size >> 20 for size in sizes]} MiB")
    assert sizes[-1] - sizes[0] < _MOST_GROWTH
    assert not psutil.wait_procs(started, timeout=10)[1]
