"""People's requests, from the letter to the answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import pytest
from sqlalchemy import Engine, delete, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Policy, PolicyError, Privacy, PurposeDenied
from sa_privacy.customers.agent import Agent
from sa_privacy.customers.requests.book import find
from sa_privacy.customers.requests.states import Kind
from sa_privacy.customers.requests.tables import REQUESTS, STEPS
from sa_privacy.customers.requests.view import Request
from sa_privacy.errors import ClockWentBack, NoAccess, RequestRefused, RoleDenied
from sa_privacy.policy.writing import as_sections
from tests.customers.requests import asking
from tests.customers.requests.asking import Clock, customer, maintenance, officer
from tests.support.databases import Database

ANN, BO = ("customer", 1), ("customer", 2)
CARD: dict[str, Any] = {"method": "identity_card", "evidence": "card of the zebra seen"}


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def shop(database: Database, engine: Engine, log: AccessLog) -> Iterator[tuple[Privacy, Clock]]:
    asking.filled(database)
    with asking.protected(engine, log) as made:
        yield made


@pytest.fixture
def privacy(shop: tuple[Privacy, Clock]) -> Privacy:
    return shop[0]


@pytest.fixture
def clock(shop: tuple[Privacy, Clock]) -> Clock:
    return shop[1]


@pytest.fixture
def session(engine: Engine, privacy: Privacy) -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


def letter(privacy: Privacy, session: Session, kind: Kind = "disclosure", **said: Any) -> Request:
    """A letter came, and somebody of the warehouse opened it."""
    with privacy.access("shipping", actor="staff:9", role="warehouse"):
        return privacy.requests.receive(session, kind, **{"claimed": "Ann Arbor, 1 High Street", **said})


def in_work(privacy: Privacy, session: Session, kind: Kind, subject: object = ANN) -> str:
    """A request of somebody who was checked."""
    request = letter(privacy, session, kind)
    with officer(privacy):
        privacy.requests.identify(session, request.reference, subject, **CARD)
        privacy.requests.begin(session, request.reference)
    return request.reference


def counted(privacy: Privacy, session: Session) -> tuple[int, int]:
    with maintenance(privacy):
        requests = session.scalar(select(func.count()).select_from(REQUESTS))
        return requests or 0, session.scalar(select(func.count()).select_from(STEPS)) or 0


def test_a_letter_is_answered_with_the_file(privacy: Privacy, session: Session) -> None:
    request = letter(privacy, session, language="ja", about="everything")
    assert (request.state, request.due_on, request.steps) == ("received", date(2026, 12, 10), ())
    with officer(privacy):
        shown = privacy.requests.show(session, request.reference)
        assert (shown.claimed, shown.about) == ("Ann Arbor, 1 High Street", "everything")
        assert shown.person is None  # nobody knows yet
        request = privacy.requests.identify(session, request.reference, ANN, **CARD)
        assert request.state == "identified"
        assert request.person == privacy.requests.show(session, request.reference).person == ("customer", "1")
        assert "customer" not in repr(request)
        assert request.identified_until == datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
        assert privacy.requests.begin(session, request.reference).state == "in_work"
        answer = privacy.requests.answer(session, request.reference)
    assert answer.request.state == "answered"
    assert not answer.request.is_open
    assert [taken.step for taken in answer.request.steps] == ["identify", "begin", "answer"]
    assert {taken.by for taken in answer.request.steps} == {"staff:1"}
    assert {taken.policy for taken in answer.request.steps} == {asking.POLICY.hash}
    session.commit()
    assert answer.file is not None
    assert "Ann Arbor" in answer.file.json()
    assert '<html lang="ja">' in answer.file.html()


def test_what_is_returned_is_what_the_ledger_holds(privacy: Privacy, session: Session) -> None:
    request = letter(privacy, session, agent=Agent("Kim Agent", "statutory", "family register"))
    with officer(privacy):
        done = privacy.requests.identify(session, request.reference, ANN, **CARD)
        assert privacy.requests.show(session, request.reference) == privacy.requests.show(session, request.reference)
        shown = privacy.requests.show(session, request.reference)
    assert shown.steps == done.steps
    assert shown.agent == Agent("Kim Agent", "statutory", "family register")
    assert shown.steps[0].evidence == "card of the zebra seen"


def test_an_agent_is_checked_with_the_person(privacy: Privacy, session: Session) -> None:
    request = letter(privacy, session, agent=Agent("Kim Agent", "entrusted", "letter of attorney"))
    assert request.authority == "entrusted"
    with customer(privacy, 1), pytest.raises(RequestRefused, match="for themselves"):
        privacy.requests.receive(session, "disclosure", agent=Agent("Kim", "entrusted", "letter"))
    with officer(privacy):
        privacy.requests.identify(session, request.reference, ANN, **CARD)
        privacy.requests.begin(session, request.reference)
        file = privacy.requests.answer(session, request.reference).file
    session.commit()
    assert file is not None
    assert file.content["request"]["by_agent"] == "entrusted"


def test_words_about_people_are_sealed(privacy: Privacy, session: Session) -> None:
    in_work(privacy, session, "disclosure")
    session.commit()
    with maintenance(privacy):
        stored = session.execute(
            text(
                "SELECT claimed, evidence FROM sa_privacy_requests, sa_privacy_request_steps WHERE evidence IS NOT NULL"
            )
        ).all()
    assert stored
    assert not any(
        b"Ann" in bytes(value, "utf-8") if isinstance(value, str) else b"Ann" in bytes(value)
        for row in stored
        for value in row
    )


def test_nothing_of_a_request_stands_in_the_log_or_a_repr(
    privacy: Privacy, session: Session, log: AccessLog, tmp_path: Path
) -> None:
    reference = in_work(privacy, session, "disclosure")
    with officer(privacy):
        answer = privacy.requests.answer(session, reference)
        words = repr((answer.request, answer.file, answer.request.steps))
    written = "".join(file.read_text() for file in (tmp_path / "log").iterdir() if file.is_file())
    for secret in ("Ann Arbor", "zebra", "1 High Street", "home@example.com"):
        assert secret not in written
        assert secret not in words
    pseudonym = asking.KEYS.pseudonym_key().of("customer", 1)
    assert any(pseudonym in (event.subjects or ()) for event in log.events())


def test_two_people_with_one_address_are_told_apart_by_their_key(privacy: Privacy, session: Session) -> None:
    reference = in_work(privacy, session, "disclosure", BO)
    with officer(privacy):
        file = privacy.requests.answer(session, reference).file
    session.commit()
    assert file is not None
    assert "Bo Peep" in file.json()
    assert "Ann Arbor" not in file.json()


def test_a_request_cannot_change_hands(privacy: Privacy, session: Session) -> None:
    reference = in_work(privacy, session, "disclosure")
    with officer(privacy), pytest.raises(RequestRefused, match="another person's"):
        privacy.requests.identify(session, reference, BO, **CARD)
    assert counted(privacy, session) == (1, 2)


def test_after_too_many_failures_it_is_closed(privacy: Privacy, session: Session) -> None:
    request = letter(privacy, session)
    with officer(privacy):
        states = [
            privacy.requests.identify(session, request.reference, ANN, **CARD, passed=False).state for _ in range(3)
        ]
        assert states == ["received", "received", "closed"]
        with pytest.raises(RequestRefused, match="is closed"):
            privacy.requests.identify(session, request.reference, ANN, **CARD)


def test_failures_are_entries_that_a_commit_keeps(privacy: Privacy, session: Session) -> None:
    request = letter(privacy, session)
    session.commit()
    with officer(privacy):
        privacy.requests.identify(session, request.reference, ANN, **CARD, passed=False)
        session.commit()
        assert privacy.requests.show(session, request.reference).failures == 1


@pytest.mark.parametrize(
    "said",
    [
        {"method": "telephone", "evidence": "voice"},
        {"method": "identity_card"},
        {"method": "identity_card", "evidence": "  "},
        {"method": "signed_in", "evidence": "says so"},
        {},
    ],
)
def test_a_check_needs_a_way_of_the_policy_and_evidence(
    privacy: Privacy, session: Session, said: dict[str, Any]
) -> None:
    request = letter(privacy, session)
    with officer(privacy), pytest.raises(RequestRefused):
        privacy.requests.identify(session, request.reference, ANN, **said)
    assert counted(privacy, session) == (1, 0)


def test_an_identity_runs_out_and_can_be_checked_again(privacy: Privacy, session: Session, clock: Clock) -> None:
    reference = in_work(privacy, session, "disclosure")
    clock.pass_(days=1)
    with officer(privacy):
        for show in (privacy.requests.answer, privacy.requests.preview):
            with pytest.raises(RequestRefused, match="run out"):
                show(session, reference)
        privacy.requests.identify(session, reference, ANN, **CARD)
        assert privacy.requests.answer(session, reference).request.state == "answered"


def test_a_clock_that_went_back_writes_nothing(privacy: Privacy, session: Session, clock: Clock) -> None:
    reference = in_work(privacy, session, "disclosure")
    clock.pass_(minutes=-1)
    with officer(privacy), pytest.raises(ClockWentBack):
        privacy.requests.answer(session, reference)
    assert counted(privacy, session) == (1, 2)


def test_a_request_that_was_sent_twice_is_one(privacy: Privacy, session: Session) -> None:
    first, second = (letter(privacy, session, once="form 77") for _ in range(2))
    assert first.reference == second.reference
    assert (second.state, second.claimed) == ("received", None)
    assert counted(privacy, session) == (1, 0)
    with pytest.raises(RequestRefused, match="under this key"):
        letter(privacy, session, "erasure", once="form 77")
    with customer(privacy, 2):
        assert privacy.requests.receive(session, "disclosure", once="form 77").reference != first.reference


def test_what_is_answered_is_answered_once(privacy: Privacy, session: Session) -> None:
    reference = in_work(privacy, session, "disclosure")
    with officer(privacy):
        privacy.requests.answer(session, reference)
        for again in (
            lambda: privacy.requests.answer(session, reference),
            lambda: privacy.requests.preview(session, reference),
            lambda: privacy.requests.refuse(session, reference, article="33-3", reason="late"),
            lambda: privacy.requests.withdraw(session, reference),
        ):
            with pytest.raises(RequestRefused, match="is answered"):
                again()
    assert counted(privacy, session) == (1, 3)


def test_a_rollback_takes_the_step_back(privacy: Privacy, session: Session) -> None:
    reference = in_work(privacy, session, "disclosure")
    session.commit()
    with officer(privacy):
        privacy.requests.answer(session, reference)
        session.rollback()
        assert privacy.requests.show(session, reference).state == "in_work"


def test_two_who_take_the_same_step_at_once_are_one_and_a_refusal(
    privacy: Privacy, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the second has read is a moment old when it writes."""
    reference = in_work(privacy, session, "disclosure")
    with officer(privacy), privacy._desk.open(session) as connection:
        old = find(connection, reference)
    with officer(privacy):
        privacy.requests.answer(session, reference)
        monkeypatch.setattr("sa_privacy.customers.requests.course.find", lambda *_: old)
        with pytest.raises(RequestRefused, match="just done something"):
            privacy.requests.answer(session, reference)
    assert counted(privacy, session) == (1, 3)


