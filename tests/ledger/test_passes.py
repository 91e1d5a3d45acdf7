"""Ledgers are append-only to everybody but the library's own work, for as long as that lasts, and to its transaction alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from sa_privacy import Privacy
from sa_privacy.customers.consent.tables import WORDINGS
from sa_privacy.ledger import PASSES, let_past
from tests.customers.requests import asking
from tests.support.databases import Database

REFUSED = "IntegrityError|InsufficientPrivilege"  # of SQLite and of PostgreSQL: the trigger's words are hidden
NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def privacy(database: Database, engine: Engine) -> Iterator[Privacy]:
    asking.filled(database)
    with asking.protected(engine, None) as (made, _):
        yield made


@pytest.fixture
def desk(privacy: Privacy, engine: Engine) -> Iterator[Connection]:
    """In a transaction, with one entry in a ledger."""
    with engine.connect() as connection, asking.officer(privacy), privacy._desk.open(
        connection, deletes=(WORDINGS.name, PASSES.name)
    ):  # fmt: skip
        connection.execute(insert(WORDINGS).values(name="n", version="1", language="en", text="t", entered=NOW))
        with privacy._desk.whole(connection):
            yield connection


def entries(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(WORDINGS)).scalar_one()


def test_the_library_gets_past_and_leaves_nothing_behind(desk: Connection) -> None:
    with let_past(desk, "retention"):
        assert desk.execute(update(WORDINGS).values(text="u")).rowcount == 1
        assert desk.execute(delete(WORDINGS)).rowcount == 1
    assert entries(desk) == 0
    assert desk.execute(select(PASSES.c.id)).all() == []


@pytest.mark.parametrize("work", [update(WORDINGS).values(text="u"), delete(WORDINGS)], ids=["update", "delete"])
def test_afterwards_the_ledger_is_closed_again(desk: Connection, work: object) -> None:
    with let_past(desk, "retention"):
        pass
    with pytest.raises(DBAPIError, match=REFUSED), desk.begin_nested():
        desk.execute(work)  # type: ignore[call-overload]
    assert entries(desk) == 1


def test_after_an_error_too_and_the_work_is_undone(desk: Connection) -> None:
    def work() -> None:
        with let_past(desk, "retention"):
            desk.execute(delete(WORDINGS))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert entries(desk) == 1
    with pytest.raises(DBAPIError, match=REFUSED), desk.begin_nested():
        desk.execute(delete(WORDINGS))


@pytest.mark.backends("postgresql")
def test_a_pass_that_was_committed_by_mistake_opens_nothing(privacy: Privacy, engine: Engine) -> None:
    with engine.connect() as connection, asking.officer(privacy), privacy._desk.open(
        connection, deletes=(WORDINGS.name,)
    ):  # fmt: skip
        connection.execute(insert(WORDINGS).values(name="n", version="1", language="en", text="t", entered=NOW))
        connection.execute(
            insert(PASSES).values(work="mistake", made_in=select(func.pg_current_xact_id()).scalar_subquery())
        )
        connection.commit()
        with pytest.raises(DBAPIError, match=REFUSED):
            connection.execute(delete(WORDINGS))
