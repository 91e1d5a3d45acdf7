"""What may be entered of consent, by whom, and what counts then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any, get_args

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sa_privacy import (
    ClockWentBack,
    ConsentRefused,
    NoAccess,
    PolicyError,
    Privacy,
    PrivacyError,
    PurposeDenied,
    UnknownPerson,
)
from sa_privacy.customers.agent import Agent
from sa_privacy.customers.consent.entry import ConsentCount, Said, must_follow
from sa_privacy.customers.consent.matters import matter_of
from sa_privacy.customers.consent.tables import CONSENT_STATE, CONSENTS
from tests.customers.consent.world import (
    START,
    Clock,
    at_the_desk,
    filled,
    opened,
    policy,
)
from tests.support.databases import Database

PARENT = Agent(name="Eve Arbor", authority="statutory", evidence="family register 12")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def privacy(database: Database, engine: Engine, clock: Clock) -> Iterator[Privacy]:
    filled(database)
    with closing(opened(engine, clock)) as made:
        yield made


def test_what_was_said_counts_and_stays_in_the_ledger(privacy: Privacy, engine: Engine, clock: Clock) -> None:
    with at_the_desk(privacy, engine) as session:
        assert not privacy.consents.state(session, 1, "campaigns").agreed
        given = privacy.consents.give(session, 1, "campaigns", how="form", language="ja", evidence="form 77")
        assert privacy.consents.state(session, "1", "campaigns").agreed
        clock.passes(days=1)
        taken = privacy.consents.withdraw(session, ("customer", 1), "campaigns", how="call", by=PARENT)
        session.commit()
        state = privacy.consents.state(session, 1, "campaigns")
        assert (state.said, state.agreed, state.entry) == ("withdrawn", False, taken.id)
        assert privacy.consents.history(session, 1) == [given, taken]
        assert privacy.consents.history(session, 2) == []
    assert (given.at, given.entered, given.how, given.language) == (START, START, "form", "ja")
    assert (given.wording, given.version, given.evidence) == ("campaigns", "1", "form 77")
    assert given.valid_until == START.replace(year=2027)
    assert (given.actor, given.policy, given.previous) == ("staff:17", privacy.policy.hash, None)
    assert (taken.authority, taken.agent, taken.agent_evidence) == ("statutory", "Eve Arbor", "family register 12")
    assert (taken.previous, taken.at) == (given.id, START + timedelta(days=1))
    for secret in ("form 77", "Eve", "register", "staff"):
        assert secret not in repr([given, taken, PARENT])


def test_words_about_people_are_sealed_in_the_database(privacy: Privacy, engine: Engine, database: Database) -> None:
    with at_the_desk(privacy, engine) as session:
        privacy.consents.give(session, 1, "campaigns", how="form", language="en", evidence="form 77", by=PARENT)
        session.commit()
    with database.engine().connect() as plain:
        row = plain.execute(text("SELECT evidence, agent, agent_evidence FROM sa_privacy_consents")).one()
    for cell in row:
        assert cell is not None
        assert not any(word in bytes(cell) for word in (b"form 77", b"Eve", b"register"))


def test_what_may_follow_what(privacy: Privacy, engine: Engine) -> None:
    every = [
        (to, before, said)
        for to in ("campaigns", "improvement")
        for before in (None, *get_args(Said))
        for said in get_args(Said)
    ]

    def refused(to: str, before: Said | None, said: Said) -> bool:
        try:
            must_follow(matter_of(policy(), to), before, said)
        except ConsentRefused:
            return True
        return False

    assert [one for one in every if refused(*one)] == [
        ("campaigns", None, "withdrawn"),
        ("campaigns", "refused", "withdrawn"),
        ("campaigns", "withdrawn", "withdrawn"),
        ("improvement", "refused", "withdrawn"),
        ("improvement", "withdrawn", "withdrawn"),
    ]
    with at_the_desk(privacy, engine) as session:
        with pytest.raises(ConsentRefused, match="nothing was said"):
            privacy.consents.withdraw(session, 1, "campaigns", how="web")
        assert privacy.consents.history(session, 1) == []


def test_a_consent_ends_with_its_time_and_with_its_wording(
    privacy: Privacy, engine: Engine, clock: Clock, database: Database
) -> None:
    with at_the_desk(privacy, engine) as session:
        privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        privacy.consents.refuse(session, 1, "improvement", how="web")
        session.commit()
        clock.now = START.replace(year=2027) - timedelta(microseconds=1)
        assert privacy.consents.state(session, 1, "campaigns").agreed
        clock.passes(microseconds=1)
        assert not privacy.consents.state(session, 1, "campaigns").agreed
        assert not privacy.consents.state(session, 1, "improvement").agreed, "an objection does not run out"
        privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        assert privacy.consents.state(session, 1, "campaigns").agreed
        session.commit()
    privacy.uninstall(engine)
    with closing(opened(engine, clock, policy("2"))) as newer, at_the_desk(newer, engine) as session:
        state = newer.consents.state(session, 1, "campaigns")
        assert (state.agreed, state.said, state.version) == (False, "given", "1")
        taken = newer.consents.withdraw(session, 1, "campaigns", how="web")
        assert taken.version == "1", "what is taken back is what was given"


def test_a_text_is_not_changed_under_its_version(privacy: Privacy, engine: Engine, clock: Clock) -> None:
    with at_the_desk(privacy, engine) as session:
        privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        session.commit()
    privacy.uninstall(engine)
    changed = policy(text={"en": "We may sell all.", "ja": "すべて。"})
    with closing(opened(engine, clock, changed)) as other, at_the_desk(other, engine) as session:
        with pytest.raises(ConsentRefused, match="still called version 1"):
            other.consents.give(session, 2, "campaigns", how="web", language="en")
        session.commit()
        assert other.consents.state(session, 2, "campaigns").said is None
        other.consents.give(session, 2, "campaigns", how="web", language="ja")


def test_a_caller_who_goes_on_after_an_error_commits_nothing_of_it(
    privacy: Privacy, engine: Engine, clock: Clock
) -> None:
    """Evidence is sealed last, and cannot be without keys."""
    privacy.uninstall(engine)
    with closing(opened(engine, clock, keys=None)) as keyless, at_the_desk(keyless, engine) as session:
        with pytest.raises(PrivacyError, match="SP-303"):
            keyless.consents.give(session, 1, "campaigns", how="form", language="en", evidence="form 77")
        session.commit()
        assert keyless.consents.state(session, 1, "campaigns").said is None
        assert keyless.consents.history(session, 1) == []
        keyless.consents.give(session, 1, "campaigns", how="form", language="en")
        session.commit()
        assert keyless.consents.state(session, 1, "campaigns").agreed


def test_the_same_is_not_entered_twice(privacy: Privacy, engine: Engine, clock: Clock) -> None:
    with at_the_desk(privacy, engine) as session:
        once = privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        clock.passes(seconds=1)
        with pytest.raises(ConsentRefused, match="a moment ago"):
            privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        clock.passes(seconds=10)
        keyed: dict[str, Any] = {"how": "web", "idempotency_key": "k-1"}
        again = privacy.consents.withdraw(session, 1, "campaigns", **keyed)
        assert privacy.consents.withdraw(session, 1, "campaigns", **keyed) == again
        with pytest.raises(ConsentRefused, match="another entry"):
            privacy.consents.give(session, 1, "campaigns", language="en", **keyed)
        privacy.consents.give(session, 2, "campaigns", language="en", **keyed)
        assert privacy.consents.history(session, 1) == [once, again]


def test_when_something_was_said(privacy: Privacy, engine: Engine, clock: Clock) -> None:
    with at_the_desk(privacy, engine) as session:
        words: dict[str, Any] = {"how": "form", "language": "en"}
        with pytest.raises(ConsentRefused, match="in the future"):
            privacy.consents.give(session, 1, "campaigns", at=START + timedelta(hours=1), **words)
        entry = privacy.consents.give(session, 1, "campaigns", at=START - timedelta(days=30), **words)
        assert (entry.at, entry.entered) == (START - timedelta(days=30), START)
        assert entry.valid_until == (START - timedelta(days=30)).replace(year=2027)
        clock.passes(days=1)
        privacy.consents.withdraw(session, 1, "campaigns", how="call")
        with pytest.raises(ConsentRefused, match="something later"):
            privacy.consents.give(session, 1, "campaigns", at=START, **words)
        clock.passes(days=-1)
        with pytest.raises(ClockWentBack):
            privacy.consents.give(session, 1, "campaigns", **words)
        assert len(privacy.consents.history(session, 1)) == 2


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"to": "campaign"}, PolicyError, "campaigns"),
    ({"to": "shipping"}, PolicyError, "nobody is asked"),
    ({"to": "carrier"}, PolicyError, "nobody is asked"),
    ({"to": "surveys"}, PolicyError, "a purpose and a recipient"),
    ({"subject": 99}, UnknownPerson, "no such person"),
    ({"subject": ("employee", 1)}, PolicyError, "no kind of people"),
    ({"how": "telepathy"}, PolicyError, "one of web"),
    ({"language": None}, ConsentRefused, "in which language"),
    ({"language": "fr"}, ConsentRefused, "no wording in that language"),
    ({"at": START.replace(tzinfo=None)}, PolicyError, "time zone"),
    ({"by": "Eve"}, PolicyError, "no agent"),
    ({"evidence": " "}, PolicyError, "evidence is a text"),
    ({"idempotency_key": "k" * 201}, PolicyError, "at most 200"),
    ({"session": "session"}, PolicyError, "is no session"),
]


def test_bad_input_is_refused_and_leaves_the_ledger_whole(privacy: Privacy, engine: Engine) -> None:
    with at_the_desk(privacy, engine) as session:
        for change, error, told in BAD:
            words: dict[str, Any] = {"subject": 1, "to": "campaigns", "how": "web", "language": "en"} | change
            given = words.pop("session", session)
            with pytest.raises(error, match=told):
                privacy.consents.give(given, words.pop("subject"), words.pop("to"), **words)
        session.commit()
        with privacy.access(maintenance=True, role="engineer", actor="tests", reason="count"):
            assert session.execute(select(CONSENTS.c.id)).all() == []
            assert session.execute(select(CONSENT_STATE.c.id)).all() == []


def test_what_was_said_wrongly_is_not_repeated(privacy: Privacy, engine: Engine) -> None:
    """Two arguments in the wrong order make a person of a purpose."""
    with at_the_desk(privacy, engine) as session, pytest.raises(PolicyError) as told:
        privacy.consents.give(session, "campaigns", "ann@example.com", how="web", language="en")
    assert "ann@" not in f"{told.value}{told.value!r}"


def test_an_agent_shows_that_they_may() -> None:
    with pytest.raises(PolicyError, match="needs evidence"):
        Agent(name="Eve", authority="statutory", evidence=" ")
    with pytest.raises(PolicyError, match="needs a name"):
        Agent(name="", authority="statutory", evidence="register")
    with pytest.raises(PolicyError, match="kinds: statutory, entrusted"):
        Agent(name="Eve", authority="friend", evidence="register")  # type: ignore[arg-type]


def test_people_speak_for_themselves_and_staff_by_name(privacy: Privacy, engine: Engine) -> None:
    consents = privacy.consents
    with Session(engine) as session:
        with pytest.raises(NoAccess):
            consents.give(session, 1, "campaigns", how="web", language="en")
        with privacy.access("account", role="customer", subject="1"):
            entry = consents.give(session, 1, "campaigns", how="web", language="en", by=PARENT)
            assert (entry.actor, entry.authority) == (None, "statutory")
            assert consents.state(session, 1, "campaigns").agreed
            for somebody in (2, 99):
                with pytest.raises(ConsentRefused, match="somebody else") as caught:
                    consents.give(session, somebody, "campaigns", how="web", language="en")
                assert str(somebody) not in str(caught.value).replace("SP-601", "")
                for ask in (consents.history, lambda s, who: consents.state(s, who, "campaigns")):
                    with pytest.raises(ConsentRefused, match="somebody else"):
                        ask(session, somebody)
        with privacy.access("account", role="customer"), pytest.raises(ConsentRefused, match="does not say whose"):
            consents.history(session, 1)
        with privacy.access("shipping", role="desk"), pytest.raises(ConsentRefused, match="names nobody"):
            consents.give(session, 1, "campaigns", how="web", language="en")


@pytest.mark.parametrize(("role", "purpose"), [("desk", "shipping"), ("marketing", "improvement")])
def test_who_only_names_a_subject_does_not_speak_for_the_person(
    privacy: Privacy, engine: Engine, role: str, purpose: str
) -> None:
    consents = privacy.consents
    with privacy.access(purpose, role=role, subject=1), Session(engine) as session:
        with pytest.raises(ConsentRefused, match="names nobody"):
            consents.give(session, 1, "campaigns", how="web", language="en")
        with pytest.raises(ConsentRefused, match="names nobody"):
            consents.history(session, 1)
    with privacy.access(purpose, role=role, subject=1, actor="staff:17"), Session(engine) as session:
        assert consents.give(session, 1, "campaigns", how="call", language="en").actor == "staff:17"
        with pytest.raises(ConsentRefused, match="somebody else"):
            consents.history(session, 2)


@pytest.mark.parametrize("text", ["\ud800", "x\0"])
def test_what_no_database_takes_is_no_key_and_no_id(privacy: Privacy, engine: Engine, text: str) -> None:
    with at_the_desk(privacy, engine) as session:
        with pytest.raises(PolicyError, match="printable"):
            privacy.consents.give(session, 1, "campaigns", how="web", language="en", idempotency_key=text)
        with pytest.raises(ConsentRefused, match="no such entry"):
            privacy.consents.receipt(session, 1, text, "en")


def test_nobody_reaches_the_tables_but_through_the_ledger(privacy: Privacy, engine: Engine) -> None:
    with at_the_desk(privacy, engine) as session:
        privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        session.commit()
        for statement in (
            select(CONSENTS),
            CONSENT_STATE.update().values(said="given"),
            text("SELECT * FROM sa_privacy_consents"),
        ):
            with pytest.raises(PurposeDenied):
                session.execute(statement)
        session.rollback()
    change = CONSENTS.update().values(said="given")
    with privacy.access(maintenance=True, role="engineer", actor="tests", reason="a try"), Session(engine) as session:
        with pytest.raises(PurposeDenied, match="under maintenance either"):
            session.execute(change)
        with (
            privacy._desk.open(session) as connection,
            pytest.raises(DBAPIError, match=r"IntegrityError|InsufficientPrivilege"),
        ):
            connection.execute(change)


def test_how_many_said_what(privacy: Privacy, engine: Engine, clock: Clock) -> None:
    with at_the_desk(privacy, engine) as session:
        for person in (1, 2, 3):
            privacy.consents.give(session, person, "campaigns", how="web", language="en")
        privacy.consents.give(session, 1, "improvement", how="web")
        clock.passes(days=300)
        privacy.consents.withdraw(session, 3, "campaigns", how="web")
        privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        privacy.consents.refuse(session, 4, "campaigns", how="web")
        clock.passes(days=100)
        session.commit()
        campaigns, improvement, *others = privacy.consents.counts(session)
    assert campaigns == ConsentCount("campaigns", "purpose:campaigns", agreed=1, lapsed=1, refused=1, withdrawn=1)
    assert (improvement.agreed, improvement.lapsed) == (1, 0), "where silence means yes, a yes does not lapse"
    assert {one.agreed for one in others} == {0}
    with (
        privacy.access("account", role="customer", subject=1),
        Session(engine) as session,
        pytest.raises(ConsentRefused, match="counts everybody"),
    ):
        privacy.consents.counts(session)
