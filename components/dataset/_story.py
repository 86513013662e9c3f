"""The report's sentences: how many, how sure, what is missing. The numbers choose them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from intclass.components.dataset._agreement import UNSETTLED, Disagreement, asked_of_several
from intclass.components.dataset._card import Facts
from intclass.components.shared.phrases import count, percent
from intclass.components.shared.records import HELD_OUT_SPLITS


def headline(facts: Facts) -> str:
    """The report in one sentence."""
    classes = _classes(facts)
    positive = facts.config.class_names[1]
    share = percent(classes[positive] / len(facts.examples), 0)
    return f"{count(len(facts.examples))} functions with a known answer, {share} of them {positive}"


def standfirst(facts: Facts, found: Sequence[Disagreement]) -> list[str]:
    """The sentences below the headline."""
    outcomes = facts.source.table
    labels = Counter(outcomes["label"].to_pylist())
    decided = labels["elementary"] + labels["nonelementary"]
    return [
        (
            f"Of {count(len(outcomes))} functions, {percent(decided / len(outcomes))} were decided, and "
            f"{count(len(facts.examples))} are left as examples once near-copies are gone."
        ),
        _evidence(outcomes),
        _agreement(facts, found),
        _what_is_missing(outcomes),
    ]


def _evidence(outcomes: pa.Table) -> str:
    elementary = outcomes.filter(pc.equal(outcomes["label"], "elementary"))
    verified = pc.sum(elementary["verified"]).as_py() or 0
    reasons = outcomes.filter(pc.equal(outcomes["label"], "nonelementary"))["reason"].to_pylist()
    constructed = sum(reason.startswith("construction") for reason in reasons)
    made = f", {count(constructed)} by the way the function was made" if constructed else ""
    return (
        f"Of the {count(len(elementary))} elementary ones, {count(verified)} have an antiderivative that was "
        f"differentiated and agreed; of the {count(len(reasons))} nonelementary ones, "
        f"{count(len(reasons) - constructed)} are proved by the procedure of an engine or by a theorem{made}."
    )


def _agreement(facts: Facts, found: Sequence[Disagreement]) -> str:
    several = len(asked_of_several(facts.source.table))
    if not several:
        return "No function was given to a second engine."
    if not found:
        return f"{count(several)} functions were given to a second engine, and no answers contradict each other."
    unsettled = sum(each.right == UNSETTLED for each in found)
    settled = "all of them settled by verification" if not unsettled else f"{count(unsettled)} of them not settled"
    return (
        f"{count(several)} functions were given to a second engine; on {count(len(found))} answers contradict each "
        f"other or fail their check, {settled}."
    )


def _what_is_missing(outcomes: pa.Table) -> str:
    unknown = outcomes.filter(pc.equal(outcomes["label"], "unknown"))
    if not len(unknown):
        return "Nothing is missing: every function was decided."
    kind, number = _kinds(unknown).most_common(1)[0]
    return (
        f"{count(len(unknown))} functions are missing, because nobody could decide them, most often "
        f"({percent(number / len(unknown), 0)}) for the reason “{kind}”; they are harder than the rest, so figures "
        "measured here do not hold for them."
    )


def key_numbers(facts: Facts) -> list[dict[str, str]]:
    """Four numbers to remember."""
    outcomes, classes = facts.source.table, _classes(facts)
    labels = Counter(outcomes["label"].to_pylist())
    positive = facts.config.class_names[1]
    larger = max(classes.values()) / len(facts.examples)
    verified = pc.sum(outcomes["verified"]).as_py() or 0
    numbers = [
        ("Examples", count(len(facts.examples)), f"of {count(len(outcomes))} functions"),
        ("Decided", percent(1 - labels["unknown"] / len(outcomes)), f"{count(labels['unknown'])} unknown"),
        (f"Share {positive}", percent(classes[positive] / len(facts.examples)), f"larger class: {percent(larger)}"),
        ("Checked antiderivatives", count(verified), "differentiated and compared"),
    ]
    return [{"title": title, "value": value, "context": context} for title, value, context in numbers]


def findings(facts: Facts, asked: pa.Table, found: Sequence[Disagreement]) -> dict[str, str]:
    """The title of each figure: the finding, not the axes."""
    outcomes = facts.source.table
    unknown = outcomes.filter(pc.equal(outcomes["label"], "unknown"))
    share = percent(len(unknown) / len(outcomes))
    return {
        "origins": _origins(outcomes),
        "sizes": _sizes(asked),
        "missing": f"{count(len(unknown))} functions ({share}) have no label. {_kinds_listed(unknown)}",
        "disagreements": _disagreements(found),
        "splits": f"{percent(_share(facts, 'train'), 0)} to learn from, the rest to judge by",
        "nodes": _nodes(facts),
        "time": _time(asked),
    }


def split_sentence(facts: Facts) -> str:
    """How the splits were drawn."""
    held_out = [split for split in facts.balance if split in HELD_OUT_SPLITS]
    said = "Near-copies, functions alike but for their constants, never lie both in train and in a test split."
    if not held_out:
        return said
    return f"{said} Besides the test split drawn at random, {len(held_out)} held out what train has never seen."


def speed(engine: str, answers: pa.StructArray) -> str:
    """An engine's median and how often it came to an end."""
    median = pc.approximate_median(answers.field("seconds")).as_py()
    ended = pc.sum(pc.is_in(answers.field("status"), pa.array(["solved", "unevaluated"]))).as_py()
    return f"{engine}: half of its answers within {_seconds(median)}, {percent(ended / len(answers), 0)} came to an end"


