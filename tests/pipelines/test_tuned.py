"""The compiled pipeline with a search before its training: the best trial's options arrive in the model.

In pods of the test cluster, trials really train; artifacts lie on disk, which the pods share.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from intclass.components.shared.manifest import read_manifest
from intclass.components.tune import read_best
from intclass.pipelines.local import run_pipeline
from intclass.pipelines.presets import find_preset
from tests.cluster import Cluster
from tests.cluster.resources import EXPERIMENTS, JOBS, TRIALS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

SPACE = "hidden_size: [16, 32]\nnum_layers: [1]\nnum_heads: [2]\nlearning_rate: {min: 1e-3, max: 1e-2, log: true}\n"


def run_with_search(folder: Path, **arguments: object) -> None:
    """Two trials; the model's options are those of the better one."""
    space = folder / "space.yaml"
    space.write_text(SPACE)
    searching = {"tune_trials": 2, "tune_space": str(space), "tune_sampler": "random", "tune_pruner": "none"}
    smoke = {**find_preset("smoke").arguments, "engines": "sympy", "target": "solved", "solved_within_seconds": 0.5}
    result = run_pipeline({**smoke, **searching, **arguments}, folder / "run")
    [found] = (folder / "run").rglob("trials/best.json")
    best = read_best(found.parent)
    assert set(best) == {"hidden_size", "num_layers", "num_heads", "learning_rate"}
    trained = read_manifest(result.paths["model"]).config
    assert {name: trained[name] for name in best} == pytest.approx(best)
    assert read_manifest(found.parent).counts["trials"] == 2


def test_on_this_machine(tmp_path: Path) -> None:
    run_with_search(tmp_path)


@pytest.mark.parametrize("by", ["katib", "jobs"])
def test_in_pods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    with Cluster(tmp_path / "cluster", environment={"OMP_NUM_THREADS": "1"}) as cluster:
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
        run_with_search(tmp_path, launcher="kubernetes", run="run-1", nodes=1, tune_by=by, margin=0.99)
        assert len(cluster.store.all(TRIALS)) == (2 if by == "katib" else 0)
        assert len(cluster.store.all(EXPERIMENTS)) == (1 if by == "katib" else 0)
        assert [job["metadata"]["name"] for job in cluster.store.all(JOBS)] == ["run-1-integrate"]
    logs = {file.parent.name for file in (tmp_path / "run").rglob("trials/*/log-*.txt")}
    assert len(logs) == 2
