"""The package's names, and that importing it costs little more than SymPy."""

import subprocess
import sys

from intclass.components.shared import expressions


def test_public_names() -> None:
    assert set(expressions.__all__) == {
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
    }
    for name in expressions.__all__:
        assert hasattr(expressions, name)


def test_import_brings_in_nothing_but_sympy_and_the_standard_library() -> None:
    program = (
        "import sympy, sys; before = set(sys.modules); import intclass.components.shared.expressions;"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) - set(sys.stdlib_module_names) <= {"intclass", "sympy"}
