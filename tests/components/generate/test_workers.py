from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal

import pytest

from intclass.components.generate._blocks import Source, draw_block
from intclass.components.generate._workers import draw_blocks
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.grammar import load

SOURCE = Source(grammar=load("intclass"), seed=0, internal_nodes=(1, 3))


def test_blocks_come_in_order_whoever_draws_them() -> None:
    with contextlib.closing(draw_blocks(SOURCE, first=4, workers=2)) as blocks:
        drawn = [next(blocks) for _ in range(3)]
        assert len(multiprocessing.active_children()) == 2
    assert drawn == [draw_block(SOURCE, block) for block in (4, 5, 6)]
    assert multiprocessing.active_children() == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_worker_that_dies_is_an_error_not_a_hang() -> None:
    with contextlib.closing(draw_blocks(SOURCE, first=0, workers=2)) as blocks:
        next(blocks)
        victim = multiprocessing.active_children()[0].pid
        assert victim is not None
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(ConfigError, match="one of 2 workers died, most likely for want of memory"):
            list(blocks)
    assert multiprocessing.active_children() == []
