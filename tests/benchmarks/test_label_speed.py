"""`integrate` against the first author's way of labelling, on his own functions, on one core, in one run.

His way, as its description has it: a new process for each function, `sympy.integrate`, killed after 5 seconds; what
comes back without an unevaluated integral is integrable, all else is not. Every one of his rows counts as a label. Ours
is the whole stage, from the file to the written table, started engines and checked answers included, and only what it
decides counts. Seconds are the clock's on a core that both have to themselves in turn, so leave the machine alone: the
processor time of an engine that was killed with its worker is nobody's.

INTCLASS_BENCH_FUNCTIONS names another file of functions; INTCLASS_BENCH_EVERY=10 takes every tenth of them.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import sympy

from intclass.components.integrate import IntegrateConfig, integrate
from intclass.components.integrate._elementary import nature
from intclass.components.integrate._functions import read_functions
from intclass.components.integrate._verify import Agreement, verify
from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions import X, canonical, parse, parse_trusted, to_text
from intclass.components.shared.records import OUTCOMES, read_table

PEER_FUNCTIONS = Path(__file__).parent.parent / "data" / "peer_functions.jsonl"
PEER_LIMIT_SECONDS = 5.0
OUR_LIMIT_SECONDS = 1.0
REQUIRED_RATIO = 20
REQUIRED_SHARE = 0.9


def peer_integrate(integrand: str, answer: Connection) -> None:
    """In a process of its own: the antiderivative as text, or nothing if SymPy fails or leaves an integral in it."""
    try:
        found = sympy.integrate(sympy.sympify(integrand), sympy.Symbol("x"))
    except Exception:  # whatever SymPy comes across is a no, as with him
        answer.send(None)
    else:
        answer.send(None if found.has(sympy.Integral) else str(found))


def our_rows(functions: Path, out: Path) -> list[dict[str, Any]]:
    config = IntegrateConfig(engines=("fricas",), limit_seconds=OUR_LIMIT_SECONDS, workers=1)
    integrate(functions, out, config)
    rows: list[dict[str, Any]] = read_table(out, OUTCOMES).to_pylist()
    return rows


def disagreement(row: Mapping[str, Any], peer: str | None) -> tuple[str, str] | None:
    """Who is right, `ours`, `peer` or `open`, and by which evidence; None where both say the same."""
    ours = row["label"]
    if (ours, peer is not None) in {("elementary", True), ("nonelementary", False)}:
        return None
    if peer is None:
        if ours == "elementary":
            return "ours", f"{row['certificate']}; {row['engine']} found {row['antiderivative']}"
        return "open", f"peer counts it as a no; ours leaves it open: {row['reason']}"
    if row["canonical"] is None:
        return "ours", f"no function: {row['reason']}; peer counts {peer} as its integral"
    return judge_peer_answer(row, peer)


def judge_peer_answer(row: Mapping[str, Any], peer: str) -> tuple[str, str]:
    """His closed form where ours has none, differentiated and compared with the integrand."""
    found = sympy.sympify(peer, locals={"x": X})
    special = nature(found).special
    if special:
        return "ours", f"peer's answer is in {', '.join(special)}, which are not elementary"
    try:
        answer = parse_trusted(to_text(canonical(found)))
    except ExpressionError as error:
        return "ours", f"peer's answer {peer} is none: {error}"
    verification = verify(parse(row["integrand"]), answer, seed=row["integrand"])
    if verification.agreement is Agreement.RIGHT:
        return "peer", f"{verification.method}; ours: {row['reason']}"
    if verification.agreement is Agreement.UNDECIDED:
        return "open", f"{verification.method}; peer's answer {peer}; ours: {row['reason']}"
    return "ours", f"peer's answer {peer} is {verification.agreement}: {verification.method}"


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    """The functions to label, those that the benchmark is asked to take."""
    given = Path(os.environ.get("INTCLASS_BENCH_FUNCTIONS", PEER_FUNCTIONS))
    distinct, _ = read_functions(given)
    chosen = distinct[:: int(os.environ.get("INTCLASS_BENCH_EVERY", "1"))]
    path = tmp_path / "functions.csv"
    path.write_text("integrand\n" + "".join(f'"{function.integrand}"\n' for function in chosen))
    return path


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("one_core")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif(shutil.which("fricas") is None, reason="needs FriCAS (apt-get install fricas)")
def test_labels_come_twenty_times_as_fast_as_the_first_authors_way(
    functions: Path, tmp_path: Path, ask_killed_process: Callable[..., Any], machine: str
) -> None:
    times = [time.monotonic()]
    rows = our_rows(functions, tmp_path / "before")
    times.append(time.monotonic())
    peer = [ask_killed_process(peer_integrate, row["integrand"], limit_seconds=PEER_LIMIT_SECONDS) for row in rows]
    times.append(time.monotonic())
    again = our_rows(functions, tmp_path / "after")
    times.append(time.monotonic())

    before, theirs, after = (end - start for start, end in pairwise(times))
    decided = sum(row["label"] != "unknown" for row in rows + again)
    readable = sum(row["canonical"] is not None for row in rows)
    share = decided / 2 / readable
    peer_rate, our_rate = len(rows) / theirs, decided / (before + after)
    ratio = our_rate / peer_rate
    print(
        f"\n{len(rows)} distinct functions, one core: {machine}"
        f"\n  first author's way {peer_rate:8.2f} labels/s (every row counted), {theirs:.0f} s"
        f"\n  integrate          {our_rate:8.2f} labels/s (decided rows alone), {before:.0f} and {after:.0f} s"
        f"\n  ratio              {ratio:8.1f}"
        f"\n  decided            {share:8.1%} of {readable} that are functions ({decided / 2 / len(rows):.1%} of all)"
    )
    print_disagreements(rows, peer)
    assert ratio >= REQUIRED_RATIO
    assert share >= REQUIRED_SHARE


def print_disagreements(rows: Sequence[Mapping[str, Any]], peer: Sequence[str | None]) -> None:
    found = [(row, answer, disagreement(row, answer)) for row, answer in zip(rows, peer, strict=True)]
    table = [(row, answer, *judged) for row, answer, judged in found if judged is not None]
    print(f"\n{len(table)} disagreements; right by verification: ", end="")
    print(", ".join(f"{who} {sum(right == who for _, _, right, _ in table)}" for who in ("ours", "peer", "open")))
    print("\n| integrand | peer | ours | right | evidence |\n|---|---|---|---|---|")
    for row, answer, right, evidence in sorted(table, key=lambda line: line[2]):
        cells = (row["integrand"], "no" if answer is None else "yes", row["label"], right, evidence)
        print(f"| {' | '.join(shortened(cell) for cell in cells)} |")


def shortened(text: str, most: int = 160) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