def _classes(facts: Facts) -> dict[str, int]:
    return {name: sum(each[name] for each in facts.balance.values()) for name in facts.config.class_names}


def _share(facts: Facts, split: str) -> float:
    return sum(facts.balance[split].values()) / len(facts.examples)


def _kinds(unknown: pa.Table) -> Counter[str]:
    """Reasons by the word before the colon: timeout, incomplete, ..."""
    return Counter(reason.partition(":")[0] for reason in unknown["reason"].to_pylist())


def _kinds_listed(unknown: pa.Table) -> str:
    listed = ", ".join(f"{kind} {count(number)}" for kind, number in _kinds(unknown).most_common())
    return f"By kind: {listed}." if listed else ""


def _origins(outcomes: pa.Table) -> str:
    generators = Counter(outcomes["generator"].to_pylist())
    commonest, number = generators.most_common(1)[0]
    if len(generators) == 1:
        return f"All functions are of one generator, {commonest}"
    return f"{len(generators)} generators; {percent(number / len(outcomes), 0)} of the functions are {commonest}"


def _sizes(asked: pa.Table) -> str:
    sized = asked.filter(pc.is_valid(asked["internal_nodes"]))
    sizes = sorted(set(sized["internal_nodes"].to_pylist()))
    if not sizes:
        return ""
    smallest, largest = (_decided(sized, size) for size in (sizes[0], sizes[-1]))
    if len(sizes) == 1:
        return f"{percent(smallest, 0)} decided, all of {sizes[0]} operators"
    return f"{percent(smallest, 0)} decided at {sizes[0]} operators, {percent(largest, 0)} at {sizes[-1]}"


def _decided(outcomes: pa.Table, size: int) -> float:
    labels: list[str] = outcomes.filter(pc.equal(outcomes["internal_nodes"], size))["label"].to_pylist()
    return 1 - Counter(labels)["unknown"] / len(labels)


def _nodes(facts: Facts) -> str:
    nodes = facts.examples["num_nodes"]
    low, middle, high = pc.quantile(nodes, [0.05, 0.5, 0.95]).to_pylist()
    return f"Half have up to {middle:.0f} nodes, nine in ten between {low:.0f} and {high:.0f}"


def _disagreements(found: Sequence[Disagreement]) -> str:
    if not found:
        return "No two answers contradict each other"
    rights = Counter(each.right for each in found)
    listed = ", ".join(f"{right} {count(number)}" for right, number in rights.most_common())
    return f"{count(len(found))} contradictions or failed checks; right: {listed}"


def _time(asked: pa.Table) -> str:
    medians: Mapping[str, float] = {
        label: pc.approximate_median(asked["seconds"].filter(pc.equal(asked["label"], label))).as_py()
        for label in sorted(set(asked["label"].to_pylist()))
    }
    listed = ", ".join(f"{label} {_seconds(median)}" for label, median in medians.items())
    total = count(round(pc.sum(asked["seconds"]).as_py() or 0))
    return f"The functions that engines were asked of took {total} seconds in all; medians: {listed}."


def _seconds(value: float) -> str:
    unit, number = ("s", value) if value >= 1 else ("ms", 1000 * value)
    return f"{number:.2g}\N{NO-BREAK SPACE}{unit}" if number < 100 else f"{number:.0f}\N{NO-BREAK SPACE}{unit}"