@pytest.mark.backends("postgresql")
def test_of_two_officers_at_once_one_waits_and_is_refused(privacy: Privacy, session: Session, engine: Engine) -> None:
    reference = in_work(privacy, session, "disclosure")
    session.commit()
    told: list[str] = []

    def second() -> None:
        with Session(engine) as other, officer(privacy), pytest.raises(RequestRefused) as caught:
            privacy.requests.refuse(other, reference, article="33-3", reason="nothing is kept")
        told.append(str(caught.value))

    with officer(privacy):
        privacy.requests.answer(session, reference)
        thread = Thread(target=second)
        thread.start()
        with engine.connect() as watching, maintenance(privacy):
            waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while thread.is_alive() and not watching.scalar(waits):
                sleep(0.01)
        session.commit()
        thread.join()
        assert "just done something" in told[0]
        assert privacy.requests.show(session, reference).state == "answered"


@pytest.mark.parametrize(
    ("kind", "article", "reason"),
    [
        ("disclosure", "34-1", "no"),
        ("correction", "33-2-1", "no"),
        ("disclosure", "1", "no"),
        ("disclosure", "33-3", " "),
    ],
)
def test_a_refusal_needs_an_article_that_holds_and_a_reason(
    privacy: Privacy, session: Session, kind: Kind, article: str, reason: str
) -> None:
    reference = in_work(privacy, session, kind)
    with officer(privacy), pytest.raises(RequestRefused):
        privacy.requests.refuse(session, reference, article=article, reason=reason)
    assert counted(privacy, session) == (1, 2)


