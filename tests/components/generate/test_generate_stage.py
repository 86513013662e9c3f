from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from intclass.components.generate import GenerateConfig, generate
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, GrammarError, StorageError
from intclass.components.shared.expressions import fingerprint, parse
from intclass.components.shared.grammar import load
from intclass.components.shared.manifest import is_complete, read_manifest
from intclass.components.shared.records import FUNCTIONS, read_table

OWN_GRAMMAR = """
name: polynomials
unary: {pow2: 1}
binary: {add: 1, mul: 1}
leaves: {x: 1, integer: 1}
integers: {uniform: [-3, 3]}
"""


def config(**options: Any) -> GenerateConfig:
    return GenerateConfig(**{"count": 300, "internal_nodes": (2, 4), "workers": 1, **options})


def rows(folder: str | Path) -> list[dict[str, Any]]:
    return list(read_table(folder, FUNCTIONS).to_pylist())


def functions(table: Sequence[dict[str, Any]]) -> dict[int, str]:
    return {row["index"]: row["integrand"] for row in table}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    generate(folder, config())
    return folder


def test_the_count_is_met_by_distinct_functions(drawn: Path) -> None:
    table = rows(drawn)
    assert len(table) == 300
    assert len({row["fingerprint"] for row in table}) == 300
    assert [row["index"] for row in table] == sorted(row["index"] for row in table)


def test_a_row_says_what_it_is_and_where_it_came_from(drawn: Path) -> None:
    for row in rows(drawn):
        assert row["id"] == f"intclass-0-{row['index']:09}"
        assert (row["grammar"], row["seed"], row["generator"]) == ("intclass", 0, "forward")
        assert row["internal_nodes"] in (2, 3, 4)
        assert row["canonical"] == row["integrand"]
        assert row["fingerprint"] == fingerprint(parse(row["integrand"]))
        assert row["label"] is None


def test_the_manifest_accounts_for_every_draw(drawn: Path) -> None:
    manifest = read_manifest(drawn)
    counts = manifest.counts
    refused = sum(number for name, number in counts.items() if name.startswith("refused_"))
    assert counts["rows"] == 300
    assert counts["drawn"] == counts["rows"] + counts["duplicates"] + refused
    assert counts["next_index"] == counts["rows"] + counts["duplicates"] == rows(drawn)[-1]["index"] + 1
    assert counts["duplicates"] > 0
    assert counts["refused_constant"] > 0
    assert set(manifest.files) == {"functions.parquet", "grammar.yaml"}
    assert manifest.inputs == {"grammar": load("intclass").fingerprint}


def test_several_workers_write_the_same_bytes_as_one(drawn: Path, tmp_path: Path) -> None:
    again = generate(tmp_path, config(workers=2))
    assert (tmp_path / "functions.parquet").read_bytes() == (drawn / "functions.parquet").read_bytes()
    assert again.fingerprint == read_manifest(drawn).fingerprint
    assert again.counts == read_manifest(drawn).counts


@pytest.mark.parametrize("start", [1, 100, 128, 200])
def test_a_run_that_starts_later_draws_the_same_functions(start: int, drawn: Path, tmp_path: Path) -> None:
    generate(tmp_path, config(count=40, start_index=start))
    whole, part = functions(rows(drawn)), functions(rows(tmp_path))
    assert min(part) == start
    shared = whole.keys() & part.keys()
    assert len(shared) > 25
    assert all(whole[index] == part[index] for index in shared)


def test_runs_that_go_on_where_the_last_ended_make_one_long_run(drawn: Path, tmp_path: Path) -> None:
    start, seen, merged = 0, set(), {}
    for shard in range(3):
        manifest = generate(tmp_path / str(shard), config(count=100, start_index=start))
        start = manifest.counts["next_index"]
        for row in rows(tmp_path / str(shard)):
            if row["fingerprint"] not in seen:
                seen.add(row["fingerprint"])
                merged[row["index"]] = row["integrand"]
    whole = functions(rows(drawn))
    assert merged == {index: whole[index] for index in merged}
    assert list(merged) == list(whole)[: len(merged)]


