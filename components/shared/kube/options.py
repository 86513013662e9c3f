"""Command line options that several launchers have."""

from __future__ import annotations

from collections.abc import Sequence

from intclass.components.shared.errors import ConfigError


def label_pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    """`LABEL=VALUE` texts as labels; raises ConfigError for one without name or equals sign."""
    labels = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ConfigError(f"{option} {text}: write LABEL=VALUE")
        labels[name] = value
    return labels
