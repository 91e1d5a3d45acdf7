"""An emergency is allowed for, briefly, on record before it begins, and seen by a second person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from sa_privacy import (
    AccessDenied,
    AccessEnded,
    AccessLog,
    LogUnavailable,
    Policy,
    PolicyError,
    Privacy,
    PurposeDenied,
    ReviewRefused,
    RoleDenied,
)
from sa_privacy.accesslog import Event, Wanted, open_reviews, review
from sa_privacy.policy.writing import as_sections
from tests.gate import world
from tests.gate.trail import Trail
from tests.gate.world import Customer
from tests.support.databases import Database

SECTIONS = as_sections(world.POLICY)
POLICY = Policy(
    **SECTIONS
    | {
        "roles": SECTIONS["roles"]
        | {
            "support": {"purposes": ["billing"], "break_glass": ["shipping"], "break_glass_for": "PT30M"},
            "nurse": {"purposes": ["billing"], "break_glass": ["shipping"], "break_glass_for": "PT5M"},
        }
    }
)
GLASS: dict[str, Any] = {
    "purpose": "shipping",
    "role": "support",
    "actor": "staff:5",
    "break_glass": True,
    "reason": "parcel with insulin is lost",
    "ticket": "INC-2041",
}
NAMES = select(Customer.id, Customer.phone).order_by(Customer.id)


class Synced(AccessLog):
    """Notes which events it was asked to bring to the disk."""

    synced: list[tuple[str, bool]]

    def append(self, kind: str, members: bytes, sync: bool = False) -> int:
        self.synced.append((kind, sync))
        return super().append(kind, members, sync)


class Clock:
    """The clocks that a broken glass goes by."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return 1000.0 + self.passed


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("sa_privacy.access.glass.monotonic", made)
    return made


@pytest.fixture
def log(tmp_path: Path) -> Synced:
    made = Synced.open(tmp_path / "log")
    assert isinstance(made, Synced)
    made.synced = []
    return made


@pytest.fixture
def privacy(log: AccessLog) -> Iterator[Privacy]:
    made = Privacy(POLICY, keys=world.KEYS, log=log, metadata=world.Base)
    yield made
    made.close()


def test_what_the_role_may_not_do_is_open_for_a_while_and_every_event_says_so(
    session: Session, privacy: Privacy, log: Synced
) -> None:
    with pytest.raises(RoleDenied, match="break_glass=True, reason"), privacy.access("shipping", role="support"):
        pass
    trail = Trail(log)
    log.synced.clear()
    with privacy.access(**GLASS):
        [entry] = trail.of("break_glass")
        assert (entry["actor"], entry["reason"], entry["ticket"]) == ("staff:5", GLASS["reason"], "INC-2041")
        assert (entry["roles"], entry["purpose"], entry["policy"]) == (["support"], ["shipping"], POLICY.hash)
        left = datetime.fromisoformat(entry["until"]) - datetime.now(UTC)
        assert timedelta(minutes=29) < left <= timedelta(minutes=30)
        assert "test_break_glass.py" in entry["site"]
        found = session.scalars(select(Customer).where(Customer.id == 1)).one()
        with privacy.access("billing"):
            session.scalars(select(Customer.name)).all()
            assert found.name
    lines = trail.of("intent", "outcome", "use", "break_glass")
    assert {line["kind"] for line in lines} == {"intent", "outcome", "use", "break_glass"}
    assert all(line["break_glass"] is True and line["ticket"] == "INC-2041" for line in lines)
    assert all(sync for kind, sync in log.synced if kind != "context")
    log.synced.clear()
    with privacy.access("billing", role="support", actor="staff:5"):
        session.scalars(select(Customer.name)).all()
    assert [line.get("break_glass") for line in trail.of("intent", "outcome")[-2:]] == [None, None]
    assert {sync for _, sync in log.synced} == {False}


