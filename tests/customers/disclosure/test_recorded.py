"""Without a record that is committed there is no data, whatever fails."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, select, text, true
from sqlalchemy.exc import DBAPIError, SAWarning
from sqlalchemy.orm import Session

from sa_privacy import (
    AccessLog,
    ClockWentBack,
    DisclosureRefused,
    LedgerUnavailable,
    LogUnavailable,
    Privacy,
)
from tests.customers.disclosure.acting import (
    as_warehouse,
    ask,
    records,
)


def test_the_data_cannot_be_had_before_the_record_is_committed(privacy: Privacy, session: Session) -> None:
    with as_warehouse(privacy):
        given = ask(privacy, session)
        with pytest.raises(DisclosureRefused, match="not committed yet") as refused:
            _ = given.data
        assert "session.commit()" in (refused.value.hint or "")
        session.commit()
        assert b"Ann Arbor" in given.data


def test_after_a_rollback_there_is_no_record_and_no_data(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        given = ask(privacy, session)
        session.rollback()
        with pytest.raises(DisclosureRefused, match="rolled back"):
            _ = given.data
        session.commit()
        with pytest.raises(DisclosureRefused, match="rolled back"):
            _ = given.data
    assert records(*shop) == ([], [])


def test_a_session_that_is_closed_has_not_committed(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        given = ask(privacy, session)
        session.close()
        with pytest.raises(DisclosureRefused):
            _ = given.data
        session.execute(select(true()))
        session.commit()  # another transaction of the same session
        with pytest.raises(DisclosureRefused, match="rolled back"):
            _ = given.data
    assert records(*shop) == ([], [])


def test_a_record_that_cannot_be_written_means_no_data(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with shop[1].begin() as connection:
        connection.execute(text("DROP TABLE sa_privacy_provided"))
    with as_warehouse(privacy):
        with pytest.raises(LedgerUnavailable, match="sa_privacy_provided"):
            ask(privacy, session)
        with pytest.raises(DisclosureRefused, match="failed after a part"):
            session.commit()
        session.rollback()


def test_a_log_that_cannot_be_written_means_no_data_and_no_record(
    privacy: Privacy, shop: tuple[Privacy, Engine], log: AccessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it fails: and what was written of the record by then cannot be committed."""
    append, failing, given = log.append, 0, None
    written, begun = 0, False

    def breaks(kind: str, said: bytes, **options: Any) -> int:
        nonlocal written, begun
        written += 1
        begun = begun or b'"writes":["sa_privacy_provided' in said
        if written == failing:
            raise LogUnavailable("no room on the disk.")
        return append(kind, said, **options)

    commits_refused = 0
    while given is None:
        failing, written, begun = failing + 1, 0, False
        with as_warehouse(privacy), Session(shop[1]) as session:
            with monkeypatch.context() as patched:
                patched.setattr(privacy._gate.evidence, "write", breaks)
                patched.setattr(privacy._gate, "write", breaks)
                try:
                    given = ask(privacy, session)
                except LogUnavailable:
                    if begun:
                        with pytest.raises(DisclosureRefused, match="failed after a part"):
                            session.commit()
                        commits_refused += 1
            session.rollback()
        assert records(*shop) == ([], [])
    assert failing > 8  # it failed at each event, until there was none left to fail at
    assert commits_refused >= 4


