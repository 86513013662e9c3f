from __future__ import annotations

from dataclasses import fields

import pytest

from intclass.components.distribute import DistributeConfig, distribute
from intclass.components.finetune import FinetuneConfig
from intclass.components.finetune.command_line import finetune_arguments, finetune_config
from intclass.components.shared.errors import ConfigError

OTHERS = FinetuneConfig(
    base_model="tbs17/MathBERT",
    revision="main",
    encoding="infix",
    train_examples=12,
    validation_examples=6,
    positions="sequence",
    epochs=7,
    learning_rate=2e-5,
    batch_tokens=99,
    warmup_fraction=0.5,
    optimizer="sgd",
    max_gradient_norm=2.0,
    weight_decay=0.5,
    dropout=0.5,
    patience=9,
    reorder_arguments=False,
    class_weights="balanced",
    label_smoothing=0.25,
    max_length=64,
    seed=5,
    device="cpu",
    precision="float32",
    compile=True,
    hidden_size=64,
    num_layers=3,
    num_heads=2,
    strategy="local-sgd",
    average_every=3,
    outer_momentum=0.5,
    outer_learning_rate=0.25,
    consistency="async",
    staleness=7,
    servers=3,
    workers=5,
    checkpoint_every=11,
    pause_after=3,
    schedule="cosine",
    batch_growth=4.0,
)


def test_the_other_configuration_is_other_in_every_field() -> None:
    usual = FinetuneConfig()
    assert [f.name for f in fields(usual) if getattr(OTHERS, f.name) == getattr(usual, f.name)] == []


def test_each_option_arrives_at_the_pods() -> None:
    dataset, flag, out, *options = finetune_arguments("gs://b/examples", "gs://b/model", OTHERS)
    assert (dataset, flag, out) == ("gs://b/examples", "--out", "gs://b/model")
    assert finetune_config(options) == OTHERS


def test_defaults_make_no_options() -> None:
    assert finetune_arguments("data", "model", FinetuneConfig()) == ["data", "--out", "model"]


def test_a_wrong_finetune_option_is_refused_before_anything_starts() -> None:
    with pytest.raises(Exception, match="No such option: --epoch"):
        finetune_config(["--epoch", "3"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nodes": 0}, "nodes is 0; give at least 1"),
        ({"min_nodes": 4}, "min_nodes is 4; give at most nodes = 3"),
        ({"launcher": "trainjob", "min_nodes": 1}, "a TrainJob is not elastic"),
        ({"memory": "16 GB"}, "memory is '16 GB'; write it as Kubernetes does"),
        ({"launcher": "slurm"}, "launcher is 'slurm'; choose one of local, pytorchjob, trainjob"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DistributeConfig(**options)  # type: ignore[arg-type]


def test_pods_need_a_store_that_they_can_read() -> None:
    with pytest.raises(ConfigError, match="the pods read and write gs://; give Kubeflow a pipeline root on gs://"):
        distribute("gs://b/e", "minio://b/m", DistributeConfig(launcher="pytorchjob"), FinetuneConfig(), run="r")