def test_a_refusal_is_on_record(privacy: Privacy, session: Session) -> None:
    reference = in_work(privacy, session, "correction")
    with officer(privacy):
        request = privacy.requests.refuse(session, reference, article="34-1", reason="the name is as in the register")
    assert (request.state, request.steps[-1].article) == ("refused", "34-1")
    assert request.steps[-1].reason == "the name is as in the register"


def test_leaving_out_takes_an_article_and_a_reason(privacy: Privacy, session: Session) -> None:
    reference = in_work(privacy, session, "disclosure")
    with officer(privacy):
        with pytest.raises(RequestRefused):
            privacy.requests.answer(session, reference, leave_out=["orders.note"])
        with pytest.raises(RequestRefused):
            privacy.requests.answer(session, reference, leave_out=["orders.note"], article="33-2-1")
        with pytest.raises(PolicyError, match="no such column"):
            privacy.requests.answer(session, reference, leave_out=["orders.notes"], article="33-2-1", reason="r")
        file = privacy.requests.answer(
            session, reference, leave_out=["orders.note"], article="33-2-1", reason="it names a neighbour"
        ).file
    session.commit()
    assert file is not None
    assert "ring twice" not in file.json()
    assert file.content["not_disclosed"]["columns"] == ["orders.note"]
    assert "neighbour" in file.html("en")


