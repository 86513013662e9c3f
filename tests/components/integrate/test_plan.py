from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from intclass.components.integrate._functions import Function
from intclass.components.integrate._plan import CHECK, Outcome, Plan, label
from intclass.components.integrate._steps import CheckSteps, EngineSteps
from intclass.components.integrate._tasks import Ending, Step
from intclass.components.integrate._worker import Fate, Performer, describe
from intclass.components.integrate.engines import Answer, EngineEntry, Status
from intclass.components.shared.records import OUTCOMES

TARGET = "scripted_engine:ScriptedEngine"
TRIES = EngineEntry(name="scripted", target=TARGET)
PROVES = EngineEntry(name="scripted", target=TARGET, procedure="table completed")
LATER = EngineEntry(name="later", target=TARGET)
VERSIONS = {"scripted": "scripted 1.0", "later": "later 1.0"}


class Bench:
    """Performs steps in this process, one after the other, and keeps a record of them."""

    def __init__(self, **instead: Callable[[Step], Ending]) -> None:
        self.performers: dict[str, Performer] = {name: EngineSteps(TARGET, {}) for name in ("scripted", "later")}
        self.performers[CHECK] = CheckSteps()
        self.instead = instead  # by step or role
        self.steps: list[str] = []

    def run(self, function: Function, plan: Plan) -> Outcome:
        steps = label(function, plan)
        ending: Ending | None = None
        while True:
            try:
                step = next(steps) if ending is None else steps.send(ending)
            except StopIteration as stop:
                outcome: Outcome = stop.value
                return outcome
            name = step.payload.get("step", step.role)
            self.steps.append(name)
            ending = self.instead.get(name, self.perform)(step)

    def perform(self, step: Step) -> Ending:
        try:
            result = self.performers[step.role].perform(step.payload)
        except Exception as error:
            return Ending(fate=Fate.ERROR, seconds=0.25, reason=describe(error))
        return Ending(fate=Fate.DONE, seconds=0.25, result=result)


def _plan(*entries: EngineEntry, **options: bool) -> Plan:
    return Plan(engines=entries, versions=VERSIONS, limit_seconds=1.0, **options)


def _function(integrand: str, **known: Any) -> Function:
    return Function(id="1", integrand=integrand, **known)


def _fate(fate: Fate) -> Callable[[Step], Ending]:
    return lambda _: Ending(fate=fate, seconds=1.0, reason="because")


def _statuses(outcome: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(answer["engine"], answer["status"]) for answer in outcome["answers"]]


def test_a_right_antiderivative_ends_the_search() -> None:
    bench = Bench()
    outcome = bench.run(_function("2*x"), _plan(TRIES, LATER))
    assert bench.steps == ["read", "scripted", "verify"]
    assert (outcome["label"], outcome["antiderivative"], outcome["verified"]) == ("elementary", "x**2", True)
    assert (outcome["engine"], outcome["engine_version"]) == ("scripted", "scripted 1.0")
    assert outcome["seconds"] == 0.75
    assert outcome["canonical"] == "2*x"
    OUTCOMES.build([{**_function("2*x").origin(), **outcome}])


def test_all_engines_are_asked_on_request() -> None:
    bench = Bench()
    outcome = bench.run(_function("2*x"), _plan(TRIES, LATER, ask_all=True))
    assert bench.steps == ["read", "scripted", "verify", "later", "verify"]
    assert (outcome["label"], outcome["engine"], len(outcome["answers"])) == ("elementary", "scripted", 2)


def test_a_wrong_antiderivative_is_recorded_and_the_search_goes_on() -> None:
    bench = Bench()
    outcome = bench.run(_function("3*x"), _plan(TRIES, LATER))
    assert bench.steps == ["read", "scripted", "verify", "later", "verify", "prove_nonelementary"]
    assert (outcome["label"], outcome["antiderivative"], outcome["verified"]) == ("unknown", None, False)
    assert _statuses(outcome) == [("scripted", "wrong"), ("scripted", "wrong")]
    assert outcome["reason"].startswith("wrong: scripted, derivative equal at 0 of 12 points")


