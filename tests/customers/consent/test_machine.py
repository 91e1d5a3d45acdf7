"""Whatever people and their agents say, in whatever order: the ledger, the state and the condition are those of a model.

``CONSENT_EXAMPLES=500`` tries for longer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, pairwise
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from hypothesis.strategies import booleans, integers, none, sampled_from
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from sa_privacy import ConsentRefused, Privacy
from sa_privacy.customers.agent import Agent
from sa_privacy.customers.consent.tables import CONSENT_STATE, CONSENTS
from tests.customers.consent.world import Clock, Customer, filled, opened, policy
from tests.support.databases import Database

VERBS = {"give": "given", "refuse": "refused", "withdraw": "withdrawn"}
MATTERS = {  # what ledgers call it, whether silence means yes, whether there is a wording, and for how many days it holds
    "campaigns": ("purpose:campaigns", False, True, 365),
    "improvement": ("purpose:improvement", True, False, None),
    "purpose:surveys": ("purpose:surveys", False, False, None),
    "advertiser": ("recipient:advertiser", False, True, None),
}
AGENT = Agent(name="Eve", authority="entrusted", evidence="letter 3")


@dataclass(frozen=True)
class Line:
    """An entry, as the model has it."""

    said: str
    version: str
    at: datetime
    entered: datetime
    until: datetime | None
    key: str | None
    agent: bool


class World:
    """One database, under two versions of the policy."""

    def __init__(self, database: Database) -> None:
        filled(database)
        self.clock, self.keys = Clock(), count(1000)
        self.engines: list[Engine] = [database.engine(), database.engine()]
        self.privacies: list[Privacy] = [
            opened(engine, self.clock, policy(version)) for engine, version in zip(self.engines, "12", strict=True)
        ]


class Consent(RuleBasedStateMachine):
    """People of its own in the world's database, and beside them what they said, in plain Python."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.clock, self.now = world, world.clock, 0
        self.people = [next(world.keys) for _ in range(3)]
        self.open = ExitStack()
        with self._engineer() as session:
            session.add_all([Customer(id=key, name="n", email="e") for key in self.people])
            session.commit()
        self.said: dict[tuple[int, str], list[Line]] = {(key, to): [] for key in self.people for to in MATTERS}
        self.kept = deepcopy(self.said)
        self._begin()

    @property
    def privacy(self) -> Privacy:
        return self.world.privacies[self.now]

    @contextmanager
    def _engineer(self) -> Iterator[Session]:
        access = self.privacy.access(maintenance=True, role="engineer", actor="tests", reason="rows")
        with access, Session(self.world.engines[self.now]) as session:
            yield session

    def _begin(self) -> None:
        self.open.enter_context(self.privacy.access("shipping", role="desk", actor="staff:17"))
        self.session = self.open.enter_context(Session(self.world.engines[self.now]))

    def _version(self, to: str) -> str:
        if to == "campaigns":
            return "12"[self.now]
        return "1" if MATTERS[to][2] else ""

    @rule(
        who=integers(0, 2),
        to=sampled_from(["campaigns", "campaigns", *MATTERS]),
        verb=sampled_from(["give", *VERBS]),
        language=sampled_from(["en", "ja", "ja", None]),
        days_ago=none() | integers(0, 3),
        key=none() | sampled_from(["k1", "k2"]),
        agent=booleans(),
    )
    def says(
        self, who: int, to: str, verb: str, language: str | None, days_ago: int | None, key: str | None, agent: bool
    ) -> None:
        person, now = self.people[who], self.clock.now
        at = None if days_ago is None else now - timedelta(days=days_ago)
        words: dict[str, Any] = {"how": "call", "language": language, "at": at, "idempotency_key": key}
        try:
            entry = getattr(self.privacy.consents, verb)(self.session, person, to, by=AGENT if agent else None, **words)
        except ConsentRefused:
            entry = None
        lines, said = self.said[person, to], VERBS[verb]
        expected = self._expected(lines, to, said, language, at, key)
        assert (entry is not None) == (expected is not None)
        if entry is None or expected is None:
            return
        line = Line(said, expected, at or now, now, self._until(to, said, at or now), key, agent)
        if key is None or all(one.key != key for one in lines):
            lines.append(line)
        last = next(one for one in lines if one.key == key) if key is not None else lines[-1]
        assert (entry.said, entry.version, entry.at, entry.entered, entry.valid_until, entry.authority is not None) == (
            *(last.said, last.version, last.at, last.entered, last.until, last.agent),
        )

    def _expected(
        self, lines: list[Line], to: str, said: str, language: str | None, at: datetime | None, key: str | None
    ) -> str | None:
        """The version that the entry is of; None where it is refused."""
        _, opt_out, wording, _ = MATTERS[to]
        last = lines[-1] if lines else None
        if said == "given" and wording and language is None:
            return None
        with_key = [one for one in lines if key is not None and one.key == key]
        if with_key:
            return with_key[0].version if with_key[0].said == said else None
        if last is not None and at is not None and at < last.at:
            return None
        if said == "withdrawn" and not (last.said == "given" if last is not None else opt_out):
            return None
        version = last.version if said == "withdrawn" and last is not None else self._version(to)
        same = last is not None and (last.said, last.version) == (said, version)
        if same and last is not None and self.clock.now - last.entered <= timedelta(seconds=2):
            return None
        return version

    def _until(self, to: str, said: str, at: datetime) -> datetime | None:
        return at.replace(year=at.year + 1) if said == "given" and MATTERS[to][3] else None

    @rule(passes=sampled_from([1, 3, 3600, 86400 * 5, 86400 * 200, 86400 * 400]))
    def time_passes(self, passes: int) -> None:
        self.clock.now += timedelta(seconds=passes)
        if (self.clock.now.month, self.clock.now.day) == (2, 29):
            self.clock.now += timedelta(days=1)

    @rule()
    def commits(self) -> None:
        self.session.commit()
        self.kept = deepcopy(self.said)

    @rule()
    def rolls_back(self) -> None:
        self.session.rollback()
        self.said = deepcopy(self.kept)

    @rule()
    def another_version_of_the_wording(self) -> None:
        self.commits()
        self.open.close()
        self.now = 1 - self.now
        self._begin()

    def _agreed(self, person: int, to: str) -> bool:
        _, opt_out, _, _ = MATTERS[to]
        last = self.said[person, to][-1] if self.said[person, to] else None
        if last is None or opt_out:
            return opt_out if last is None else last.said == "given"
        holds = last.until is None or last.until > self.clock.now
        return last.said == "given" and last.version == self._version(to) and holds

    @rule()
    def everything_is_as_in_the_model(self) -> None:
        """Before it is committed, in the transaction itself."""
        port, desk = self.privacy.consents.port, self.privacy._desk
        for to, (what, *_) in MATTERS.items():
            agreed = {person for person in self.people if self._agreed(person, to)}
            for person in self.people:
                assert self.privacy.consents.state(self.session, person, to).agreed is (person in agreed)
            kind, _, name = what.partition(":")
            if kind == "purpose":
                condition = port.condition(name, "customer", Customer.id)
                with desk.open(self.session) as connection:
                    rows = connection.scalars(select(Customer.id).where(condition, Customer.id.in_(self.people)))
                    assert set(rows) == agreed
            else:
                assert port.agreed(self.session.connection(), name, "customer", self.people) == agreed
        for person in self.people:
            self._chain_is_whole(person)

    def _chain_is_whole(self, person: int) -> None:
        history = self.privacy.consents.history(self.session, person)
        for to, (what, *_) in MATTERS.items():
            entries = [entry for entry in history if entry.what == what]
            lines = self.said[person, to]
            assert [(one.said, one.version, one.at, one.entered) for one in entries] == [
                (one.said, one.version, one.at, one.entered) for one in lines
            ]
            assert [one.previous for one in entries] == [None, *(one.id for one in entries)][: len(entries)]
            assert all(one.entered <= other.entered and one.at <= other.at for one, other in pairwise(entries))

    def teardown(self) -> None:
        self.everything_is_as_in_the_model()
        self.commits()
        self.open.close()
        keys = [str(person) for person in self.people]
        with self._engineer() as session:
            states, rows = (
                session.scalar(select(func.count()).select_from(table).where(table.c.subject.in_(keys)))
                for table in (CONSENT_STATE, CONSENTS)
            )
        assert states == sum(1 for lines in self.said.values() if lines), "one for each of which something was said"
        assert rows == sum(len(lines) for lines in self.said.values())


def test_it_is_as_in_the_model(database: Database) -> None:
    world = World(database)

    class Here(Consent):
        def __init__(self) -> None:
            super().__init__(world)

    with closing(world.privacies[0]), closing(world.privacies[1]):
        run_state_machine_as_test(
            Here,
            settings=settings(
                max_examples=int(os.environ.get("CONSENT_EXAMPLES", "5")),
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