def test_those_that_are_overdue_are_listed_from_the_day_after(privacy: Privacy, session: Session, clock: Clock) -> None:
    old = letter(privacy, session, at=clock.now - timedelta(days=10))
    letter(privacy, session)
    done = in_work(privacy, session, "disclosure")
    with officer(privacy):
        privacy.requests.answer(session, done)
        clock.pass_(days=4)
        assert privacy.requests.overdue(session) == ()
        clock.pass_(days=1)
        assert [request.reference for request in privacy.requests.overdue(session)] == [old.reference]
        clock.pass_(days=30)
        assert len(privacy.requests.overdue(session)) == 2
        assert sorted(request.state for request in privacy.requests.list(session)) == [
            "answered",
            "received",
            "received",
        ]
        assert [one.reference for one in privacy.requests.list(session, state="answered")] == [done]


# -- who may ----------------------------------------------------------------------------------------------------------


def test_a_signed_in_customer_is_identified_by_that(privacy: Privacy, session: Session) -> None:
    with customer(privacy, 1):
        request = privacy.requests.receive(session, "disclosure")
        assert (request.state, request.steps[0].method, request.steps[0].by_person) == ("identified", "signed_in", True)
        assert privacy.requests.list(session) == (request,)
    with officer(privacy):
        privacy.requests.begin(session, request.reference)
        assert privacy.requests.answer(session, request.reference).file is not None


def test_being_signed_in_is_no_proof_where_the_policy_does_not_take_it(
    engine: Engine, database: Database, log: AccessLog
) -> None:
    asking.filled(database)
    sections = as_sections(asking.POLICY)
    strict = Policy(**{**sections, "requests": {**sections["requests"], "identity": ["identity_card"]}})
    with asking.protected(engine, log, strict) as (privacy, _), Session(engine) as session:
        with customer(privacy, 1):
            request = privacy.requests.receive(session, "disclosure")
            assert (request.state, privacy.requests.list(session)) == ("received", ())
        with officer(privacy):
            privacy.requests.identify(session, request.reference, ANN, **CARD)
        with customer(privacy, 1):
            assert [one.state for one in privacy.requests.list(session)] == ["identified"]
            with pytest.raises(RequestRefused, match="does not know this way"):
                privacy.requests.identify(session, request.reference)


