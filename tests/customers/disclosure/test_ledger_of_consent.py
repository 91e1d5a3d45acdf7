"""Giving data to third parties rests on the ledger of consent; a withdrawal is seen, or waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, LedgerUnavailable, Privacy
from tests.customers import giving
from tests.customers.disclosure.acting import EVERYBODY, as_officer
from tests.customers.giving import ANN, BO, CY, customers
from tests.support.databases import Database


@pytest.fixture
def shop(database: Database, tmp_path: Path) -> Iterator[tuple[Privacy, Engine]]:
    with giving.shop(database, log=AccessLog.open(tmp_path / "log")) as made:
        yield made


@pytest.fixture
def privacy(shop: tuple[Privacy, Engine]) -> Privacy:
    return shop[0]


@pytest.fixture
def session(shop: tuple[Privacy, Engine]) -> Iterator[Session]:
    """Ann and Bo agreed to the advertiser, Cy refused; Ann also agreed to the cloud."""
    with Session(shop[1]) as opened:
        with as_officer(shop[0]):
            for key in (ANN, BO):
                shop[0].consents.give(opened, ("customer", key), "advertiser", how="web", language="en")
            shop[0].consents.refuse(opened, ("customer", CY), "advertiser", how="web")
            shop[0].consents.give(opened, ("customer", ANN), "cloud", how="web", language="en")
            opened.commit()
        yield opened


def test_the_record_names_the_entry_of_the_ledger_that_it_rests_on(privacy: Privacy, session: Session) -> None:
    with as_officer(privacy):
        given = privacy.disclose(session, to="advertiser", subjects=EVERYBODY, categories="email")
        session.commit()
        assert (given.given, given.left_out) == (2, {"no_consent": 1})
        [provision] = privacy.provisions.of(session, ("customer", BO))
        [entry] = privacy.consents.history(session, ("customer", BO))
    assert provision.consent == entry.id


def test_a_consent_to_one_recipient_is_none_to_another(privacy: Privacy, session: Session) -> None:
    with as_officer(privacy):
        given = privacy.disclose(session, to="cloud", subjects=EVERYBODY, categories="email")
    assert (given.given, given.left_out) == (1, {"no_consent": 2})


def test_a_withdrawal_counts_from_the_next_disclosure_in_the_same_transaction_too(
    privacy: Privacy, session: Session
) -> None:
    with as_officer(privacy):
        privacy.consents.withdraw(session, ("customer", ANN), "advertiser", how="call")
        given = privacy.disclose(session, to="advertiser", subjects=EVERYBODY, categories="email")
        assert (given.given, given.left_out) == (1, {"no_consent": 2})


def withdraw(privacy: Privacy, engine: Engine, key: int, done: threading.Event, failed: list[BaseException]) -> None:
    try:
        with as_officer(privacy), Session(engine) as session:
            privacy.consents.withdraw(session, ("customer", key), "advertiser", how="web")
            session.commit()
    except BaseException as error:  # noqa: BLE001 - looked at by who waits
        failed.append(error)
    finally:
        done.set()


def test_a_withdrawal_waits_until_the_disclosure_that_looked_at_it_is_over(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    """On another connection. It may come before or after; it never comes in between."""
    done, failed = threading.Event(), list[BaseException]()
    with as_officer(privacy):
        given = privacy.disclose(session, to="advertiser", subjects=EVERYBODY, categories="email")
        other = threading.Thread(target=withdraw, args=(*shop, ANN, done, failed))
        other.start()
        try:
            assert not done.wait(0.4)  # it waits
            session.commit()
            assert b"ann@example.org" in given.data
        finally:
            session.rollback()
            other.join(30)
        assert failed == []
        after = privacy.disclose(session, to="advertiser", subjects=EVERYBODY, categories="email")
        assert (after.given, after.left_out) == (1, {"no_consent": 2})


def test_a_withdrawal_that_was_not_committed_yet_is_waited_for(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    """The disclosure comes second, and does not go by what was true before."""
    started, withdrawn, commit = threading.Event(), threading.Event(), threading.Event()
    failed: list[BaseException] = []

    def other() -> None:
        try:
            with as_officer(privacy), Session(shop[1]) as theirs:
                privacy.consents.withdraw(theirs, ("customer", ANN), "advertiser", how="web")
                withdrawn.set()
                started.wait(10)
                commit.wait(0.4)
                theirs.commit()
        except BaseException as error:  # noqa: BLE001 - looked at below
            failed.append(error)
            withdrawn.set()

    thread = threading.Thread(target=other)
    thread.start()
    withdrawn.wait(10)
    started.set()
    with as_officer(privacy):
        given = privacy.disclose(session, to="advertiser", subjects=customers(ANN, BO), categories="email")
        session.commit()
    thread.join(30)
    assert failed == []
    assert (given.given, given.left_out) == (1, {"no_consent": 1})
    assert b"ann@example.org" not in given.data


def test_of_disclosures_and_withdrawals_at_once_each_record_has_a_consent_that_held(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    """Whoever withdrew before a disclosure committed is not in it: the order of commits is that of the ledgers."""
    engine = shop[1]
    committed: list[int] = []

    def gives() -> None:
        for _ in range(4):
            with as_officer(privacy), Session(engine) as own:
                try:
                    given = privacy.disclose(own, to="advertiser", subjects=customers(BO), categories="email")
                    own.commit()
                except (LedgerUnavailable, OperationalError):  # SQLite: somebody else is writing
                    own.rollback()
                else:
                    committed.append(given.given)

    def withdraws() -> None:
        done, failed = threading.Event(), list[BaseException]()
        withdraw(privacy, engine, BO, done, failed)
        assert failed == []

    threads = [threading.Thread(target=gives), threading.Thread(target=withdraws)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with as_officer(privacy), Session(engine) as own:
        after = privacy.disclose(own, to="advertiser", subjects=customers(BO), categories="email")
        assert after.given == 0
        [_, withdrawal] = privacy.consents.history(own, ("customer", BO))
        provisions = privacy.provisions.of(own, ("customer", BO))
    assert len(provisions) == sum(committed)
    assert all(one.at <= withdrawal.entered for one in provisions)
