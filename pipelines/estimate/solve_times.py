"""How long functions take, as `integrate` measured it: the whole distribution, by where the functions come from.

Seconds are kept as a histogram with narrow bins and each bin's own mean, so that totals are exact, the heavy tail is
the measured one, and a hundred thousand rows become a page of JSON. What killing and restarting costs is in it twice:
a function's seconds run until its worker is dead, and the busy share is what the pool's workers had left for functions.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, RecordsError
from intclass.components.shared.manifest import Manifest, read_manifest
from intclass.components.shared.records import OUTCOMES, read_table

Floats = npt.NDArray[np.float64]
Origin = tuple[str, str | None, int | None]  # generator, grammar, internal nodes

STAGE: Final = "integrate"
BINS_PER_DECADE: Final = 16  # neighbours differ by 15 %
MIN_SECONDS: Final = 1e-6  # of a function, where a clock saw none
_COLUMNS: Final = ["generator", "grammar", "internal_nodes", "seconds", "answers"]
_PLACE: Final = ("shard", "num_shards")  # options that say which rows, not how they are labelled


@dataclass(frozen=True, kw_only=True)
class Stratum:
    """Functions of one origin: in each bin of the histogram, how many there are and their mean seconds."""

    generator: str
    grammar: str | None
    internal_nodes: int | None
    bins: tuple[tuple[int, float], ...]

    @property
    def functions(self) -> int:
        """How many were measured."""
        return sum(count for count, _ in self.bins)

    @property
    def seconds(self) -> float:
        """What they took together."""
        return sum(count * mean for count, mean in self.bins)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """How solving times were measured.

    Attributes:
        program: intclass and its version.
        options: Those of `integrate`: engines, limits.
        engines: The engines' versions.
        engine_shares: Each engine's part of the seconds; the rest is reading, checking and proving.
        busy_share: Seconds spent on functions over wall seconds times workers, at most 1; None if not known.
        machine: In words.
        date: When it was fitted, ISO 8601.
    """

    program: str
    options: Mapping[str, Any]
    engines: tuple[str, ...]
    engine_shares: Mapping[str, float]
    busy_share: float | None
    machine: str
    date: str


@dataclass(frozen=True, kw_only=True)
class SolveTimes:
    """Solving times by origin, and how they were measured."""

    strata: tuple[Stratum, ...]
    measurement: Measurement

    @property
    def functions(self) -> int:
        """How many were measured."""
        return sum(stratum.functions for stratum in self.strata)

    @property
    def mean_seconds(self) -> float:
        """Of one function."""
        return sum(stratum.seconds for stratum in self.strata) / self.functions

    def select(
        self,
        *,
        generators: Collection[str] = (),
        grammars: Collection[str] = (),
        internal_nodes: Collection[int] = (),
    ) -> SolveTimes:
        """Those of these origins; empty means any. Raises ConfigError if none is left."""
        wanted = tuple(
            stratum
            for stratum in self.strata
            if (not generators or stratum.generator in generators)
            and (not grammars or stratum.grammar in grammars)
            and (not internal_nodes or stratum.internal_nodes in internal_nodes)
        )
        if not wanted:
            there = sorted({f"{stratum.generator} of {stratum.grammar}" for stratum in self.strata})
            raise ConfigError(f"no such functions were measured; there are {', '.join(there)}")
        return replace(self, strata=wanted)

    def resample(self, rng: np.random.Generator) -> Distribution:
        """The distribution that another measurement of as many functions of each origin might have given.

        The bootstrap (Efron 1979): how far the mean is known from so many functions is most of what is not known about
        a run of millions.
        """
        counts = [
            rng.multinomial(stratum.functions, np.array([count for count, _ in stratum.bins]) / stratum.functions)
            for stratum in self.strata
        ]
        return Distribution(self._means(), np.concatenate(counts))

    def distribution(self) -> Distribution:
        """The measured distribution itself."""
        return Distribution(self._means(), np.array([count for one in self.strata for count, _ in one.bins]))

    def _means(self) -> Floats:
        return np.array([mean for stratum in self.strata for _, mean in stratum.bins])


class Distribution:
    """Seconds of one function: the values (bins,), and how often each was seen (bins,)."""

    def __init__(self, seconds: Floats, counts: npt.NDArray[np.integer]) -> None:
        self.seconds = seconds
        self.shares: Floats = counts / counts.sum()
        self.mean = float(self.shares @ seconds)
        self.variance = float(self.shares @ (seconds - self.mean) ** 2)

    def draw_totals(self, rng: np.random.Generator, functions: npt.NDArray[np.integer]) -> Floats:
        """Seconds that so many functions (units,) take together.

        The sum of many independent times is near normal; a gamma distribution of the sum's own mean and variance also
        has most of its skewness and is never negative.
        """
        if self.variance == 0:
            return np.asarray(functions * self.mean, dtype=np.float64)
        return rng.gamma(functions * (self.mean**2 / self.variance), self.variance / self.mean)

    def draw_ages(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        """Seconds that a worker has spent, at any moment, on the function it has then.

        Long functions are met more often, in proportion to their seconds, and at any point of their time (the
        inspection paradox of renewal theory; Cox 1962). What is left of the function has the same distribution.
        """
        cumulated = np.cumsum(self.shares * self.seconds)
        met = np.searchsorted(cumulated, rng.uniform(0, cumulated[-1], shape), side="right")
        return self.seconds[np.minimum(met, len(self.seconds) - 1)] * rng.uniform(0, 1, shape)


def fit_solve_times(folders: Sequence[str | Path], *, machine: str = "") -> SolveTimes:
    """The solving times in what `integrate` wrote.

    Args:
        folders: Its output folders, local or gs://, all made under the same options.
        machine: What it ran on, in words.

    Raises StorageError, RecordsError, and ConfigError for folders of other options.
    """
    manifests = [_read_manifest(folder) for folder in folders]
    options = _common_options(manifests, folders)
    seconds: dict[Origin, list[float]] = {}
    engines: Counter[str] = Counter()
    versions: set[str] = set()
    for folder in folders:
        for row in read_table(folder, OUTCOMES).select(_COLUMNS).to_pylist():
            origin = (row["generator"], row["grammar"], row["internal_nodes"])
            seconds.setdefault(origin, []).append(max(row["seconds"], MIN_SECONDS))
            versions.update(answer["engine_version"] for answer in row["answers"])
            for answer in row["answers"]:
                engines[answer["engine"]] += answer["seconds"]
    if not seconds:
        raise RecordsError(f"{', '.join(map(str, folders))}: no functions")
    total = sum(map(sum, seconds.values()))
    measurement = Measurement(
        program=manifests[0].program,
        options=options,
        engines=tuple(sorted(versions)),
        engine_shares={name: round(spent / total, 4) for name, spent in sorted(engines.items())},
        busy_share=_busy_share(manifests),
        machine=machine,
        date=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    )
    origins = sorted(seconds, key=lambda origin: (origin[0], origin[1] or "", origin[2] or 0))
    return SolveTimes(strata=tuple(_stratum(one, seconds[one]) for one in origins), measurement=measurement)


def _read_manifest(folder: str | Path) -> Manifest:
    manifest = read_manifest(folder)
    if manifest.stage != STAGE:
        raise RecordsError(f"{folder}: made by {manifest.stage}; give the folders that {STAGE} made")
    return manifest


def _common_options(manifests: Sequence[Manifest], folders: Sequence[str | Path]) -> Mapping[str, Any]:
    options = [{key: value for key, value in one.config.items() if key not in _PLACE} for one in manifests]
    for folder, other in zip(folders, options, strict=True):
        if other != options[0]:
            raise ConfigError(f"{folder}: labelled under other options than {folders[0]}; fit them apart")
    return options[0]


def _busy_share(manifests: Sequence[Manifest]) -> float | None:
    """Over all folders; a run that was interrupted knows only the wall seconds of its last part, and is left out."""
    worked = offered = 0.0
    for manifest in manifests:
        stats = manifest.stats
        if {"worker seconds", "seconds", "workers"} <= stats.keys():
            capacity = stats["seconds"] * stats["workers"]
            if stats["worker seconds"] <= capacity:
                worked, offered = worked + stats["worker seconds"], offered + capacity
    return round(worked / offered, 4) if worked else None


def _stratum(origin: Origin, seconds: list[float]) -> Stratum:
    values = np.array(seconds)
    places = np.floor(BINS_PER_DECADE * np.log10(values)).astype(int)
    bins = [(int(n), float(f"{values[places == p].mean():.6g}")) for p, n in sorted(Counter(places.tolist()).items())]
    generator, grammar, internal_nodes = origin
    return Stratum(generator=generator, grammar=grammar, internal_nodes=internal_nodes, bins=tuple(bins))


def save_solve_times(times: SolveTimes, path: str | Path) -> None:
    """Write them as JSON, one stratum a line; the same times give the same bytes."""
    strata = ",\n  ".join(json.dumps(asdict(stratum)) for stratum in times.strata)
    measurement = json.dumps(asdict(times.measurement), sort_keys=True)
    storage.write_text(path, f'{{"measurement": {measurement},\n "strata": [\n  {strata}\n]}}\n')


def load_solve_times(path: str | Path) -> SolveTimes:
    """What `save_solve_times` wrote; raises StorageError, RecordsError."""
    try:
        content = json.loads(storage.read_text(path))
        measurement = content["measurement"]
        return SolveTimes(
            strata=tuple(
                Stratum(**{**one, "bins": tuple((int(n), float(s)) for n, s in one["bins"])})
                for one in content["strata"]
            ),
            measurement=Measurement(**{**measurement, "engines": tuple(measurement["engines"])}),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecordsError(f"{path}: not saved solving times: {error!r}") from error