def test_customers_see_their_own_requests_only(privacy: Privacy, session: Session) -> None:
    with customer(privacy, 1):
        mine = privacy.requests.receive(session, "disclosure")
    letters = letter(privacy, session)
    with customer(privacy, 2):
        assert privacy.requests.list(session) == ()
        refusals = []
        for reference in (mine.reference, letters.reference, "0" * 32):
            for look in (privacy.requests.show, privacy.requests.withdraw, privacy.requests.identify):
                with pytest.raises(RequestRefused) as caught:
                    look(session, reference)
                refusals.append(str(caught.value))
        assert len(set(refusals)) == 1


def test_customers_are_not_told_who_dealt_with_it(privacy: Privacy, session: Session) -> None:
    reference = in_work(privacy, session, "disclosure")
    with customer(privacy, 1):
        shown = privacy.requests.show(session, reference)
    assert {taken.by for taken in shown.steps} == {None}
    assert {taken.evidence for taken in shown.steps} == {None}


def test_customers_may_take_back_and_identify_again_but_decide_nothing(
    privacy: Privacy, session: Session, clock: Clock
) -> None:
    with customer(privacy, 1):
        request = privacy.requests.receive(session, "disclosure")
        for decide in (
            lambda: privacy.requests.begin(session, request.reference),
            lambda: privacy.requests.answer(session, request.reference),
            lambda: privacy.requests.preview(session, request.reference),
            lambda: privacy.requests.refuse(session, request.reference, article="33-3", reason="r"),
            lambda: privacy.requests.close(session, request.reference, reason="r"),
            lambda: privacy.requests.overdue(session),
        ):
            with pytest.raises(RequestRefused, match="for others"):
                decide()
        clock.pass_(days=3)
        again = privacy.requests.identify(session, request.reference)
        assert again.identified_until == clock.now + timedelta(days=1)
        assert privacy.requests.withdraw(session, request.reference).state == "withdrawn"


def test_only_the_roles_of_the_policy_deal_with_requests(privacy: Privacy, session: Session) -> None:
    reference = letter(privacy, session).reference
    with privacy.access("shipping", actor="staff:9", role="warehouse"):
        for deal in (
            lambda: privacy.requests.show(session, reference),
            lambda: privacy.requests.list(session),
            lambda: privacy.requests.identify(session, reference, ANN, **CARD),
            lambda: privacy.requests.withdraw(session, reference),
        ):
            with pytest.raises(RoleDenied, match="may not deal"):
                deal()
    with privacy.access(role="officer"), pytest.raises(RequestRefused, match="known who deals"):
        privacy.requests.list(session)
    with pytest.raises(NoAccess):
        privacy.requests.list(session)


def test_support_that_names_a_customer_is_not_the_customer(privacy: Privacy, session: Session) -> None:
    with customer(privacy, 1):
        privacy.requests.receive(session, "disclosure")
    with privacy.access("account", actor="staff:5", role="support", subject=ANN):
        request = privacy.requests.receive(session, "erasure", claimed="Ann Arbor, on the telephone")
        assert (request.state, request.steps) == ("received", ())
        for look in (privacy.requests.show, privacy.requests.withdraw, privacy.requests.identify):
            with pytest.raises(RoleDenied):
                look(session, request.reference)
        with pytest.raises(RoleDenied):
            privacy.requests.list(session)


def test_officers_see_nothing_of_people_but_through_requests(privacy: Privacy, session: Session) -> None:
    with officer(privacy):
        in_between = in_work(privacy, session, "disclosure")
        privacy.requests.preview(session, in_between)
        found = session.get(asking.Customer, 1)
        assert found is not None
        with pytest.raises(NoAccess):
            _ = found.name


def test_nobody_but_the_desk_reaches_the_ledger(privacy: Privacy, session: Session) -> None:
    in_work(privacy, session, "disclosure")
    with officer(privacy):
        for statement in (select(REQUESTS.c.kind), select(STEPS.c.subject)):
            with pytest.raises(NoAccess):
                session.execute(statement)
    with privacy.access("shipping", role="warehouse"), pytest.raises(PurposeDenied):
        session.execute(select(REQUESTS.c.kind))


