"""A configuration from options that came as JSON, as from a search for the best of them."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

from intclass.components.finetune.config import FinetuneConfig
from intclass.components.shared.errors import ConfigError


def with_options(options: Mapping[str, Any], **base: Any) -> FinetuneConfig:  # noqa: ANN401 - of many types
    """The configuration `base`, changed by the options; Kubeflow hands on whole numbers as 3.0, which become 3 again.

    Raises ConfigError for a name that is no option.
    """
    kinds = typing.get_type_hints(FinetuneConfig)
    unknown = sorted(set(options) - set(kinds))
    if unknown:
        raise ConfigError(f"{', '.join(unknown)}: no option of finetune; there are {', '.join(kinds)}")
    return FinetuneConfig(**{**base, **{name: _typed(value, kinds[name]) for name, value in options.items()}})


def _typed(value: Any, kind: Any) -> Any:  # noqa: ANN401
    whole = int in (kind, *typing.get_args(kind))
    return int(value) if whole and isinstance(value, float) and value.is_integer() else value
