"""What is kept of Katib's trials, whose pods go with their end. A few lines of shell stand in for finetune."""

from __future__ import annotations

from pathlib import Path

import pytest

from intclass.components.finetune import FinetuneConfig
from intclass.components.shared.images import TRAIN
from intclass.components.tune import ClusterConfig, TuneConfig
from intclass.components.tune.experiment import follow_experiment
from intclass.components.tune.reading import parse_space
from tests.cluster import Cluster
from tests.cluster.resources import JOBS

SPACE = parse_space("dropout: {min: 0.0, max: 0.3}\nschedule: [linear, cosine]\n", source="test")
TRAINING = """#!/bin/sh
for argument; do case $argument in --dropout=*) loss=${argument#--dropout=};; esac; done
for epoch in 1 2; do echo epoch=$epoch validation_loss=$loss; sleep 4; done
"""


@pytest.mark.timeout(300)
def test_logs_curves_and_importance_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "python"
    program.parent.mkdir()
    program.write_text(TRAINING)
    program.chmod(0o755)
    with Cluster(tmp_path / "cluster", images={TRAIN: {"PATH": f"{program.parent}:/usr/bin:/bin"}}) as cluster:
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(cluster.kubeconfig))
        outcome = follow_experiment(
            "examples",
            tmp_path / "study",
            SPACE,
            TuneConfig(launcher="kubernetes", sampler="random", pruner="none", trials=4, parallel=4),
            base=FinetuneConfig(epochs=2),
            cluster=ClusterConfig(),
            run="run-1",
        )
        assert not cluster.store.all(JOBS)
    assert [trial.state for trial in outcome.trials] == ["complete"] * 4
    for trial in outcome.trials:
        assert trial.curve == pytest.approx(dict.fromkeys((1, 2), trial.point["dropout"]))
    assert max(outcome.importances, key=lambda name: outcome.importances[name]) == "dropout"
    logs = list((tmp_path / "study" / "trials").glob("*/log-*.txt"))
    assert len({log.parent for log in logs}) == len(logs) == 4
    assert all(log.read_text().splitlines()[1].startswith("epoch=2 ") for log in logs)
