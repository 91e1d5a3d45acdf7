"""The review: who may use what, granted by whom, last used when, and what somebody should look at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, NotGranted
from sa_privacy.accesslog import Event
from sa_privacy.staff import Report
from sa_privacy.staff.review import last_uses
from tests.staff.world import START, Office


class Told:
    """A log whose events are as old as a test needs them."""

    def __init__(self, *events: Event) -> None:
        self._events = events

    def find(self, wanted: Any) -> Iterator[Event]:
        """Those wanted."""
        return (event for event in self._events if wanted.takes(event))


def used(actor: str, role: str, at: datetime, **said: Any) -> Event:
    """One statement."""
    return Event(
        **{
            "kind": "intent",
            "at": at,
            "writer": "w",
            "seq": 1,
            "prev": "",
            "hash": "",
            "decision": "allowed",
            "actor": actor,
            "roles": [role],
            "reads": ["customers.name"],
            **said,
        }
    )


def report(office: Office, *events: Event, **said: Any) -> Report:
    """The officer's report."""
    with office.officer(), Session(office.engine) as session:
        return office.privacy.staff.report(session, log=Told(*events) if events else None, **said)


def flags(made: Report) -> dict[tuple[str, str], tuple[str, ...]]:
    """What somebody should look at."""
    return {(one.actor, one.role): one.flags for one in made.holdings if one.state in ("in force", "to come")}


def test_every_grant_stands_in_it_with_its_why(office: Office) -> None:
    office.grant("staff:2", "support", until=START + timedelta(days=60))
    office.grant("staff:3", "auditor", starts=START + timedelta(days=1))
    office.revoke("staff:3", "auditor")
    office.clock.advance(days=61)
    office.grant("staff:4", "auditor", starts=office.clock.now + timedelta(days=1))
    made = report(office)
    assert [(one.actor, one.role, one.state) for one in made.holdings] == [
        ("staff:1", "officer", "in force"),
        ("staff:2", "support", "ended"),
        ("staff:3", "auditor", "revoked"),
        ("staff:4", "auditor", "to come"),
    ]
    first, second, third, _ = made.holdings
    assert (first.granted_by, first.granted_as, first.reason) == ("sa-privacy", "", "the first one")
    assert (second.granted_by, second.granted_as, second.reason) == ("staff:1", "officer", "needs it")
    assert (third.revoked_by, third.revoked_for, third.revoked_at) == ("staff:1", "moved on", START)
    roles = {one.role: one for one in made.roles}
    assert (roles["support"].purposes, roles["support"].categories) == (("audit", "inquiries"), ("email", "name"))
    assert (roles["warehouse"].granted, roles["warehouse"].pledge) == (False, "handling")
    assert roles["officer"].grants == ("auditor", "engineer", "officer", "support")


def test_what_nobody_used_for_ninety_days_is_flagged(office: Office) -> None:
    for number in range(2, 6):
        office.grant(f"staff:{number}", "support")
    office.clock.advance(days=100)
    events = (
        used("staff:2", "support", START + timedelta(days=9)),
        used("staff:3", "support", START + timedelta(days=11)),
        used("staff:4", "support", START + timedelta(days=99), decision="denied"),
        used("staff:5", "support", START + timedelta(days=99), reads=["sa_privacy_staff_grants.role"]),
        used("staff:5", "clerk", START + timedelta(days=99)),
    )
    made = report(office, *events)
    assert flags(made) == {
        ("staff:1", "officer"): ("unused",),
        ("staff:2", "support"): ("unused",),
        ("staff:3", "support"): (),
        ("staff:4", "support"): ("unused",),
        ("staff:5", "support"): ("unused",),
    }
    assert [one.last_used for one in made.holdings if one.actor == "staff:3"] == [START + timedelta(days=11)]
    assert not any(
        "unused" in found for found in flags(report(office, *events, unused_after=timedelta(days=101))).values()
    )


def test_what_ends_soon_and_who_has_not_signed_is_flagged(office: Office) -> None:
    office.sign("staff:3")
    office.clock.advance(days=360)
    office.grant("staff:2", "support", until=office.clock.now + timedelta(days=30))
    for number in (3, 4, 5):
        office.grant(f"staff:{number}", "auditor", until=office.clock.now + timedelta(days=31))
    office.sign("staff:5")
    office.clock.advance(hours=1)
    assert flags(report(office)) == {
        ("staff:1", "officer"): ("unused",),
        ("staff:2", "support"): ("expires soon",),
        ("staff:3", "auditor"): (),
        ("staff:4", "auditor"): ("pledge missing",),
        ("staff:5", "auditor"): (),
    }
    office.clock.advance(days=6)
    made = report(office, expiring_within=timedelta(days=1))
    assert flags(made)["staff:3", "auditor"] == ("pledge outdated",)
    assert [(one.actor, one.holds) for one in made.pledges] == [("staff:3", False), ("staff:5", True)]


def test_the_log_tells_when_a_role_was_used_last(office: Office, log: AccessLog) -> None:
    office.grant("staff:2", "support")
    with pytest.raises(NotGranted):
        office.names("staff:3")
    office.names("staff:2")
    found = last_uses(log)
    assert ("staff:2", "support") in found
    assert ("staff:1", "officer") in found
    assert ("staff:3", "support") not in found, "to be refused is no use"
    assert max(event.at for event in log.events() if event.kind == "intent") >= found["staff:2", "support"]


def test_a_report_without_a_log_says_so(office: Office, tmp_path: Path) -> None:
    office.privacy.staff._log = None
    office.clock.advance(days=900)
    made = report(office)
    assert not made.logged
    assert made.flagged == ()


def test_whoever_makes_an_account_and_grants_it_a_role_is_looked_at(office: Office) -> None:
    """They may know its password, and act as two."""
    office.grant("staff:9", "officer")
    with office.officer(), Session(office.engine) as session:
        own, other = (office.privacy.staff.create(session, name) for name in ("Puppet", "Hanako"))
        session.commit()
    office.grant(own, "support")
    with office.officer("staff:9"), Session(office.engine) as session:
        office.privacy.staff.grant(session, other, "support", reason="r")
        session.commit()
    told = flags(report(office))
    assert told[own, "support"] == ("by its maker",)
    assert told[other, "support"] == told["staff:9", "officer"] == ()