def test_an_antiderivative_of_one_branch_does_not_make_a_label() -> None:
    outcome = Bench().run(_function("sqrt(x**2)"), _plan(TRIES))
    assert _statuses(outcome) == [("scripted", "unverified")]
    assert outcome["reason"].startswith("unverified: scripted, true on one branch only")


def test_special_functions_are_a_proof_from_a_procedure_and_a_vote_from_others() -> None:
    proved = Bench().run(_function("exp(x**2)"), _plan(PROVES))
    assert (proved["label"], proved["verified"]) == ("nonelementary", True)
    assert proved["certificate"] == "scripted 1.0: table completed"
    bench = Bench(prove_nonelementary=_fate(Fate.TIMEOUT))
    voted = bench.run(_function("exp(x**2)"), _plan(TRIES))
    assert voted["label"] == "unknown"
    assert voted["reason"] == "special functions: scripted answers in erfi, which proves nothing"
    assert _statuses(voted) == [("scripted", "solved")]


def test_theorems_are_tried_on_what_is_left() -> None:
    bench = Bench()
    outcome = bench.run(_function("exp(x**3)"), _plan(TRIES))
    assert bench.steps == ["read", "scripted", "prove_nonelementary"]
    assert (outcome["label"], outcome["engine"]) == ("nonelementary", "theorems")
    assert outcome["certificate"].startswith("Liouville 1835")
    assert _statuses(outcome) == [("scripted", "unevaluated"), ("theorems", "unevaluated")]


def test_a_procedure_without_a_result_needs_no_theorem() -> None:
    bench = Bench()
    outcome = bench.run(_function("log(log(x))"), _plan(PROVES, LATER))
    assert bench.steps == ["read", "scripted"]
    assert (outcome["label"], outcome["antiderivative"]) == ("nonelementary", None)


@pytest.mark.parametrize("fate", [Fate.TIMEOUT, Fate.MEMORY, Fate.CRASHED, Fate.ERROR])
def test_a_killed_engine_decides_nothing(fate: Fate) -> None:
    bench = Bench(scripted=_fate(fate))
    outcome = bench.run(_function("log(log(x))"), _plan(PROVES))
    assert (outcome["label"], outcome["reason"]) == ("unknown", f"{fate}: scripted, because")
    [answer] = outcome["answers"]
    assert (answer["status"], answer["engine_version"], answer["seconds"]) == (fate, "scripted 1.0", 1.0)


def test_an_engine_whose_program_was_killed_is_asked_again() -> None:
    asked = 0

    def crash_twice(step: Step) -> Ending:
        nonlocal asked
        asked += 1
        ending = Bench().perform(step)
        assert ending.result is not None
        answer = Answer(**ending.result)
        return replace(ending, result=replace(answer, status=Status.CRASHED).record()) if asked < 3 else ending

    outcome = Bench(scripted=crash_twice).run(_function("2*x"), _plan(TRIES))
    assert (asked, outcome["label"]) == (3, "elementary")


@pytest.mark.parametrize("fate", [Fate.TIMEOUT, Fate.CRASHED])
def test_an_antiderivative_that_cannot_be_checked_is_unverified(fate: Fate) -> None:
    bench = Bench(verify=_fate(fate))
    outcome = bench.run(_function("2*x"), _plan(PROVES))
    assert bench.steps == ["read", "scripted", "verify", "classify", "prove_nonelementary"]
    assert (outcome["label"], outcome["answers"][0]["status"]) == ("unknown", "unverified")
    assert f"checking ended with {fate}" in outcome["reason"]
    special = bench.run(_function("exp(x**2)"), _plan(PROVES))
    assert (special["label"], special["verified"]) == ("nonelementary", False)


