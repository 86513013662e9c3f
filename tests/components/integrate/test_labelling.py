from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from intclass.components.integrate import IntegrateConfig, integrate
from intclass.components.integrate._journal import SUFFIX, FileJournal
from intclass.components.shared import storage
from intclass.components.shared.errors import EngineUnavailableError, RecordsError
from intclass.components.shared.manifest import is_complete, read_manifest
from intclass.components.shared.records import FUNCTIONS, OUTCOMES, read_table, write_table

HOSTILE = "hostile_engines:HostileEngine"
SCRIPTED = "scripted_engine:ScriptedEngine"


def _csv(path: Path, integrands: Sequence[str]) -> Path:
    path.write_text("integrand\n" + "".join(f'"{text}"\n' for text in integrands))
    return path


def _rows(out: str | Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_table(out, OUTCOMES).to_pylist()
    return rows


def _without_times(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows without what differs from run to run: measured seconds, and the memory in use at a kill."""
    return [
        {
            **row,
            "seconds": None,
            "answers": [{**answer, "seconds": None} for answer in row["answers"]],
        }
        for row in rows
    ]


def test_sympy_labels_a_file_of_ones_own(tmp_path: Path, own_processes: Callable[[], list[psutil.Process]]) -> None:
    texts = ["x*exp(x**2)", "exp(x**2)", "1/(x**4+1)", "x*exp(x**2)", "os.system('id')", "sin(x)", "7", "x**x"]
    functions = _csv(tmp_path / "mine.csv", texts)
    config = IntegrateConfig(engines=("sympy",), limit_seconds=30.0, workers=2)
    manifest = integrate(functions, tmp_path / "out", config)
    rows = _rows(tmp_path / "out")
    assert [(row["id"], row["integrand"], row["label"]) for row in rows] == [
        ("0", "x*exp(x**2)", "elementary"),
        ("1", "exp(x**2)", "nonelementary"),
        ("2", "1/(x**4+1)", "elementary"),
        ("4", "os.system('id')", "unknown"),
        ("5", "sin(x)", "elementary"),
        ("6", "7", "elementary"),
        ("7", "x**x", "unknown"),
    ]
    assert [row["verified"] for row in rows] == [True, False, True, False, True, True, False]
    assert rows[1]["certificate"].startswith("Liouville 1835")
    assert rows[1]["answers"][0]["status"] == "solved"  # in special functions, which is a vote
    assert rows[3]["reason"].startswith("unparsable: ")
    assert manifest.counts["functions"] == 7
    assert manifest.counts["duplicates"] == 1
    assert manifest.counts["elementary"] == 4
    assert manifest.counts["unknown: unparsable"] == 1
    assert manifest.counts["sympy solved"] == 5
    assert manifest.stats["workers"] == 2
    assert sorted(manifest.files) == ["outcomes.parquet"]
    assert not (tmp_path / "out" / "journal").exists()
    assert not own_processes()


def test_a_hostile_engine_costs_one_row_each(tmp_path: Path) -> None:
    texts = ["5", "x+1", "x+2", "x+3", "x+4", "x+5", "x+6", "x+7", "x**2"]
    config = IntegrateConfig(engines=(HOSTILE,), limit_seconds=4.0, workers=2, memory_mb=400)
    manifest = integrate(_csv(tmp_path / "mine.csv", texts), tmp_path / "out", config)
    rows = _rows(tmp_path / "out")
    assert [row["reason"].partition(":")[0] for row in rows] == [
        "antiderivative",
        "timeout",
        "crashed",
        "crashed",
        "memory",
        "error",
        "timeout",
        "error",
        "wrong",
    ]
    assert [row["label"] for row in rows] == ["elementary"] + ["unknown"] * 8
    assert all(answer["engine_version"] == "hostile 6.66" for row in rows for answer in row["answers"])
    assert manifest.counts["hostile timeout"] == 2


def test_an_answer_over_the_limit_costs_one_row(tmp_path: Path) -> None:
    config = IntegrateConfig(engines=("hostile_engines:VerboseEngine",), workers=1)
    integrate(_csv(tmp_path / "mine.csv", ["1", "2"]), tmp_path / "out", config)
    reasons = [row["reason"] for row in _rows(tmp_path / "out")]
    assert all(reason.startswith("error: verbose, an antiderivative of 5000001 characters") for reason in reasons)


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    return _csv(tmp_path / "functions.csv", [*(f"{n}*x" for n in range(1, 13)), "exp(x**3)", "sqrt(x**2)", "y"])


CONFIG = IntegrateConfig(engines=(SCRIPTED,), workers=2)


def test_shards_share_out_the_rows_and_workers_change_nothing(functions: Path, tmp_path: Path) -> None:
    integrate(functions, tmp_path / "whole", CONFIG)
    whole = _without_times(_rows(tmp_path / "whole"))
    parts = []
    for shard in range(2):
        config = IntegrateConfig(engines=(SCRIPTED,), workers=1, shard=shard, num_shards=2)
        integrate(functions, tmp_path / f"part{shard}", config)
        parts.append(_without_times(_rows(tmp_path / f"part{shard}")))
    assert [row for rows in itertools.zip_longest(*parts) for row in rows if row] == whole


def test_both_schedulers_come_to_the_same_table_and_share_a_journal(functions: Path, tmp_path: Path) -> None:
    configs = {name: replace(CONFIG, scheduler=name, journal=tmp_path / name) for name in ("balance", "steal")}
    manifests = {name: integrate(functions, tmp_path / f"{name}-out", config) for name, config in configs.items()}
    tables = [_without_times(_rows(tmp_path / f"{name}-out")) for name in configs]
    assert tables[0] == tables[1]
    assert manifests["balance"].config == manifests["steal"].config
    assert manifests["balance"].stats["steals"] == 0
    assert manifests["steal"].stats["steals"] >= 0
    journal = next((tmp_path / "balance").iterdir())
    written = journal.stat().st_size
    integrate(functions, tmp_path / "again", replace(configs["steal"], journal=tmp_path / "balance"))
    assert journal.stat().st_size == written


def test_finished_work_is_done_again_under_other_options_alone(functions: Path, tmp_path: Path) -> None:
    out, journal = tmp_path / "out", tmp_path / "work"
    config = IntegrateConfig(engines=(SCRIPTED,), workers=1, journal=journal)
    first = integrate(functions, out, config)
    written = next(journal.iterdir()).stat().st_size
    assert integrate(functions, out, replace(config, workers=2)) == read_manifest(out) == first
    assert next(journal.iterdir()).stat().st_size == written
    other = integrate(functions, out, replace(config, limit_seconds=1.5))
    assert other.config != first.config
    assert next(journal.iterdir()).stat().st_size > written


@pytest.mark.parametrize("place", ["default", "named"])
def test_a_stopped_run_goes_on_where_it_stopped(
    functions: Path, request: pytest.FixtureRequest, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(request.getfixturevalue("tmp_path" if place == "default" else "gs_root"))
    out = storage.join(root, "out")
    journal = storage.join(root, "work") if place == "named" else None
    config = IntegrateConfig(engines=(SCRIPTED,), workers=1, journal=journal)

    def interrupt(*_: object) -> str:
        raise KeyboardInterrupt

    labelling = "intclass.components.integrate.labelling"
    monkeypatch.setattr(f"{labelling}.write_table", interrupt)
    with pytest.raises(KeyboardInterrupt):
        integrate(functions, out, config)
    assert not is_complete(out)
    monkeypatch.setattr(f"{labelling}.write_table", write_table)
    monkeypatch.setattr(f"{labelling}.crew", None)  # no process is started: there is nothing left to do
    assert integrate(functions, out, config).counts["functions"] == 15
    left = [file for file in storage.list_files(root) if file.endswith(SUFFIX)]
    assert len(left) == (1 if place == "named" else 0)


def test_a_run_killed_at_its_last_moment_is_complete(
    functions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the manifest and the end of the journal."""
    with monkeypatch.context() as patch:
        patch.setattr(FileJournal, "discard", lambda _: None)
        manifest = integrate(functions, tmp_path / "out", CONFIG)
    assert (tmp_path / "out" / "journal").exists()
    assert list(manifest.files) == ["outcomes.parquet"]
    monkeypatch.setattr("intclass.components.integrate.labelling.crew", None)
    assert integrate(functions, tmp_path / "out", CONFIG) == manifest
    assert not (tmp_path / "out" / "journal").exists()


def test_origins_come_from_the_input_not_from_the_journal(tmp_path: Path) -> None:
    journal = tmp_path / "work"
    for run, seed in enumerate((1, 2)):
        row = {"id": f"r{run}", "seed": seed, "generator": "forward", "integrand": "2*x", "canonical": "2*x"}
        write_table(tmp_path / f"functions{run}", [{**row, "fingerprint": "0" * 16}], FUNCTIONS)
        config = IntegrateConfig(engines=(SCRIPTED,), workers=1, journal=journal)
        integrate(tmp_path / f"functions{run}", tmp_path / f"out{run}", config)
        [outcome] = _rows(tmp_path / f"out{run}")
        assert (outcome["id"], outcome["seed"], outcome["label"]) == (f"r{run}", seed, "elementary")


def test_known_labels_are_carried(tmp_path: Path) -> None:
    row = {"id": "a", "generator": "negative", "integrand": "exp(x**2)", "canonical": "exp(x**2)"}
    known = {"fingerprint": "0" * 16, "label": "nonelementary", "certificate": "Liouville"}
    write_table(tmp_path / "functions", [{**row, **known}], FUNCTIONS)
    integrate(tmp_path / "functions", tmp_path / "out", CONFIG)
    [outcome] = _rows(tmp_path / "out")
    assert (outcome["label"], outcome["engine"], outcome["certificate"]) == (
        "nonelementary",
        "construction",
        "Liouville",
    )


def test_an_empty_input_gives_an_empty_table(tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("integrand\n")
    manifest = integrate(tmp_path / "none.csv", tmp_path / "out", CONFIG)
    assert manifest.counts["functions"] == 0
    assert _rows(tmp_path / "out") == []


def test_bad_input_starts_no_process(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("function\nx\n")
    with pytest.raises(RecordsError):
        integrate(tmp_path / "bad.csv", tmp_path / "out", CONFIG)
    assert not (tmp_path / "out").exists()


def test_an_engine_that_does_not_start_is_named(functions: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailableError, match=r"two-faced cannot be used: .*no licence"):
        integrate(functions, tmp_path / "out", IntegrateConfig(engines=("hostile_engines:TwoFacedEngine",)))
