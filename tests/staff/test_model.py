"""Whatever is granted, revoked, signed, rolled back, and however time goes by: the gate lets through exactly what a few
lines of plain Python say.

``SA_PRIVACY_STAFF_EXAMPLES`` makes it look longer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, NotGranted, NotPledged, Privacy, StaffRefused
from tests.staff import world
from tests.staff.world import Office

EXAMPLES = int(os.environ.get("SA_PRIVACY_STAFF_EXAMPLES", "8"))
#: The purposes that each role opens; whether it is granted; whether it takes the pledge.
ROLES = {
    "support": ({"inquiries"}, True, False),
    "warehouse": ({"shipping"}, False, True),
    "auditor": ({"audit"}, True, True),
    "clerk": ({"signup", "shipping"}, False, False),
}
GRANTED = [name for name, (_, granted, _) in ROLES.items() if granted]
HOURS = st.integers(1, 60).map(lambda hours: timedelta(hours=hours))
ACTORS = st.sampled_from(["a", "b"])
_numbers = count()


class Model:
    """What should be true."""

    def __init__(self) -> None:
        self.grants: list[tuple[str, str, datetime, datetime | None]] = []
        self.signed: dict[str, datetime] = {}

    def open(self, actor: str, role: str, now: datetime) -> bool:
        """Whether there is something to revoke."""
        return any(one[:2] == (actor, role) and (one[3] is None or now < one[3]) for one in self.grants)

    def stands(self, actor: str, role: str, now: datetime) -> bool:
        """Whether somebody stands in a role."""
        _, granted, pledged = ROLES[role]
        held = any(
            one[:2] == (actor, role) and one[2] <= now and (one[3] is None or now < one[3]) for one in self.grants
        )
        signed = actor in self.signed and now < self.signed[actor].replace(year=self.signed[actor].year + 1)
        return (held or not granted) and (signed or not pledged)

    def lets(self, actor: str, roles: set[str], purposes: set[str], now: datetime) -> bool:
        """Whether a statement runs."""
        opened: set[str] = set()
        for role in roles:
            if self.stands(actor, role, now):
                opened |= ROLES[role][0]
        return purposes <= opened


class Machine(RuleBasedStateMachine):
    """Two processes on one database: one writes and keeps answers, the other asks each time."""

    here: Office
    there: Office

    @initialize()
    def begin(self) -> None:
        self.model = Model()
        self.prefix = f"example {next(_numbers)} "

    @property
    def now(self) -> datetime:
        return self.here.clock.now

    def write(self, does: Callable[[Session], object], *, commits: bool) -> bool:
        """Whether it was entered for good."""
        with Session(self.here.engine) as session:
            try:
                does(session)
            except StaffRefused:
                return False
            if commits:
                session.commit()
            return commits

    @rule(
        actor=ACTORS,
        role=st.sampled_from(GRANTED),
        wait=st.none() | HOURS,
        lasting=st.none() | HOURS,
        commits=st.sampled_from([True, True, False]),
    )
    def grant(self, actor: str, role: str, wait: timedelta | None, lasting: timedelta | None, *, commits: bool) -> None:
        starts = None if wait is None else self.now + wait
        until = None if lasting is None else (starts or self.now) + lasting
        staff, name = self.here.privacy.staff, self.prefix + actor
        with self.here.officer():
            done = self.write(
                lambda s: staff.grant(s, name, role, reason="r", starts=starts, until=until), commits=commits
            )
        assert done is commits
        if done:
            self.model.grants.append((actor, role, starts or self.now, until))
        self.look(actor)

    @rule(actor=ACTORS, role=st.sampled_from(GRANTED), commits=st.sampled_from([True, True, False]))
    def revoke(self, actor: str, role: str, *, commits: bool) -> None:
        staff, name = self.here.privacy.staff, self.prefix + actor
        with self.here.officer():
            done = self.write(lambda s: staff.revoke(s, name, role, reason="r"), commits=commits)
        assert done is (commits and self.model.open(actor, role, self.now))
        if done:
            self.model.grants = [one for one in self.model.grants if one[:2] != (actor, role)]
        self.look(actor)

    @rule(actor=ACTORS, language=st.sampled_from(["en", "ja"]), commits=st.sampled_from([True, True, False]))
    def sign(self, actor: str, language: str, *, commits: bool) -> None:
        staff, name = self.here.privacy.staff, self.prefix + actor
        with self.here.privacy.request(actor=name):
            if self.write(lambda s: staff.sign(s, name, "handling", language=language), commits=commits):
                self.model.signed[actor] = self.now
        self.look(actor)

    @rule(hours=st.sampled_from([0.5, 1, 7, 24 * 100]))
    def wait(self, hours: float) -> None:
        self.here.clock.advance(hours=hours)
        self.look()

    @rule()
    def settle(self) -> None:
        """A minute goes by since the last change: from now on answers are kept."""
        self.here.settle()

    @rule(actor=ACTORS, roles=st.sets(st.sampled_from(sorted(ROLES)), min_size=2), data=st.data())
    def act(self, actor: str, roles: set[str], data: st.DataObject) -> None:
        """In several roles, for several purposes."""
        reachable = sorted(set[str]().union(*(ROLES[role][0] for role in roles)))
        self.statement(self.here, actor, roles, data.draw(st.sets(st.sampled_from(reachable), min_size=1)))

    def look(self, actors: str = "ab") -> None:
        """After each step: who may do what. The other process is asked one of it, in turn."""
        for actor in actors:
            asked = [(role, purposes) for role, (purposes, granted, pledged) in ROLES.items() if granted or pledged]
            for role, purposes in asked:
                self.statement(self.here, actor, {role}, purposes)
            role, purposes = asked[next(_numbers) % len(asked)]
            self.statement(self.there, actor, {role}, purposes)

    def statement(self, office: Office, actor: str, roles: set[str], purposes: set[str]) -> None:
        try:
            office.names(self.prefix + actor, sorted(roles), sorted(purposes))
            ran = True
        except (NotGranted, NotPledged):
            ran = False
        assert ran is self.model.lets(actor, roles, purposes, self.now)


def test_the_gate_does_what_the_model_says(office: Office, make_engine: Callable[..., Engine], tmp_path: Path) -> None:
    engine = make_engine()
    log = AccessLog.open(tmp_path / "other")
    other = Privacy(world.policy(), keys=world.KEYS, log=log, metadata=world.Base, recheck=0)
    other.install(engine)
    there = Office(engine, other)
    there.clock = office.clock
    other._desk.clock = office.clock

    class Here(Machine):
        here = office

    Here.there = there
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    other.close()
