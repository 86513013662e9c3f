"""Finding and reading the outcomes of several shards and of several runs, and lists of what to hold out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from sympy import Expr

from intclass.components.dataset._shards import count_missing_shards
from intclass.components.shared import storage
from intclass.components.shared.errors import ExpressionError, RecordsError
from intclass.components.shared.expressions import (
    canonical,
    family,
    family_signature,
    from_prefix,
    parse,
    prefix_words,
    scaled_form,
)
from intclass.components.shared.failure import FAILURE_FILE, read_failure
from intclass.components.shared.manifest import Manifest, is_complete, read_manifest
from intclass.components.shared.records import OUTCOMES, read_table

# The first four say which of several near-copies comes first. Rows that agree in all of them are copies of one row.
ORDER: Final = (
    *("generator", "index", "seed", "grammar", "id", "integrand"),
    *("label", "reason", "seconds", "certificate", "internal_nodes", "fingerprint"),
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Outcomes in one order, whatever the order they were given in, and what is known about the runs behind them.

    The table is that of records.OUTCOMES without antiderivatives, and without the reasons in `answers`. `inputs` holds
    the fingerprint of each folder or file, sorted; `configs` what `integrate` was told, where a manifest says so.
    `missing_shards` of the runs have no table.
    """

    table: pa.Table
    inputs: Sequence[str]
    configs: Sequence[dict[str, Any]]
    missing_shards: int = 0

    @property
    def limit_seconds(self) -> float | None:
        """The shortest limit that any of the runs gave an engine, or None where no manifest tells."""
        return min((config["limit_seconds"] for config in self.configs if "limit_seconds" in config), default=None)


def read_outcomes(paths: Iterable[str | Path], *, min_success_ratio: float = 1.0) -> Source:
    """All outcomes in the Parquet files, and in the folders and the folders below them.

    Of the shards of one run at least the share `min_success_ratio` must be there.

    Raises StorageError or RecordsError naming the path at fault, or saying which shards are missing.
    """
    found = sorted({file for path in paths for file in _files_below(path)})
    files = [file for file in found if not _is_failure(file)]
    manifests = {file: _manifest_beside(file) for file in files}
    missing_shards = count_missing_shards(
        [manifest for manifest in manifests.values() if manifest],
        [read_failure(file) for file in found if _is_failure(file)],
        min_success_ratio=min_success_ratio,
    )
    table = pa.concat_tables([_lean(read_table(file, OUTCOMES)) for file in files])
    return Source(
        table=table.sort_by([(name, "ascending") for name in ORDER]),
        inputs=sorted(
            manifest.fingerprint if manifest else _digest(storage.read_bytes(file))
            for file, manifest in manifests.items()
        ),
        configs=[dict(manifest.config) for manifest in manifests.values() if manifest],
        missing_shards=missing_shards,
    )


def _files_below(path: str | Path) -> list[str]:
    """Tables of outcomes, and what shards left that failed."""
    if str(path).endswith(".parquet"):
        return [str(path)]
    names = (OUTCOMES.file_name, FAILURE_FILE)
    files = [file for file in storage.list_files(path) if file.rpartition("/")[2] in names]
    if not files:
        raise RecordsError(f"{path}: no {OUTCOMES.file_name} in it or below it; `intclass integrate` writes one")
    return files


def _is_failure(file: str) -> bool:
    return file.rpartition("/")[2] == FAILURE_FILE


def _lean(outcomes: pa.Table) -> pa.Table:
    """Without the long texts: an antiderivative may have 100 kB, and Arrow sorts no column of more than 2 GiB."""
    answers = outcomes["answers"].combine_chunks()
    names = ("engine", "engine_version", "status", "seconds")
    values = pa.StructArray.from_arrays([answers.values.field(name) for name in names], names)
    lean = pa.ListArray.from_arrays(answers.offsets, values)
    return outcomes.drop_columns(["answers", "antiderivative"]).append_column("answers", lean)


def _manifest_beside(file: str) -> Manifest | None:
    """The manifest of the folder that the table lies in, if that is its stage's."""
    folder, _, name = file.rpartition("/")
    if name == OUTCOMES.file_name and is_complete(folder or "."):
        return read_manifest(folder or ".")
    return None


@dataclass(frozen=True, kw_only=True)
class HoldOuts:
    """Families of functions to leave out, and the fingerprints of the files that named them, sorted."""

    families: frozenset[str]
    inputs: Sequence[str]


def read_hold_outs(paths: Iterable[str]) -> HoldOuts:
    """What the text files hold, one integrand a line; empty lines and those that begin with # hold none.

    Raises ExpressionError naming file and line of an integrand that cannot be read.
    """
    texts = {path: storage.read_text(path) for path in paths}
    families = {family(each) for path, text in texts.items() for each in _integrands(path, text)}
    return HoldOuts(families=frozenset(families), inputs=_digests(texts))


@dataclass(frozen=True, kw_only=True)
class ScaledForms:
    """Scaled forms of functions to leave out, their signatures, and the fingerprints of the files, sorted."""

    forms: frozenset[str] = frozenset()
    signatures: frozenset[tuple[str, ...]] = frozenset()
    inputs: Sequence[str] = ()

    def mask(self, prefixes: Sequence[str]) -> list[bool]:
        """Which of these functions, in prefix words, are to be left out."""
        return [
            family_signature(prefix) in self.signatures and scaled_form(from_prefix(prefix.split())) in self.forms
            for prefix in prefixes
        ]

    def drop(self, rows: pa.Table) -> tuple[pa.Table, dict[str, int]]:
        """The rows that stay, and how many do not."""
        kept = rows.filter(pa.array([not found for found in self.mask(rows["prefix"].to_pylist())], pa.bool_()))
        return kept, {"scaled_copy": len(rows) - len(kept)}


def read_scaled_forms(paths: Iterable[str]) -> ScaledForms:
    """What the text files hold, as `read_hold_outs` reads them."""
    texts = {path: storage.read_text(path) for path in paths}
    integrands = [canonical(each) for path, text in texts.items() for each in _integrands(path, text)]
    return ScaledForms(
        forms=frozenset(map(scaled_form, integrands)),
        signatures=frozenset(family_signature(" ".join(prefix_words(each))) for each in integrands),
        inputs=_digests(texts),
    )


def _digests(texts: Mapping[str, str]) -> list[str]:
    return sorted(_digest(text.encode()) for text in texts.values())


def _integrands(path: str, text: str) -> Iterator[Expr]:
    for number, line in enumerate(text.splitlines(), start=1):
        integrand = line.strip()
        if not integrand or integrand.startswith("#"):
            continue
        try:
            yield parse(integrand)
        except ExpressionError as error:
            raise ExpressionError(f"{path}, line {number}: {error}", position=error.position) from error


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
