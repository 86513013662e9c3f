"""Random functions: uniform unary-binary trees, filled from a grammar, without junk and duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from intclass.components.shared.lazy import lazily

if TYPE_CHECKING:
    from intclass.components.generate._generate import generate
    from intclass.components.generate.config import FAMILIES, GenerateConfig, parse_families, parse_internal_nodes

__all__ = ["FAMILIES", "GenerateConfig", "generate", "parse_families", "parse_internal_nodes"]

_HOMES: Final = {
    "FAMILIES": "config",
    "GenerateConfig": "config",
    "generate": "_generate",
    "parse_families": "config",
    "parse_internal_nodes": "config",
}

__getattr__ = lazily(__name__, _HOMES)
