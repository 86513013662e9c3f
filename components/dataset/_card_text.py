"""The data card's words for single things; its running text is `card.md`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TAGS: Final = ("mathematics", "symbolic-integration", "computer-algebra", "calculus", "sympy")

QUESTIONS: Final[Mapping[str, str]] = {
    "elementary": "does it have an elementary antiderivative?",
    "solved": "does SymPy find a closed form of its antiderivative within {seconds:g} seconds?",
}

COLUMNS: Final[Mapping[str, str]] = {
    "id": "name of the function, unique within its run",
    "index": "place in its seed's sequence; null for a function from a file",
    "seed": "seed of the sequence",
    "grammar": "operators and leaves it was drawn from",
    "generator": "how it was made: forward (drawn at random), file, ...",
    "internal_nodes": "operators drawn, before automatic simplification",
    "integrand": "the function as given",
    "canonical": "its canonical form: SymPy's automatic evaluation, arguments in a fixed order",
    "fingerprint": "hash of the canonical form",
    "skeleton": "hash of the canonical form with constants masked",
    "prefix": "the canonical form as prefix words, joined by spaces",
    "num_nodes": "operators, functions, numbers and variables in the prefix form",
    "target": "the question",
    "label": "the answer: 1 = {positive}, 0 = {negative}",
    "outcome": "what is known of the function: elementary, nonelementary or unknown",
    "reason": "why that is the outcome",
    "certificate": "what proves the outcome",
    "seconds": "time that all engines and checks took",
    "split": "train, validation, test, or one of the test splits that were held out",
}

SPLITS: Final[Mapping[str, str]] = {
    "test_generator": "functions of the generator{plural} {generators}, of which train and validation have none",
    "test_size": "functions of more than {nodes} nodes, which train and validation do not have",
    "test_structure": "functions whose canonical trees, constants taken away, have a shape that train and validation "
    "do not have ({share:g} of all shapes, picked by a hash)",
}

HELD_OUT: Final = """\
Besides `test`, whose functions are like those of `train`, there are test splits of functions that are not. A function
lies in the first of them that it fits. One that is held out while a near-copy of it is not was dropped, so near-copies
never lie both in train or validation and in a test split."""

EXTENDS: Final = """\
This is the part that is new. It extends another dataset, `{base}` (build `{fingerprint}`): {examples:,} examples of
that one belong to this one too, with the splits that they have there, and
`intclass.components.shared.records.read_table` reads both as one table. Of its train and validation examples
{without:,} are left out, whose fingerprints `base.json` lists: they agree, up to constant terms and
factors, with functions that shall be new to a model. Every number below is about the part that is new."""

LEFT_OUT: Final = """\
This file is compact: `canonical` is null where it is the integrand as given, and `fingerprint` (16 hexadecimal digits
of the SHA-256 of `canonical`) and `num_nodes` (of `prefix`) are left out. `intclass` reads it as if all were there; so
does `intclass.components.shared.records.read_table`."""

DROPPED: Final[Mapping[str, str]] = {
    "unparsable": "could not be read as a function of x",
    "unknown": "not known to be elementary or nonelementary",
    "sympy_not_asked": "SymPy was not asked",
    "conflicting": "the same function with different labels",
    "duplicate": "the same function again",
    "unreadable": "canonical form outside the vocabulary",
    "held_out": "near-copy of a function on a hold-out list",
    "known": "the extended dataset has it",
    "scaled_copy": "agrees with a function on a hold-out list up to constant terms and factors",
    "base_holds_out": "near-copy of a function that the extended dataset holds out",
    "same_skeleton": "differs from a kept function in constants alone",
    "half_held_out": "held out, but a near-copy of a function that is not",
}

LIMITS: Final[Mapping[str, str]] = {
    "elementary": """\
- Functions that could not be decided are missing: {unlabelled}. They are not a random sample: what is
  hard to integrate is more often among them, so figures on the test split do not hold for functions met outside.
- `nonelementary` rests on the proof that `certificate` names; an engine's proof has its implementation's faults.""",
    "solved": """\
- The label belongs to one version of SymPy on one machine: functions solved close to the limit may go either way on the
  next run. It is not integrability: an unsolved function can have an elementary antiderivative.
- A closed form may hold special functions, which `outcome` does not call elementary.
- Functions that SymPy was not asked are missing: {unlabelled}. Where another engine was asked first,
  SymPy saw only what that one left, and that is not a random sample.""",
}