def test_a_savepoint_that_is_rolled_back_takes_the_disclosure_with_it(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        first = ask(privacy, session)
        savepoint = session.begin_nested()
        second = ask(privacy, session)
        savepoint.rollback()
        session.commit()
        assert b"Ann" in first.data
        with pytest.raises(DisclosureRefused, match="rolled back"):
            _ = second.data
    assert [head.id for head in records(*shop)[0]] == list(first.records)


def test_a_savepoint_that_is_released_is_not_committed_yet(privacy: Privacy, session: Session) -> None:
    with as_warehouse(privacy):
        with session.begin_nested():
            given = ask(privacy, session)
        with pytest.raises(DisclosureRefused, match="not committed yet"):
            _ = given.data
        session.commit()
        assert given.data


def test_an_outer_savepoint_takes_what_an_inner_one_released(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        outer = session.begin_nested()
        with session.begin_nested():
            given = ask(privacy, session)
        outer.rollback()
        session.commit()
        with pytest.raises(DisclosureRefused, match="rolled back"):
            _ = given.data
    assert records(*shop) == ([], [])


def test_so_does_a_savepoint_of_the_connection(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        first = ask(privacy, session)
        before = session.connection().begin_nested()
        second = ask(privacy, session)
        after = session.connection().begin_nested()
        after.rollback()
        assert "pending" in repr(second)
        before.rollback()
        session.commit()
        assert first.data
        with pytest.raises(DisclosureRefused, match="rolled back"):
            _ = second.data
    assert [head.id for head in records(*shop)[0]] == list(first.records)


def test_one_that_is_gone_back_to_past_a_later_one_does_too(privacy: Privacy, session: Session) -> None:
    with as_warehouse(privacy):
        outer = session.connection().begin_nested()
        given = ask(privacy, session)
        session.connection().begin_nested()
        with pytest.warns(SAWarning, match="already deassociated"):
            outer.rollback()
        session.commit()
        with pytest.raises(DisclosureRefused, match="rolled back"):
            _ = given.data


def test_a_session_in_a_transaction_of_somebody_else_s_has_not_committed(
    privacy: Privacy, shop: tuple[Privacy, Engine]
) -> None:
    with shop[1].connect() as connection, connection.begin() as outer, as_warehouse(privacy):
        with Session(connection) as session:
            given = ask(privacy, session)
            session.commit()
        with pytest.raises(DisclosureRefused, match="somebody else ends"):
            _ = given.data
        outer.rollback()
    assert records(*shop) == ([], [])


@pytest.mark.backends("postgresql")  # on SQLite, Python's driver commits with the savepoint
def test_but_a_session_of_a_test_has(privacy: Privacy, shop: tuple[Privacy, Engine]) -> None:
    """The recipe of SQLAlchemy's documentation for test suites."""
    with shop[1].connect() as connection, connection.begin() as outer, as_warehouse(privacy):
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            given = ask(privacy, session)
            session.commit()
            assert given.data
            again = ask(privacy, session)
            session.rollback()
            with pytest.raises(DisclosureRefused, match="rolled back"):
                _ = again.data
        outer.rollback()
    assert records(*shop) == ([], [])


def test_a_commit_that_fails_gives_no_data(privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]) -> None:
    def fails(_: Any) -> None:
        raise RuntimeError("the line is dead")

    with as_warehouse(privacy):
        given = ask(privacy, session)
        event.listen(session.connection(), "commit", fails)
        with pytest.raises(RuntimeError):
            session.commit()
        with pytest.raises(DisclosureRefused):
            _ = given.data
        session.rollback()
        with pytest.raises(DisclosureRefused, match="rolled back"):
            _ = given.data
    assert records(*shop) == ([], [])


UNHEARD: dict[str, Callable[[Connection], object]] = {
    "a ROLLBACK in text": lambda connection: connection.execute(text("ROLLBACK")),
    "the driver's own": lambda connection: connection.connection.dbapi_connection.rollback(),  # type: ignore[union-attr]
    "to a savepoint in text": lambda connection: connection.exec_driver_sql("ROLLBACK TO SAVEPOINT mine"),
}


@pytest.mark.parametrize("how", UNHEARD)
def test_a_rollback_that_sqlalchemy_does_not_hear_of_is_one(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine], how: str
) -> None:
    with as_warehouse(privacy):
        session.connection().exec_driver_sql("SAVEPOINT mine")
        given = ask(privacy, session)
        UNHEARD[how](session.connection())
    session.commit()  # under no access
    with pytest.raises(DisclosureRefused, match="rolled back"):
        _ = given.data
    assert records(*shop) == ([], [])


@pytest.mark.backends("postgresql")
def test_a_commit_that_postgresql_answers_with_a_rollback_is_none(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    """After an error it does so, and nobody is told."""
    with as_warehouse(privacy):
        given = ask(privacy, session)
        with pytest.raises(DBAPIError):
            session.execute(text("SELECT 1 / 0"))
        with pytest.raises(DBAPIError):
            session.commit()
        session.rollback()
        with pytest.raises(DisclosureRefused, match="rolled back"):
            _ = given.data
    assert records(*shop) == ([], [])


def test_it_may_be_committed_when_the_access_is_over(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        given = ask(privacy, session)
    session.commit()
    assert given.data
    assert len(records(*shop)[0]) == 1


def test_one_session_gives_many_times_and_keeps_nothing_of_it(privacy: Privacy, session: Session) -> None:
    with as_warehouse(privacy):
        for _ in range(3):
            given = ask(privacy, session)
            session.commit()
            assert given.data
    assert session.info["sa_privacy.awaited"].pending == []


def test_nothing_shows_whose_it_is_and_nothing_leaves_by_pickling(privacy: Privacy, session: Session) -> None:
    with as_warehouse(privacy):
        given = ask(privacy, session)
        assert repr(given) == "<Disclosure to='delivery' given=3 left_out=0 pending>"
        with pytest.raises(TypeError):
            pickle.dumps(given)
        session.commit()
        assert "committed" in repr(given)


def test_a_clock_that_was_set_back_gives_nothing(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        ask(privacy, session)
        session.commit()
        privacy._desk.clock = lambda: datetime.now(UTC) - timedelta(hours=1)
        with pytest.raises(ClockWentBack):
            ask(privacy, session)
        session.commit()
    assert len(records(*shop)[0]) == 1
