"""How much faster N workers are than one, with either scheduler: prints a table, writes speedup.json and speedup.svg.

Two measurements, both through the pool, the schedulers and the processes that `integrate` uses:

- Replayed: measured solving times, drawn from what `intclass estimate` brings along, scaled, and slept. Sleeping needs
  no core, so N may go beyond the cores: it shows what scheduling itself costs, and what the heavy tail does.
- Solved: functions of the first author's distribution, integrated and checked, with at most one worker a core.

Starting the processes is not in the times. What else the machine does is; its load is written down.

    python tests/benchmarks/speedup.py --out docs
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import functools
import json
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from intclass.components.integrate import IntegrateConfig
from intclass.components.integrate._balance import Balance
from intclass.components.integrate._crew import crew
from intclass.components.integrate._functions import Function, read_functions
from intclass.components.integrate._plan import label
from intclass.components.integrate._pool import Pool
from intclass.components.integrate._schedule import Job, Scheduler, run_jobs
from intclass.components.integrate._steal import Steal
from intclass.components.integrate._tasks import Ending, Step
from intclass.components.integrate._worker import Fate, Role
from intclass.components.shared.charts import Axis, Margins, Plot
from intclass.components.shared.cores import available_cores
from intclass.pipelines.estimate import load_solve_times

PEER_FUNCTIONS = Path(__file__).parent.parent / "data" / "peer_functions.jsonl"
SCHEDULERS: dict[str, type[Scheduler[Any, Any]]] = {"balance": Balance, "steal": Steal}
REPLAY_WORKERS = (1, 2, 4, 8, 16)
LIMIT_SECONDS = 0.5

Row = dict[str, Any]
Run = Callable[[type[Scheduler[Any, Any]]], tuple[float, int]]  # to wall seconds and steals


def draw_times(number: int, total: float) -> list[float]:
    """So many measured solving times, at random, scaled so that they add up to `total` seconds."""
    import intclass.pipelines.estimate as estimate

    distribution = load_solve_times(Path(estimate.__path__[0], "measured.json")).distribution()
    rng = np.random.default_rng(0)
    seconds = rng.choice(distribution.seconds, size=number, p=distribution.shares)
    return [float(each) for each in seconds * (total / seconds.sum())]


@contextlib.contextmanager
def replay(times: Sequence[float], workers: int) -> Iterator[Run]:
    """A warm pool that sleeps through the times."""

    def sleep(seconds: float) -> Generator[Step, Ending, None]:
        ending = yield Step(role="sleeper", payload={"seconds": seconds}, limit_seconds=60.0)
        assert ending.fate is Fate.DONE

    role = Role(name="sleeper", target="sleeper:Sleeper", steps=10**6)
    with Pool([role], workers=workers, memory_bytes=2**30) as pool:
        _drain(pool, Balance, enumerate(sleep(0.2) for _ in range(workers)))
        yield lambda scheduler: _drain(pool, scheduler, enumerate(map(sleep, times)))


@contextlib.contextmanager
def solve(functions: Sequence[Function], workers: int) -> Iterator[Run]:
    """A warm pool with the best engine there is, which integrates the functions and checks every answer."""
    warm = [Function(id=str(n), integrand=f"{n}*x") for n in range(16 * workers)]
    with crew(IntegrateConfig(engines=("auto",), limit_seconds=LIMIT_SECONDS, workers=workers)) as (pool, plan):

        def jobs(functions: Iterable[Function]) -> Iterator[Job[str, Any]]:
            return ((function.id, label(function, plan)) for function in functions)

        _drain(pool, Balance, jobs(warm))
        yield lambda scheduler: _drain(pool, scheduler, jobs(functions))


def _drain(pool: Pool, kind: type[Scheduler[Any, Any]], jobs: Iterable[Job[Any, Any]]) -> tuple[float, int]:
    scheduler = kind(jobs, lanes=pool.size)
    start = time.monotonic()
    for _ in run_jobs(pool, scheduler):
        pass
    return time.monotonic() - start, scheduler.steals


def measure(open_pool: Callable[[int], AbstractContextManager[Run]], workers: Sequence[int]) -> list[Row]:
    """A row for each number of workers and each scheduler, printed as it comes."""
    rows: list[Row] = []
    alone: dict[str, float] = {}
    for number in workers:
        with open_pool(number) as run:
            for name, scheduler in SCHEDULERS.items():
                seconds, steals = run(scheduler)
                speedup = alone.setdefault(name, seconds) / seconds
                print(
                    f"{name:>9}{number:>4} workers{seconds:>8.2f} s{speedup:>7.2f} times{steals:>6} steals", flush=True
                )
                row = {"scheduler": name, "workers": number, "seconds": round(seconds, 3), "steals": steals}
                rows.append({**row, "speedup": round(speedup, 2)})
    return rows


STYLE = """
text { font: 13px system-ui, sans-serif; fill: #333 } .tick { fill: #666; font-size: 12px }
.grid { stroke: #ddd } polyline { fill: none; stroke-width: 2 } .bound { stroke: #999; stroke-dasharray: 4 4 }
.balance { stroke: #1f6fb2; fill: #1f6fb2 } .steal { stroke: #c4571b; fill: #c4571b } polyline { fill: none !important }
text.balance, text.steal { stroke: none }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .tick { fill: #aaa } .grid { stroke: #444 } }
"""


def chart(rows: Sequence[Row], times: Sequence[float]) -> str:
    """Speed-up over workers, for each scheduler, below what no scheduler can exceed, as an SVG file."""
    workers = sorted({row["workers"] for row in rows})
    axis = Axis(low=0, high=workers[-1], ticks=workers, label="workers", write="{:g}".format)
    words = "; ".join(f"{row['scheduler']} with {row['workers']}: {row['speedup']}" for row in rows)
    plot = Plot(title="Speed-up over one worker", description=words, x=axis, y=axis, margins=Margins(right=70))
    bounds = [(float(number), min(number, sum(times) / max(times))) for number in range(1, workers[-1] + 1)]
    plot.line(bounds, "bound")
    plot.text(bounds[-1], "bound", "tick", shift=(8, 4))
    for place, name in enumerate(SCHEDULERS):
        points = [(row["workers"], row["speedup"]) for row in rows if row["scheduler"] == name]
        plot.line(points, name)
        for point in points:
            plot.dot(point, name, tip=f"{name} with {point[0]}: {point[1]} times", radius=4 - place)
        plot.text((1, workers[-1] * (0.95 - 0.07 * place)), name, name)
    root = ElementTree.fromstring(plot.markup())
    root.set("xmlns", "http://www.w3.org/2000/svg")
    style = ElementTree.Element("style")
    style.text = STYLE
    root.insert(0, style)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed-up of N workers over one, for both schedulers.")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for speedup.json and speedup.svg")
    parser.add_argument("--replayed", type=int, default=1000, help="solving times that are slept")
    parser.add_argument("--replayed-seconds", type=float, default=20.0, help="what they add up to")
    parser.add_argument("--solved", type=int, default=100, help="functions that are integrated")
    options = parser.parse_args()

    cores, load = available_cores(), os.getloadavg()[0]
    print(f"{cores} cores; processes that wanted one just before: {load:.1f}")
    times = draw_times(options.replayed, options.replayed_seconds)
    print(f"replayed: {len(times)} solving times that add up to {sum(times):g} s, the longest {max(times):.2f} s")
    replayed = measure(functools.partial(replay, times), REPLAY_WORKERS)
    functions = read_functions(PEER_FUNCTIONS)[0][: options.solved]
    print(f"solved: {len(functions)} functions of the first author's, {LIMIT_SECONDS:g} s at most for each")
    solved = measure(functools.partial(solve, functions), range(1, cores + 1))

    report = {
        "date": f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}",
        "cores": cores,
        "load_before": round(load, 2),
        "longest_share": max(times) / sum(times),
        "replayed": replayed,
        "solved": solved,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "speedup.json").write_text(json.dumps(report, indent=1) + "\n")
    (options.out / "speedup.svg").write_text(chart(replayed, times))


if __name__ == "__main__":
    main()
