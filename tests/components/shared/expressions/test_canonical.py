"""The canonical form: what it makes equal, what it leaves apart, and that nothing else goes into it."""

import json
import os
import subprocess
import sys

import pytest
import sympy
from sympy import Add, Mul, Pow, exp, log, sin, sqrt

from intclass.components.shared.expressions import X, canonical, canonical_text, fingerprint, parse, to_text

SAME = [
    ("x*sin(x) + 1", "1 + sin(x)*x"),
    ("x - 1", "-1 + x"),
    ("x/sqrt(x)", "sqrt(x)"),
    ("1/x^2", "x^-2"),
    ("2*x + x", "3*x"),
    ("2*(x + 1)", "2*x + 2"),
    ("exp(x)^2", "exp(2*x)"),
    ("e^x", "exp(x)"),
    ("sqrt(4*x)", "2*sqrt(x)"),
    ("-(x + 1)", "-x - 1"),
    ("sin(-x)", "-sin(x)"),
    ("x/2*3", "3*x/2"),
    ("log(x)/log(2)", "log(x, 2)"),
    ("0.5*x", "x/2"),
    ("(x+1)*(x+2)*(x+3)", "(3+x)*(2+x)*(1+x)"),
]

APART = [  # equal as functions, but found out only by expanding, factoring or identities
    ("(x + 1)^2", "x^2 + 2*x + 1"),
    ("x*(x + 1)", "x^2 + x"),
    ("sin(x)^2 + cos(x)^2", "1"),
    ("2^x", "exp(x*log(2))"),
    ("tan(x)", "sin(x)/cos(x)"),
    ("log(x^2)", "2*log(x)"),
    ("1/(2*(x + 1))", "1/(2*x + 2)"),
]

TEXTS = {
    "1 + x": "x + 1",
    "exp(x)*x^2/2 - 1": "x**2*exp(x)/2 - 1",
    "-x^2": "-x**2",
    "1 - x": "-x + 1",
    "x^(1/2)": "sqrt(x)",
    "1/x": "1/x",
    "x^-2": "1/x**2",
    "2/(3*x)": "2/(3*x)",
    "x^(3/2)": "x**(3/2)",
    "(2/3)^x": "(2/3)**x",
    "(x^x)^x": "(x**x)**x",
    "x^x^x": "x**(x**x)",
    "(-x)^x": "(-x)**x",
    "2^-x": "2**(-x)",
    "x - 1/3": "x - 1/3",
    "-sin(x)*(x + 1)": "-(x + 1)*sin(x)",
    "sin(x)/x*(x-1)": "(x - 1)*sin(x)/x",
}


@pytest.mark.parametrize(("first", "second"), SAME)
def test_made_equal(first: str, second: str) -> None:
    assert canonical(parse(first)) == canonical(parse(second))
    assert fingerprint(parse(first)) == fingerprint(parse(second))


@pytest.mark.parametrize(("first", "second"), APART)
def test_left_apart(first: str, second: str) -> None:
    assert fingerprint(parse(first)) != fingerprint(parse(second))


@pytest.mark.parametrize(("given", "written"), TEXTS.items())
def test_text_is_as_a_person_would_write_it(given: str, written: str) -> None:
    assert canonical_text(parse(given)) == written
    assert canonical_text(parse(written)) == written


def test_unevaluated_expressions_are_evaluated() -> None:
    loose = Add(X, Mul(2, X, evaluate=False), Pow(X, 1, evaluate=False), evaluate=False)
    assert canonical(loose) == 4 * X
    assert canonical(Mul(X + 1, 2, evaluate=False)) == 2 * X + 2
    assert canonical(Add(sin(X), X, evaluate=False)) == canonical(Add(X, sin(X), evaluate=False))


def test_however_it_came_about() -> None:
    by_hand = X * exp(X**2) + sin(3 * X) / (2 * sqrt(X))
    by_calculus = sympy.diff(exp(X**2) / 2, X) + sin(3 * X) * sympy.diff(sqrt(X), X)
    assert fingerprint(by_hand) == fingerprint(by_calculus)
    assert canonical_text(by_hand) == canonical_text(by_calculus)


def test_fingerprints_are_16_hexadecimal_digits_of_the_texts_sha256() -> None:
    assert fingerprint(X) == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"[:16]
    assert to_text(X) == canonical_text(X) == "x"


PROGRAM = """
import json, sys
from intclass.components.shared import expressions as e
texts = json.load(sys.stdin)
rows = {}
for text in texts:
    expr = e.parse(text)
    rows[text] = [e.canonical_text(expr), e.fingerprint(expr), " ".join(e.prefix_words(e.canonical(expr))),
                  e.skeleton(expr), e.structure_hash(expr)]
print(json.dumps(rows, sort_keys=True))
"""


def test_hash_seed_and_history_change_nothing() -> None:
    texts = [text for pair in SAME + APART for text in pair]
    texts += [f"x**{n}*sin({n}*x + 1)/(exp(x) - {n}) + cosh(x - {n})*log(x + pi)*sqrt(x + {n})" for n in range(2, 12)]
    texts += [f"({texts[n]})*({texts[-n - 1]}) + tan({texts[n]})" for n in range(8)]
    results = []
    for seed, order in (("0", texts), ("1", texts[::-1])):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=json.dumps(order),
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        results.append(done.stdout)
    assert len(json.loads(results[0])) == len(set(texts))
    assert results[0] == results[1]


def test_logarithm_of_a_power_keeps_its_branches() -> None:
    assert canonical(parse("log(x^2)")) == log(X**2)