def test_an_antiderivative_that_cannot_be_read_is_unverified() -> None:
    outcome = Bench().run(_function("cos(x)"), _plan(TRIES))
    assert (outcome["label"], outcome["answers"][0]["status"]) == ("unknown", "unverified")
    assert "ExpressionError" in outcome["reason"]


def test_what_balls_cannot_decide_goes_to_the_exact_test() -> None:
    undecided = {"agreement": "undecided", "agreed": 0, "refuted": 0, "method": "no points"}
    nature: dict[str, list[str]] = {"special": [], "flagged": []}

    def no_points(_: Step) -> Ending:
        return Ending(fate=Fate.DONE, seconds=0.1, result={"verification": undecided, "nature": nature})

    bench = Bench(verify=no_points)
    outcome = bench.run(_function("2*x"), _plan(TRIES))
    assert bench.steps == ["read", "scripted", "verify", "prove_equal"]
    assert (outcome["label"], outcome["certificate"]) == ("elementary", "derivative minus integrand simplifies to 0")
    bench = Bench(verify=no_points, prove_equal=_fate(Fate.TIMEOUT))
    assert bench.run(_function("2*x"), _plan(TRIES))["reason"] == "unverified: scripted, no points"


@pytest.mark.parametrize("text", ["import os", "x**9**9**9**9", "", "1/0", "y"])
def test_what_cannot_be_read_is_unknown(text: str) -> None:
    bench = Bench()
    outcome = bench.run(_function(text), _plan(TRIES))
    assert bench.steps == ["read"]
    assert (outcome["label"], outcome["canonical"], outcome["answers"]) == ("unknown", None, [])
    assert outcome["reason"].startswith("unparsable: ")
    OUTCOMES.build([{**_function(text).origin(), **outcome}])


def test_reading_that_hangs_is_unparsable_too() -> None:
    outcome = Bench(read=_fate(Fate.TIMEOUT)).run(_function("x"), _plan(TRIES))
    assert outcome["reason"] == "unparsable: timeout: because"


def test_what_is_already_canonical_is_not_read_again() -> None:
    bench = Bench()
    outcome = bench.run(_function("2*x", canonical="2*x", fingerprint="f" * 16), _plan(TRIES))
    assert bench.steps == ["scripted", "verify"]
    assert outcome["fingerprint"] == "f" * 16


class TestKnownByConstruction:
    KNOWN: Mapping[str, Any] = {"generator": "backward", "label": "elementary", "certificate": "a derivative"}

    def test_the_label_is_carried_and_its_antiderivative_checked(self) -> None:
        bench = Bench()
        outcome = bench.run(_function("2*x", antiderivative="x**2 + 1", **self.KNOWN), _plan(TRIES))
        assert bench.steps == ["read", "verify"]
        assert (outcome["label"], outcome["engine"], outcome["verified"]) == ("elementary", "construction", True)
        assert (outcome["reason"], outcome["certificate"]) == ("construction: backward", "a derivative")
        assert (outcome["antiderivative"], outcome["answers"]) == ("x**2 + 1", [])

    def test_a_negative_needs_no_antiderivative(self) -> None:
        known = {**self.KNOWN, "label": "nonelementary"}
        outcome = Bench().run(_function("exp(x**2)", **known), _plan(TRIES))
        assert (outcome["label"], outcome["antiderivative"], outcome["verified"]) == ("nonelementary", None, False)

    def test_a_construction_that_is_wrong_is_found_out(self) -> None:
        outcome = Bench().run(_function("2*x", antiderivative="x**3", **self.KNOWN), _plan(TRIES))
        assert outcome["label"] == "unknown"
        assert outcome["reason"].startswith("wrong: construction")

    def test_engines_may_be_asked_all_the_same(self) -> None:
        bench = Bench()
        outcome = bench.run(_function("3*x", **self.KNOWN), _plan(TRIES, search_known=True))
        assert _statuses(outcome) == [("scripted", "wrong")]
        assert (outcome["label"], outcome["engine"]) == ("elementary", "construction")
