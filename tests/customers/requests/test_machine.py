"""Whatever is done to requests, in whatever order, at whatever time, the ledger is what a plain model says."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import Privacy
from sa_privacy.customers.agent import Agent
from sa_privacy.customers.requests.states import Kind
from sa_privacy.errors import ClockWentBack, RequestRefused
from tests.customers.requests import asking
from tests.customers.requests.asking import Clock, customer, maintenance, officer
from tests.support.databases import Database

EXAMPLES = int(os.environ.get("SA_PRIVACY_REQUEST_EXAMPLES", "4"))
KINDS: list[Kind] = ["disclosure", "correction", "erasure", "cease_provision"]
PEOPLE = [1, 2]
MOST, WITHIN = 6, timedelta(days=2)
FIRST = {"correction": "correct", "erasure": "hand_on", "cease_provision": "cease"}
REASONS = {"disclosure": "33-3", "correction": "34-1", "erasure": "35-5", "cease_provision": "35-3"}


@dataclass
class Asked:
    """What should be so of one request."""

    kind: Kind
    agent: bool
    last: datetime
    state: str = "received"
    whose: int | None = None
    until: datetime | None = None
    failures: int = 0
    steps: list[str] = field(default_factory=list)

    @property
    def over(self) -> bool:
        return self.state in ("answered", "refused", "withdrawn", "closed")


class Desk(RuleBasedStateMachine):
    """The officer, two customers and the clock."""

    privacy: Privacy
    engine: Engine
    clock: Clock
    references = Bundle("references")
    failed: list[tuple[int, datetime]]
    """Failed checks, by person, that were committed: runs share a database."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(self.engine)
        self.asked: dict[str, Asked] = {}
        self.kept: dict[str, Asked] = {}
        self.failing = list(self.failed)

    @initialize(target=references, kind=st.sampled_from(KINDS), person=st.sampled_from(PEOPLE))
    def start(self, kind: Kind, person: int) -> str:
        self.clock.pass_(days=1)
        reference = self.letter(kind, agent=False)
        self.go_on(reference, person, 2)
        return reference

    @property
    def has_room(self) -> bool:
        """Few requests of which much is done show more than many."""
        return sum(not one.over for one in self.asked.values()) < 2

    def teardown(self) -> None:
        self.session.close()

    # -- asking -------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.has_room)
    @rule(target=references, kind=st.sampled_from(KINDS), how=st.sampled_from(["letter", "agent", 1, 2]))
    def ask(self, kind: Kind, how: str | int) -> str:
        return self.signed_in(kind, how) if isinstance(how, int) else self.letter(kind, agent=how == "agent")

    def letter(self, kind: Kind, agent: bool) -> str:
        who = Agent("Kim", "entrusted", "letter of attorney") if agent else None
        with self.privacy.access("shipping", role="warehouse", actor="staff:9"):
            made = self.privacy.requests.receive(self.session, kind, claimed="somebody", agent=who)
        self.asked[made.reference] = Asked(kind, agent, self.clock.now)
        return made.reference

    def signed_in(self, kind: Kind, person: int) -> str:
        with customer(self.privacy, person):
            made = self.privacy.requests.receive(self.session, kind)
        until = self.clock.now + timedelta(days=1)
        self.asked[made.reference] = Asked(
            kind, False, self.clock.now, state="identified", whose=person, until=until, steps=["identify"]
        )
        return made.reference

    # -- time and transactions ----------------------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([60, 60, 60, 30 * 60, -1]))
    def pass_time(self, minutes: int) -> None:
        self.clock.pass_(minutes=minutes)

    @rule(keep=st.booleans())
    def end_transaction(self, keep: bool) -> None:
        if keep:
            self.session.commit()
            self.kept = copy.deepcopy(self.asked)
            self.failed[:] = self.failing
        else:
            self.session.rollback()
            self.asked = copy.deepcopy(self.kept)
            self.failing = list(self.failed)

    # -- dealing with it ----------------------------------------------------------------------------------------------

    def take(self, reference: str, step: str, may: Callable[[Asked], bool], act: Callable[[], Any]) -> Asked | None:
        """Takes a step, and returns the request if it had to be taken."""
        one = self.asked.get(reference)
        expected = one is not None and may(one) and self.clock.now >= one.last
        try:
            with officer(self.privacy):
                act()
            done = True
        except (RequestRefused, ClockWentBack):
            done = False
        assert done == expected, (step, one)
        if not done or one is None:
            return None
        one.last = self.clock.now
        one.steps.append(step)
        return one

    def holds(self, one: Asked) -> bool:
        return one.until is not None and self.clock.now < one.until

    @rule(
        reference=references,
        person=st.sampled_from([*PEOPLE, 4711]),
        passed=st.booleans(),
        evidence=st.sampled_from([True, True, False]),
    )
    def check_identity(self, reference: str, person: int, passed: bool, evidence: bool) -> None:
        self.check(reference, person, passed, evidence)

    def check(self, reference: str, person: int, passed: bool, evidence: bool) -> None:
        fails = not passed or person == 4711

        def may(one: Asked) -> bool:
            if one.state not in ("received", "identified", "in_work") or not evidence:
                return False
            lately = [at for whom, at in self.failing if whom == person and at > self.clock.now - WITHIN]
            return len(lately) < MOST and (fails or one.whose in (None, person))

        one = self.take(
            reference,
            "fail" if fails else "identify",
            may,
            lambda: self.privacy.requests.identify(
                self.session,
                reference,
                ("customer", person),
                method="identity_card",
                evidence="card" if evidence else " ",
                passed=passed,
            ),
        )
        if one is None:
            return
        if fails:
            self.failing.append((person, self.clock.now))
            one.failures += 1
            one.state, one.until = ("closed" if one.failures == 3 else "received"), None
        else:
            one.whose, one.until = person, self.clock.now + timedelta(days=1)
            one.state = "in_work" if one.state == "in_work" else "identified"

    def begin(self, reference: str) -> None:
        one = self.take(
            reference,
            "begin",
            lambda one: one.state == "identified" and self.holds(one),
            lambda: self.privacy.requests.begin(self.session, reference),
        )
        if one is not None:
            one.state = "in_work"

    def do(self, reference: str) -> None:
        """What the kind of request asks for."""
        known = self.asked.get(reference)
        kind = known.kind if known is not None else "correction"
        step = FIRST.get(kind, "correct")
        requests = self.privacy.requests
        acts: dict[str, Callable[[], Any]] = {
            "correct": lambda: requests.correct(self.session, reference, {"customers.name": "N"}, evidence="card"),
            "cease": lambda: requests.cease(self.session, reference, "advertiser"),
            "hand_on": lambda: requests.hand_on(self.session, reference),
        }
        one = self.take(
            reference,
            step,
            lambda one: one.state == "in_work" and self.holds(one) and one.kind in FIRST,
            acts[step],
        )
        if one is not None and step == "hand_on":
            one.state = "handed_on"

    def answer(self, reference: str) -> None:
        def may(one: Asked) -> bool:
            if one.kind == "disclosure":
                return one.state == "in_work" and self.holds(one)
            return one.state in ("in_work", "handed_on") and FIRST[one.kind] in one.steps

        one = self.take(reference, "answer", may, lambda: self.privacy.requests.answer(self.session, reference))
        if one is not None:
            one.state = "answered"

    def refuse(self, reference: str) -> None:
        known = self.asked.get(reference)
        article = REASONS[known.kind] if known is not None else "33-3"
        one = self.take(
            reference,
            "refuse",
            lambda one: one.state in ("identified", "in_work", "handed_on"),
            lambda: self.privacy.requests.refuse(self.session, reference, article=article, reason="why"),
        )
        if one is not None:
            one.state = "refused"

    def withdraw(self, reference: str) -> None:
        one = self.take(
            reference,
            "withdraw",
            lambda one: one.state in ("received", "identified", "in_work"),
            lambda: self.privacy.requests.withdraw(self.session, reference),
        )
        if one is not None:
            one.state = "withdrawn"

    def close(self, reference: str) -> None:
        one = self.take(
            reference,
            "close",
            lambda one: one.state == "received",
            lambda: self.privacy.requests.close(self.session, reference, reason="no answer"),
        )
        if one is not None:
            one.state = "closed"

    @rule(reference=references, what=st.sampled_from(["begin", "do", "answer", "refuse", "withdraw", "close"]))
    def try_out(self, reference: str, what: str) -> None:
        """Whether it is the time for it or not."""
        getattr(self, what)(reference)

    @rule(reference=references, person=st.sampled_from(PEOPLE), steps=st.integers(1, 3))
    def go_on(self, reference: str, person: int, steps: int) -> None:
        """What comes next in the course of things, so that much gets far."""
        for _ in range(steps):
            one = self.asked.get(reference)
            if one is None or one.over:
                return
            if one.state == "received" or (one.state != "handed_on" and not self.holds(one)):
                self.check(reference, person, passed=True, evidence=True)
            elif one.state == "identified":
                self.begin(reference)
            elif one.kind in FIRST and FIRST[one.kind] not in one.steps:
                self.do(reference)
            else:
                self.answer(reference)

    # -- what must be so ----------------------------------------------------------------------------------------------

    @invariant()
    def the_ledger_is_as_the_model_says(self) -> None:
        with officer(self.privacy):
            held = {one.reference: one for one in self.privacy.requests.list(self.session)}
        for reference, one in self.asked.items():
            request = held[reference]
            assert (request.state, request.failures, request.identified_until) == (one.state, one.failures, one.until)
            assert [taken.step for taken in request.steps] == one.steps
            assert [taken.number for taken in request.steps] == list(range(1, len(one.steps) + 1))
            assert sorted(taken.at for taken in request.steps) == [taken.at for taken in request.steps]
            assert request.is_open != one.over

    @invariant()
    def people_see_their_own(self) -> None:
        for person in PEOPLE:
            with customer(self.privacy, person):
                seen = {one.reference for one in self.privacy.requests.list(self.session)}
            assert seen & self.asked.keys() == {key for key, one in self.asked.items() if one.whose == person}


def test_requests_are_as_the_model_says(database: Database, engine: Engine) -> None:
    asking.filled(database)
    with asking.protected(engine, None) as (privacy, clock):
        privacy.requests._stop = lambda *_: None

        class Machine(Desk):
            pass

        Machine.privacy, Machine.engine, Machine.clock, Machine.failed = privacy, engine, clock, []
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=EXAMPLES, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
        with maintenance(privacy), Session(engine) as session:
            assert session.get(asking.Customer, 1) is not None
