"""Named sets of pipeline arguments. Whatever a preset leaves out has the pipeline's own default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from intclass.components.shared.cores import available_cores
from intclass.components.shared.errors import ConfigError

# kfp.local runs at most two iterations of a loop at a time; the cores are shared out between them.
LOCAL_SHARDS: Final = 2


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Pipeline arguments under a name, with a line that says what they are for."""

    name: str
    purpose: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


def _local(**arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - pipeline arguments are of many types
    return {
        "num_shards": LOCAL_SHARDS,
        "workers": max(1, available_cores() // LOCAL_SHARDS),
        "base_model": "small",
        **arguments,
    }


PRESETS: Final[Mapping[str, Preset]] = {
    preset.name: preset
    for preset in [
        Preset(
            name="laptop",
            purpose="the whole way in a few minutes on two cores: small functions, the small model",
            arguments=_local(count=2400, internal_nodes="2-6", limit_seconds=0.5, epochs=15),
        ),
        Preset(
            name="smoke",
            purpose="the whole way in a minute, to see that it works; the model learns next to nothing",
            arguments=_local(count=240, internal_nodes="2-4", limit_seconds=0.5, epochs=3),
        ),
        Preset(
            name="overnight",
            purpose="a night on a desktop: a dataset and a small model worth keeping",
            arguments=_local(count=300_000, internal_nodes="3-12", limit_seconds=0.5, epochs=20),
        ),
        Preset(name="cluster", purpose="the pipeline's own defaults, made for a cluster"),
    ]
}


def find_preset(name: str) -> Preset:
    """The preset of that name; raises ConfigError listing the names there are."""
    try:
        return PRESETS[name]
    except KeyError:
        raise ConfigError(f"no preset '{name}'; there are {', '.join(PRESETS)}") from None