def test_a_denial_names_the_emergency_as_a_way_out_where_it_is_one(session: Session, privacy: Privacy) -> None:
    with privacy.access("billing", role="support"), pytest.raises(PurposeDenied) as denied:
        session.scalars(select(Customer.phone)).all()
    assert "In an emergency: privacy.access(break_glass=True" in str(denied.value)
    with privacy.access("billing", role="support"), pytest.raises(PurposeDenied) as denied:
        session.scalars(select(Customer.birthday)).all()
    assert "emergency" not in str(denied.value)


def test_the_glass_opens_what_the_policy_says_and_nothing_else(session: Session, privacy: Privacy, log: Synced) -> None:
    with pytest.raises(RoleDenied, match="may not act for"), privacy.access(**GLASS | {"purpose": "campaigns"}):
        pass
    with privacy.access(**GLASS), pytest.raises(PurposeDenied):
        session.scalars(select(Customer.birthday)).all()
    denied = [line for line in Trail(log)._lines if line.get("decision") == "denied"]
    assert [line.get("break_glass") for line in denied] == [True, True]


LACKING: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no ticket": ({"ticket": None}, PolicyError, "takes a ticket"),
    "an empty ticket": ({"ticket": " "}, PolicyError, "takes a ticket"),
    "no reason": ({"reason": None}, AccessDenied, "takes a reason"),
    "no actor": ({"actor": None}, AccessDenied, "takes an actor"),
    "neither": ({"actor": " ", "reason": ""}, AccessDenied, "an actor and a reason"),
    "another role": ({"role": "clerk"}, RoleDenied, "may not break the glass"),
    "no role": ({"role": None}, RoleDenied, "may not break the glass"),
}


@pytest.mark.parametrize("name", LACKING)
def test_without_all_that_it_takes_nothing_is_opened(name: str, privacy: Privacy, log: Synced) -> None:
    said, error, words = LACKING[name]
    trail = Trail(log)
    with pytest.raises(error, match=words) as refused, privacy.access(**GLASS | said):
        pytest.fail("the block ran")
    assert "support" in str(refused.value) or "staff:17" in str(refused.value) or "INC" in str(refused.value)
    assert trail.of("break_glass") == []
    if error is not PolicyError:
        [line] = trail.of("intent")
        assert (line["decision"], line["break_glass"], line["ticket"]) == ("denied", True, "INC-2041")


def test_actor_and_reason_may_come_from_the_access_around_it(privacy: Privacy, log: Synced) -> None:
    with privacy.request("r-1", actor="staff:5", role="support", reason="night shift"):
        with privacy.access("shipping", break_glass=True, ticket="T-1"):
            pass
        with pytest.raises(RoleDenied):
            privacy.current().bind(purpose="shipping")
    [entry] = [line for line in Trail(log)._lines if line["kind"] == "break_glass"]
    assert (entry["actor"], entry["reason"], entry["request"]) == ("staff:5", "night shift", "r-1")


def test_who_broke_the_glass_of_a_request_cannot_be_changed_later(privacy: Privacy) -> None:
    with privacy.request(**GLASS):
        with pytest.raises(PolicyError, match="on record already"):
            privacy.current().bind(actor="staff:9")
        privacy.current().bind(purpose=["shipping", "billing"])
        assert privacy.current().access.break_glass is not None


def test_inside_it_the_glass_is_whole_to_anybody_else_and_in_another_role(privacy: Privacy) -> None:
    with privacy.access(**GLASS), privacy.access("billing", actor="staff:5"):
        assert privacy.current().access.break_glass is not None
        with privacy.access("shipping"):
            pass
        with pytest.raises(RoleDenied), privacy.access("shipping", actor="staff:9"):
            pytest.fail("who acts is not who is on record")
        with privacy.access("billing", actor="staff:9") as other:
            assert other.access.break_glass is None
        with pytest.raises(RoleDenied), privacy.access("shipping", role="nurse"):
            pytest.fail("another role's emergency has its own time")
        with pytest.raises(RoleDenied), privacy.access("shipping", role=["support", "nurse"]):
            pytest.fail("the role was not on record")
        with privacy.access("shipping", role="nurse", break_glass=True, ticket="INC-2041"):
            pass


