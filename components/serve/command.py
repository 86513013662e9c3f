"""The command line of `intclass serve` that has the same effect as a configuration, and the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import typer

from intclass.components.serve.config import ServeConfig
from intclass.components.shared.command import application
from intclass.components.shared.errors import ConfigError

MODULE = "intclass.components.serve"


def serve_arguments(model: str, config: ServeConfig) -> list[str]:
    """`--model=MODEL --name=value ...`, every setting named; raises ConfigError for limits, which have no option."""
    if config.limits is not None:
        raise ConfigError("limits: the command line takes none, so a server in another process cannot have them")
    settings = {field.name: getattr(config, field.name) for field in fields(config)}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items() if value is not None]
    return [f"--model={model}", *options]


def serve_config(options: Sequence[str]) -> ServeConfig:
    """The configuration that these options of `intclass serve` mean; raises click's own error for a wrong one."""
    from intclass.components.serve.__main__ import main

    app = application()
    app.command()(main)
    parameters = typer.main.get_command(app).make_context("serve", list(options)).params
    return ServeConfig(
        **{field.name: parameters[field.name] for field in fields(ServeConfig) if field.name != "limits"}
    )
