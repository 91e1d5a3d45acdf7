"""The course of a request is a table, and every way through it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from sa_privacy.customers.requests.articles import REFUSALS, articles_for
from sa_privacy.customers.requests.ceasing import must_be_ceasable
from sa_privacy.customers.requests.states import KINDS, OPEN, STATES, TABLE, Kind, Progress, State, Step, advance, may
from sa_privacy.errors import RequestRefused
from sa_privacy.policy import Policy, RequestRules

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
RULES = RequestRules()
STEPS: tuple[Step, ...] = get_args(Step)
LATER = NOW + timedelta(hours=1)


def so_far(kind: Kind, state: State, *done: Step) -> Progress:
    return Progress(kind, state, 0, None if state == "received" else LATER, frozenset(done))


WAYS = [
    ("disclosure", ["identify", "begin", "answer"], "answered"),
    ("disclosure", ["identify", "begin", "refuse"], "refused"),
    ("disclosure", ["identify", "refuse"], "refused"),
    ("disclosure", ["fail", "fail", "identify", "begin", "answer"], "answered"),
    ("disclosure", ["fail", "fail", "fail"], "closed"),
    ("disclosure", ["fail", "identify", "begin", "fail", "fail"], "closed"),
    ("disclosure", ["identify", "begin", "identify", "answer"], "answered"),
    ("disclosure", ["close"], "closed"),
    ("disclosure", ["withdraw"], "withdrawn"),
    ("correction", ["identify", "begin", "correct", "correct", "answer"], "answered"),
    ("cease_use", ["identify", "begin", "cease", "answer"], "answered"),
    ("cease_provision", ["identify", "begin", "cease", "withdraw"], "withdrawn"),
    ("erasure", ["identify", "begin", "hand_on", "answer"], "answered"),
    ("erasure", ["identify", "begin", "hand_on", "refuse"], "refused"),
]


@pytest.mark.parametrize(("kind", "steps", "end"), WAYS, ids=[f"{kind}-{'-'.join(steps)}" for kind, steps, _ in WAYS])
def test_ways_that_end(kind: Kind, steps: list[Step], end: State) -> None:
    progress = Progress(kind)
    for step in steps:
        progress = advance(progress, step, NOW, RULES)
    assert progress.state == end


WRONG = [
    ("disclosure", [], "begin", "identify"),
    ("disclosure", [], "answer", "identify"),
    ("disclosure", [], "refuse", "identify"),
    ("disclosure", ["identify"], "answer", "begin"),
    ("disclosure", ["identify", "begin"], "correct", "correction"),
    ("disclosure", ["identify", "begin"], "hand_on", "erasure"),
    ("disclosure", ["identify", "begin"], "begin", "answer"),
    ("disclosure", ["identify", "begin", "answer"], "answer", "over"),
    ("disclosure", ["identify", "begin", "answer"], "withdraw", "over"),
    ("disclosure", ["identify"], "close", "begin"),
    ("correction", ["identify", "begin"], "answer", "correct"),
    ("correction", ["identify", "begin"], "cease", "cease use"),
    ("erasure", ["identify", "begin"], "answer", "hand_on"),
    ("erasure", ["identify", "begin", "hand_on"], "withdraw", "answer"),
]


@pytest.mark.parametrize(("kind", "steps", "wrong", "hint"), WRONG, ids=[f"{k}-{w}-{h}" for k, _, w, h in WRONG])
def test_a_wrong_order_is_refused_and_the_way_out_is_told(
    kind: Kind, steps: list[Step], wrong: Step, hint: str
) -> None:
    progress = Progress(kind)
    for step in steps:
        progress = advance(progress, step, NOW, RULES)
    with pytest.raises(RequestRefused) as caught:
        advance(progress, wrong, NOW, RULES)
    assert hint in str(caught.value.hint)


def test_the_table_knows_every_state_and_only_states_that_are_not_over_have_ways() -> None:
    assert set(TABLE) == set(STATES)
    assert {state for state, ways in TABLE.items() if ways} == set(OPEN)
    assert {step for ways in TABLE.values() for step in ways} == set(STEPS)


def test_every_open_state_of_every_kind_can_end() -> None:
    for kind in KINDS:
        for start in OPEN:
            reached, pending = {start}, [start]
            while pending:
                here = pending.pop()
                for step, there in TABLE[here].items():
                    if may(Progress(kind, here), step) and there not in reached:
                        reached.add(there)
                        pending.append(there)
            assert reached - set(OPEN), (kind, start)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("state", STATES)
def test_what_the_table_does_not_know_is_refused(state: State, step: Step) -> None:
    for kind in KINDS:
        progress = so_far(kind, state, "correct", "cease", "hand_on")
        if may(progress, step):
            assert advance(progress, step, NOW, RULES).state == TABLE[state][step]
        else:
            with pytest.raises(RequestRefused):
                advance(progress, step, NOW, RULES)


@pytest.mark.parametrize("step", ["begin", "correct", "cease", "hand_on", "answer"])
def test_nothing_is_shown_or_changed_once_the_check_has_run_out(step: Step) -> None:
    kind: Kind = {"correct": "correction", "cease": "cease_use", "hand_on": "erasure"}.get(step, "disclosure")  # type: ignore[assignment]
    progress = so_far(kind, "identified" if step == "begin" else "in_work")
    advance(progress, step, LATER - timedelta(microseconds=1), RULES)
    with pytest.raises(RequestRefused, match="run out"):
        advance(progress, step, LATER, RULES)


def test_a_check_that_fails_takes_back_the_one_that_succeeded() -> None:
    progress = advance(so_far("disclosure", "in_work"), "fail", NOW, RULES)
    assert (progress.state, progress.identified_until, progress.failures) == ("received", None, 1)


def test_a_check_holds_as_long_as_the_policy_says() -> None:
    assert advance(Progress("disclosure"), "identify", NOW, RULES).identified_until == NOW + timedelta(days=1)


def test_each_kind_can_be_refused_by_articles_that_have_words_in_both_languages() -> None:
    assert all(articles_for(kind) for kind in KINDS)
    assert all(set(refusal.words) == {"en", "ja"} for refusal in REFUSALS.values())
    assert REFUSALS["33-2-2"].title("en") == "APPI Article 33(2)(ii)"
    assert REFUSALS["33-2-2"].title("ja") == "個人情報保護法第33条第2項第2号"
    assert REFUSALS["35-5"].title("en") == "APPI Article 35(5)"


CEASING = Policy(
    policy={"id": "ceasing", "version": "1"},
    categories={"email": {}},
    purposes={
        "shipping": {"read": ["email"]},
        "campaigns": {"read": ["email"], "consent": "opt_in"},
        "surveys": {"read": ["email"], "consent": "opt_out"},
    },
    recipients={
        "carrier": {
            "kind": "processor",
            "categories": ["email"],
            "purposes": ["shipping"],
            "contract": "1",
            "review_by": "2030-01-01",
        },
        "advertiser": {"kind": "third_party", "categories": ["email"]},
        "police": {"kind": "authority", "categories": ["email"]},
    },
)


def test_what_depends_on_consent_can_be_ceased() -> None:
    must_be_ceasable(CEASING, "cease_use", ["campaigns", "surveys"])
    must_be_ceasable(CEASING, "cease_provision", ["advertiser"])


@pytest.mark.parametrize(
    ("kind", "names", "told"),
    [
        ("cease_use", ["shipping"], "35-1"),
        ("cease_use", ["campaigns", "shipping"], "35-1"),
        ("cease_use", [], "campaigns"),
        ("cease_use", ["advertiser"], "campaigns"),
        ("cease_provision", ["carrier"], "35-3"),
        ("cease_provision", ["police"], "35-3"),
        ("cease_provision", ["campaigns"], "advertiser"),
    ],
)
def test_what_does_not_is_refused_with_the_article(kind: Kind, names: list[str], told: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        must_be_ceasable(CEASING, kind, names)
    assert told in str(caught.value.hint)
