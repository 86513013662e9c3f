"""Random functions: uniform unary-binary trees, filled from a grammar, without junk and duplicates."""

from intclass.components.generate._generate import generate
from intclass.components.generate.config import FAMILIES, GenerateConfig, parse_families, parse_internal_nodes

__all__ = ["FAMILIES", "GenerateConfig", "generate", "parse_families", "parse_internal_nodes"]