def test_certified_rows_carry_what_is_known_of_them_and_any_number_of_workers_draws_the_same(tmp_path: Path) -> None:
    families = {"forward": 1.0, "backward": 1.0, "disguised": 2.0}
    manifests = [
        generate(tmp_path / str(workers), config(count=150, families=families, workers=workers)) for workers in (1, 2)
    ]
    first, second = (tmp_path / name / "functions.parquet" for name in ("1", "2"))
    assert first.read_bytes() == second.read_bytes()
    assert manifests[0].counts == manifests[1].counts
    table, counts = rows(tmp_path / "1"), manifests[0].counts
    for row in table:
        assert (row["label"] is None) == (row["certificate"] is None) == (row["generator"] == "forward")
        assert (row["antiderivative"] is not None) == (row["label"] == "elementary")
    for family in families:
        assert counts[f"rows_{family}"] == sum(row["generator"] == family for row in table) > 15
        assert counts[f"drawn_{family}"] >= counts[f"rows_{family}"]
    assert sum(counts[f"drawn_{family}"] for family in families) == counts["drawn"]
    for label in ("elementary", "nonelementary"):
        assert counts[label] == sum(row["label"] == label for row in table) > 15


def test_seeds_and_grammars_draw_apart(drawn: Path, tmp_path: Path) -> None:
    generate(tmp_path / "seed", config(count=50, seed=1))
    generate(tmp_path / "grammar", config(count=50, grammar="lample-charton"))
    first = functions(rows(drawn))
    for other in ("seed", "grammar"):
        table = functions(rows(tmp_path / other))
        assert sum(first.get(index) == text for index, text in table.items()) < 5


def test_a_users_grammar_and_folder_on_disk_and_bucket(storage_root: str) -> None:
    path, out = storage.join(storage_root, "own.yaml"), storage.join(storage_root, "out")
    storage.write_text(path, OWN_GRAMMAR)
    manifest = generate(out, config(count=60, grammar=path, internal_nodes=(3, 6)))
    assert manifest.config["grammar"] == path
    table = rows(out)
    assert len(table) == 60
    assert all(row["id"].startswith("polynomials-0-") for row in table)
    assert not any(name in row["integrand"] for row in table for name in ("sin", "exp", "/", "sqrt"))
    assert load(storage.join(out, "grammar.yaml")) == load(path)


def test_a_space_that_is_used_up_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    tiny = tmp_path / "tiny.yaml"
    tiny.write_text("name: tiny\nunary: {sin: 1, cos: 1}\nleaves: {x: 1}\nintegers: {uniform: [1, 1]}\n")
    generate(tmp_path / "out", config(count=4, grammar=str(tiny), internal_nodes=(2, 2)))
    with pytest.raises(ConfigError) as caught:
        generate(tmp_path / "out", config(count=5, grammar=str(tiny), internal_nodes=(2, 2)))
    assert "grammar 'tiny' with 2 to 2 internal nodes has few functions: 4 were found" in str(caught.value)
    assert "ask for at most 4, or for more internal nodes" in str(caught.value)
    assert not is_complete(tmp_path / "out"), "the older run's manifest does not vouch for this one"


def test_a_grammar_that_is_not_there_is_named_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(GrammarError, match="no grammar 'none'"):
        generate(tmp_path / "out", config(grammar="none"))
    with pytest.raises(StorageError, match=r"none\.yaml: no such file"):
        generate(tmp_path / "out", config(grammar=str(tmp_path / "none.yaml")))
    assert not (tmp_path / "out").exists()


def test_progress_goes_to_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generate(tmp_path, config(count=20))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "generate: 0/20 (0 %)"
    assert lines[-1].startswith("generate: 20/20 (100 %), ")
    assert "functions/s" in lines[-1]


def test_the_manifest_holds_seconds_under_stats_alone(drawn: Path) -> None:
    manifest = json.loads((drawn / "manifest.json").read_text())
    assert manifest["stats"].keys() == {"seconds", "functions_per_second"}
    assert "seconds" not in json.dumps({**manifest, "stats": None})
