"""Expressions in x: read from text, written as text or prefix words, brought to one form, masked, hashed."""

from __future__ import annotations

from intclass.components.shared.expressions._canonical import canonical, canonical_text, digest, fingerprint
from intclass.components.shared.expressions._family import family, family_shape, family_signature, scaled_form
from intclass.components.shared.expressions._formula import Formula, formula, formula_trusted, sympy_text
from intclass.components.shared.expressions._limits import DEFAULT_LIMITS, TRUSTED_LIMITS, Limits
from intclass.components.shared.expressions._names import X
from intclass.components.shared.expressions._parse import parse, parse_trusted
from intclass.components.shared.expressions._prefix import (
    PREFIX_ARITY,
    PREFIX_VOCABULARY,
    count_nodes,
    from_prefix,
    prefix_words,
)
from intclass.components.shared.expressions._skeleton import skeleton, skeleton_hash, structure_hash
from intclass.components.shared.expressions._text import to_text

__all__ = [
    "DEFAULT_LIMITS",
    "PREFIX_ARITY",
    "PREFIX_VOCABULARY",
    "TRUSTED_LIMITS",
    "Formula",
    "Limits",
    "X",
    "canonical",
    "canonical_text",
    "count_nodes",
    "digest",
    "family",
    "family_shape",
    "family_signature",
    "fingerprint",
    "formula",
    "formula_trusted",
    "from_prefix",
    "parse",
    "parse_trusted",
    "prefix_words",
    "scaled_form",
    "skeleton",
    "skeleton_hash",
    "structure_hash",
    "sympy_text",
    "to_text",
]