@pytest.mark.parametrize("statement", [update(STEPS).values(state="answered"), delete(STEPS), delete(REQUESTS)])
def test_not_even_maintenance_changes_what_was_done(privacy: Privacy, session: Session, statement: Any) -> None:
    in_work(privacy, session, "disclosure")
    with maintenance(privacy):
        with pytest.raises(PurposeDenied, match="under maintenance either"):
            session.execute(statement)
        with (
            privacy._desk.open(session, deletes=(STEPS.name, REQUESTS.name)) as connection,
            pytest.raises(DBAPIError, match=r"IntegrityError|InsufficientPrivilege"),
        ):
            connection.execute(statement)


def test_a_policy_that_says_nothing_of_requests_takes_none(engine: Engine, database: Database, log: AccessLog) -> None:
    asking.filled(database)
    silent = Policy(
        policy={"id": "silent", "version": "1"},
        categories={name: {} for name in asking.EVERYTHING},
        purposes={"all": {"use": asking.EVERYTHING}},
        recipients={"ads": {"kind": "third_party", "categories": ["email"]}},
    )
    with (
        asking.protected(engine, log, silent) as (privacy, _),
        Session(engine) as session,
        privacy.access("all", actor="a"),
        pytest.raises(PolicyError, match="says nothing of people's requests"),
    ):
        privacy.requests.receive(session, "disclosure", claimed="Ann")


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "pardon"},
        {"claimed": None},
        {"claimed": " "},
        {"language": "fr"},
        {"at": datetime(2027, 1, 1, tzinfo=UTC)},
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001
    ],
)
def test_what_cannot_be_meant_is_no_request(privacy: Privacy, session: Session, said: dict[str, Any]) -> None:
    with pytest.raises(RequestRefused):
        letter(privacy, session, **said)
    assert counted(privacy, session) == (0, 0)


# -- handing on, ceasing ----------------------------------------------------------------------------------------------


def test_an_erasure_waits_for_those_who_erase(privacy: Privacy, session: Session) -> None:
    handed: list[tuple[str, str, str]] = []

    class Eraser:
        def erase_on_request(self, connection: Any, kind: str, key: str, reference: str) -> None:
            handed.append((kind, key, reference))

        def erased_on_request(self, connection: Any, reference: str) -> bool:
            return gone

    gone = False
    reference = in_work(privacy, session, "erasure")
    privacy.requests._erasure = Eraser()
    with officer(privacy):
        assert privacy.requests.hand_on(session, reference).state == "handed_on"
        assert handed == [("customer", "1", reference)]
        with pytest.raises(RequestRefused):
            privacy.requests.hand_on(session, reference)
        with pytest.raises(RequestRefused, match="nothing is erased yet"):
            privacy.requests.answer(session, reference)
        gone = True
        assert privacy.requests.answer(session, reference).request.state == "answered"


def test_ceasing_provision_withdraws_consent_in_the_same_transaction(privacy: Privacy, session: Session) -> None:
    stopped: list[tuple[object, ...]] = []
    reference = in_work(privacy, session, "cease_provision")
    privacy.requests._stop = lambda _, subject, to, how, *__: stopped.append((subject, to, how))
    with officer(privacy):
        with pytest.raises(RequestRefused, match="no third party"):
            privacy.requests.cease(session, reference, "carrier")
        request = privacy.requests.cease(session, reference, "advertiser")
        assert stopped == [(("customer", "1"), "recipient:advertiser", "letter")]
        assert request.steps[-1].what == ("advertiser",)
        assert privacy.requests.answer(session, reference).file is None


async def test_an_async_session_asks_through_run_sync(
    database: Database, async_engine: AsyncEngine, log: AccessLog
) -> None:
    asking.filled(database)
    with asking.protected(async_engine.sync_engine, log) as (privacy, _):
        async with AsyncSession(async_engine) as session:
            with customer(privacy, 1):
                request = await session.run_sync(lambda s: privacy.requests.receive(s, "disclosure"))
            with officer(privacy):
                await session.run_sync(lambda s: privacy.requests.begin(s, request.reference))
                answer = await session.run_sync(lambda s: privacy.requests.answer(s, request.reference))
            await session.commit()
    assert answer.file is not None
    assert "Ann Arbor" in answer.file.json()