def test_after_its_time_the_access_has_ended_wherever_it_went(session: Session, privacy: Privacy, clock: Clock) -> None:
    def look() -> None:
        session.execute(NAMES).all()

    with privacy.access(**GLASS):
        carried, nested = privacy.carry(look), privacy.access("billing")
        someone = session.scalars(select(Customer).order_by(Customer.id)).first()
        assert someone is not None
        assert someone.phone == "090-1"
        rows = iter(session.execute(NAMES, execution_options={"yield_per": 1}))
        next(rows)
        clock.passed = 29 * 60
        carried()
        look()
        with nested:
            clock.passed = 30 * 60
            for late in (lambda: someone.phone, lambda: next(rows), look, carried):
                with pytest.raises(AccessEnded, match=r"until \d\d:\d\d:\d\d UTC(.|\n)*break it again"):
                    late()
        with pytest.raises(AccessEnded), privacy.access("billing"):
            pytest.fail("the block ran")
    with privacy.access("billing", role="support"):
        session.scalars(select(Customer.name)).all()


def test_a_glass_inside_another_is_over_with_the_outer_one(privacy: Privacy, clock: Clock) -> None:
    with privacy.access(**GLASS):
        clock.passed = 20 * 60
        with privacy.access(break_glass=True, ticket="INC-2042"):
            clock.passed = 30 * 60
            with pytest.raises(AccessEnded):
                privacy.current().check_alive()


def test_as_a_decorator_each_call_is_a_glass_of_its_own(privacy: Privacy, log: Synced, session: Session) -> None:
    trail = Trail(log)

    @privacy.access(**GLASS)
    def emergency() -> int:
        return len(session.execute(NAMES).all())

    @privacy.access(**GLASS)
    def one_by_one() -> Iterator[int]:
        yield from (row.id for row in session.execute(NAMES))

    assert trail.of("break_glass") == []
    assert (emergency(), emergency(), sum(one_by_one())) == (3, 3, 6)
    assert len(trail.of("break_glass")) == 3


@pytest.mark.parametrize("on_failure", ["refuse", "continue"])
def test_what_cannot_be_put_on_record_does_not_begin(
    tmp_path: Path, database: Database, engine: Engine, on_failure: str
) -> None:
    policy = Policy(**as_sections(POLICY) | {"log": {"on_failure": on_failure}})
    log = AccessLog.open(tmp_path / "closed")
    privacy = Privacy(policy, keys=world.KEYS, log=log, metadata=world.Base)
    privacy.install(engine)
    with privacy.access(**GLASS), Session(engine) as session:
        log.close()
        with pytest.raises(LogUnavailable):
            session.execute(NAMES).all()
    with pytest.raises(LogUnavailable), privacy.access(**GLASS):
        pytest.fail("the block ran")
    privacy.close()


def test_without_a_log_there_is_no_breaking_the_glass() -> None:
    privacy = Privacy(POLICY, keys=world.KEYS, log=None, metadata=world.Base)
    with pytest.raises(LogUnavailable, match="there is no access log"), privacy.access(**GLASS):
        pytest.fail("the block ran")
    privacy.close()


def test_while_observing_the_same_is_written_and_what_would_be_refused_runs(log: Synced) -> None:
    privacy = Privacy(POLICY, keys=world.KEYS, log=log, metadata=world.Base, mode="observe")
    trail = Trail(log)
    with privacy.access(**GLASS):
        assert len(trail.of("break_glass")) == 1
    with privacy.access(**GLASS | {"role": "clerk"}):
        assert privacy.current().access.break_glass is None
    assert len(trail.of("break_glass")) == 1
    assert trail.of("intent")[0]["decision"] == "would_deny"
    privacy.close()


def test_a_ticket_without_a_broken_glass_is_a_detail_like_any_other(privacy: Privacy) -> None:
    with privacy.access("billing", role="support", ticket="T-9"):
        assert privacy.current().access.details == {"ticket": "T-9"}


