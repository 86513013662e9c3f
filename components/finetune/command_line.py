"""The command line of finetune that has the same effect as a configuration, for those who start it elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Final

import typer

from intclass.components.finetune.config import FinetuneConfig
from intclass.components.shared.command import application

MODULE: Final = "intclass.components.finetune"


def finetune_arguments(dataset: str, out: str, config: FinetuneConfig) -> list[str]:
    """`DATASET --out OUT --name value ...`, with those options that differ from finetune's own defaults."""
    usual, arguments = FinetuneConfig(), [dataset, "--out", out]
    for name in (field.name for field in fields(FinetuneConfig)):
        value = getattr(config, name)
        if value != getattr(usual, name):
            arguments += _option(name.replace("_", "-"), value)
    return arguments


def finetune_config(options: Sequence[str]) -> FinetuneConfig:
    """The configuration that these options of `intclass finetune` mean; raises click's own error for a wrong one."""
    from intclass.components.finetune.__main__ import main

    app = application()
    app.command()(main)
    context = typer.main.get_command(app).make_context("finetune", ["-", "--out", "-", *options])
    return FinetuneConfig(**{field.name: context.params[field.name] for field in fields(FinetuneConfig)})


def _option(name: str, value: object) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", str(value)]
