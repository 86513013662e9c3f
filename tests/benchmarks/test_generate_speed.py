"""`generate` against the first author's way of drawing functions, on one core, in one run.

His way, as its description has it: a new process for each function; a uniform tree with ten internal nodes by Lample
and Charton's recurrence; every node, from the leaves up, written as text that SymPy reads again; then `simplify`, and
the process is killed after 10 seconds. Ours is the whole stage, from the seed to the written table.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

from intclass.components.generate import GenerateConfig, generate

ROUNDS = 3
PEER_FUNCTIONS, OUR_FUNCTIONS = 20, 1500  # in each round
INTERNAL_NODES = 10
PEER_LIMIT_SECONDS = 10.0
REQUIRED_RATIO = 50

UNARY = ("log", "exp", "sin", "cos", "tan", "sqrt", "asin", "acos", "atan")
BINARY = ("+", "-", "*", "/", "**")


@dataclass
class Node:
    """A node of the peer's tree: first empty, then an operator with children, or a leaf."""

    symbol: str = ""
    children: list[Node] = field(default_factory=list)

    def text(self) -> str:
        """The subtree as SymPy prints it after reading it."""
        inner = [child.text() for child in self.children]
        if len(inner) == 2:
            written = f"({inner[0]}) {self.symbol} ({inner[1]})"
        else:
            written = f"{self.symbol}({inner[0]})" if inner else self.symbol
        return str(sympy.sympify(written))


@cache
def ways(e: int, n: int) -> int:
    if e == 0 or n == 0:
        return int(e > 0)
    return ways(e - 1, n) + ways(e, n - 1) + ways(e + 1, n - 1)


def peer_tree(n: int, rng: np.random.Generator) -> Node:
    root = Node()
    empty = [root]
    while n:
        choices = [(k, arity) for k in range(len(empty)) for arity in (1, 2)]
        weights = np.array([ways(len(empty) - k - 1 + arity, n - 1) for k, arity in choices], dtype=float)
        k, arity = choices[rng.choice(len(choices), p=weights / weights.sum())]
        for leaf in empty[:k]:
            leaf.symbol = peer_leaf(rng)
        empty[k].symbol = str(rng.choice(UNARY if arity == 1 else BINARY))
        empty[k].children = [Node() for _ in range(arity)]
        empty, n = [*empty[k + 1 :], *empty[k].children], n - 1
    for leaf in empty:
        leaf.symbol = peer_leaf(rng)
    return root


def peer_leaf(rng: np.random.Generator) -> str:
    return "x" if rng.random() < 0.5 else str(int(1 - math.log(1 - rng.random())))


def peer_function(seed: int, answer: Connection) -> None:
    tree = peer_tree(INTERNAL_NODES, np.random.default_rng(seed))
    answer.send(str(sympy.simplify(sympy.sympify(tree.text()))))


def our_seconds(folder: Path, start_index: int) -> tuple[float, int]:
    config = GenerateConfig(
        count=OUR_FUNCTIONS, internal_nodes=(INTERNAL_NODES, INTERNAL_NODES), start_index=start_index, workers=1
    )
    started = time.monotonic()
    next_index = generate(folder, config).counts["next_index"]
    return time.monotonic() - started, next_index


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("one_core")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_generate_is_fifty_times_as_fast_as_the_first_authors_way(
    tmp_path: Path, ask_killed_process: Callable[..., Any], machine: str
) -> None:
    peer = ours = 0.0
    start_index = 0
    for turn in range(ROUNDS):  # in turns, so that both meet the machine in all its moods
        started = time.monotonic()
        for seed in range(turn * PEER_FUNCTIONS, (turn + 1) * PEER_FUNCTIONS):
            ask_killed_process(peer_function, seed, limit_seconds=PEER_LIMIT_SECONDS)
        peer += time.monotonic() - started
        seconds, start_index = our_seconds(tmp_path, start_index)
        ours += seconds
    peer_rate, our_rate = ROUNDS * PEER_FUNCTIONS / peer, ROUNDS * OUR_FUNCTIONS / ours
    print(
        f"\n{INTERNAL_NODES} internal nodes, one core: {machine}"
        f"\n  first author's way {peer_rate:8.2f} functions/s ({ROUNDS * PEER_FUNCTIONS} functions)"
        f"\n  generate           {our_rate:8.1f} functions/s ({ROUNDS * OUR_FUNCTIONS} functions)"
        f"\n  ratio              {our_rate / peer_rate:8.1f}"
    )
    assert our_rate / peer_rate >= REQUIRED_RATIO