class _Source:
    """The log as a place to ask."""

    def __init__(self, log: AccessLog) -> None:
        self.log = log

    def find(self, wanted: Wanted) -> Iterator[Event]:
        return filter(wanted.takes, self.log.events())


def test_a_second_person_closes_it_and_nobody_else(privacy: Privacy, log: Synced) -> None:
    source = _Source(log)
    for ticket in ("INC-1", "INC-2"):
        with privacy.access(**GLASS | {"ticket": ticket}):
            pass
    first, second = open_reviews(source)
    assert [one.event.ticket for one in (first, second)] == ["INC-1", "INC-2"]
    for of, by, verdict, words in (
        (first.id, "staff:5", "justified", "second person"),
        (first.id, " Staff:5", "justified", "second person"),
        (first.id, "staff:\u200b5", "justified", "second person"),
        (first.id, "staff\ufe0f:5", "justified", "second person"),
        (first.id, "\uff33taff:\uff15", "justified", "second person"),
        (first.id, "", "justified", "by is needed"),
        (first.id, "staff:9", "perhaps", "a verdict is needed"),
        ("0123456789abcdef:7", "staff:9", "justified", "knows no break-glass"),
    ):
        with pytest.raises(ReviewRefused, match=words):
            review(log, of=of, verdict=verdict, by=by, reason="looked at it")  # type: ignore[arg-type]
    log.synced.clear()
    review(log, of=first.id, verdict="unjustified", by="staff:9", reason="could have waited")
    assert log.synced == [("review", True)]
    assert [one.id for one in open_reviews(source)] == [second.id]
    with pytest.raises(ReviewRefused, match="reviewed already"):
        review(log, of=first.id, verdict="justified", by="staff:8", reason="I think it is fine", source=source)


def test_what_only_looks_like_a_review_closes_nothing(privacy: Privacy, log: Synced) -> None:
    from sa_privacy.accesslog import members

    with privacy.access(**GLASS):
        pass
    [waiting] = open_reviews(_Source(log))
    log.append("review", members(actor="staff:5", of=waiting.id, verdict="justified"))
    log.append("review", members(actor=None, of=waiting.id, verdict="justified"))
    log.append("review", members(actor="staff:9", of=waiting.id))
    assert [one.id for one in open_reviews(_Source(log))] == [waiting.id]


def test_who_is_refused_on_entry_is_named_as_the_request_around_it_names_them(privacy: Privacy, log: Synced) -> None:
    around: dict[str, Any] = {"actor": "staff:5", "role": "support", "reason": "a call", "route": "GET /orders/{id}"}
    with privacy.request("r-1", **around):
        for entry in (
            privacy.access("shipping"),
            privacy.access("shipping", break_glass=True, ticket="T-1", reason=" "),
            privacy.access("shipping", actor="staff:6", reason="another"),
            privacy.request(role="support", purpose="shipping"),  # which takes nothing from the one around it
        ):
            with pytest.raises(AccessDenied), entry:
                pytest.fail("the block ran")
    denied = Trail(log)._lines
    said = [
        tuple(line.get(name) for name in ("actor", "request", "reason", "route")) for line in denied if "site" in line
    ]
    assert said == [
        ("staff:5", "r-1", "a call", "GET /orders/{id}"),
        ("staff:5", "r-1", " ", "GET /orders/{id}"),
        ("staff:6", "r-1", "another", "GET /orders/{id}"),
        (None, None, None, None),
    ]


def test_who_goes_on_after_the_time_is_named(session: Session, privacy: Privacy, log: Synced, clock: Clock) -> None:
    with privacy.access(**GLASS):
        someone = session.scalars(select(Customer).where(Customer.id == 1)).one()
        clock.passed = 31 * 60
        trail = Trail(log)
        for late in (lambda: session.execute(NAMES).all(), lambda: someone.phone):
            with pytest.raises(AccessEnded):
                late()
    assert [(line["kind"], line["actor"], line["ticket"], line["decision"]) for line in trail.of("intent", "use")] == [
        ("intent", "staff:5", "INC-2041", "denied"),
        ("use", "staff:5", "INC-2041", "denied"),
    ]
