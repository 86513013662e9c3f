"""Amounts of cores and memory as Kubernetes writes them."""

from __future__ import annotations

import re
from typing import Final

from intclass.components.shared.errors import ConfigError

_QUANTITY: Final = re.compile(r"\d+(\.\d+)?(m|k|[KMGT]i?)?")


def check_quantity(name: str, text: str) -> None:
    """Raises ConfigError with the option's name if the text is no amount."""
    if not _QUANTITY.fullmatch(text):
        raise ConfigError(f"{name} is {text!r}; write it as Kubernetes does, as 500m, 4 or 16Gi")
