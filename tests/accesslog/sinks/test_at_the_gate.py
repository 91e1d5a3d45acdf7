"""``Privacy(..., log=TableLog(...))``: nothing runs without its event, and no rollback takes an event back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine, event, insert, select, text
from sqlalchemy.orm import Session

from sa_privacy import LogUnavailable, PolicyError, Privacy, PurposeDenied
from sa_privacy.accesslog import Event
from sa_privacy.accesslog.sinks import EventTable, TableLog
from tests.gate.trail import CLERK
from tests.gate.world import KEYS, POLICY, Base, Customer, filled
from tests.support.databases import Database


@pytest.fixture
def place(database: Database, tmp_path: Path) -> URL | str:
    """On SQLite a file of the log's own; on PostgreSQL the application's database."""
    return f"sqlite:///{tmp_path}/log.db" if database.backend == "sqlite" else database.url


@pytest.fixture
def privacy(database: Database, place: Any) -> Iterator[Privacy]:
    filled(database)
    log: Any = TableLog(place)
    made = Privacy(POLICY, keys=KEYS, log=log, metadata=Base)
    yield made
    made.close()


def said(place: Any, kind: str = "intent") -> list[Event]:
    with EventTable(place) as table:
        assert table.verify().ok
        return [event for event in table.events() if event.kind == kind]


def test_what_is_allowed_and_what_is_denied_is_in_the_table(privacy: Privacy, engine: Engine, place: Any) -> None:
    privacy.install(engine)
    with privacy.access(**CLERK), Session(engine) as session:
        assert session.scalars(select(Customer.name).order_by(Customer.id)).first() == "Ann Arbor"
        (allowed,) = said(place)
        (outcome, *_) = said(place, "outcome")
    assert (allowed.actor, allowed.decision, allowed.reads) == ("staff:1", "allowed", ["customers.name"])
    assert outcome.intent == allowed.seq
    warehouse = privacy.access("shipping", role="warehouse", actor="staff:2")
    with warehouse, Session(engine) as session, pytest.raises(PurposeDenied):
        session.scalars(select(Customer.email)).all()
    assert said(place)[-1].decision == "denied"


def test_a_rollback_keeps_the_event(privacy: Privacy, engine: Engine, place: Any) -> None:
    privacy.install(engine)
    with privacy.access(**CLERK), engine.connect() as connection:
        connection.execute(insert(Customer), {"name": "Dee Dee", "email": "dee@example.com"})
        connection.rollback()
        assert connection.scalar(text("SELECT count(*) FROM customers WHERE tier = 'none'")) == 0
    (written, *_) = said(place)
    assert "customers.email" in written.writes


def test_where_the_table_is_away_nothing_runs(
    privacy: Privacy, engine: Engine, place: Any, make_engine: Callable[..., Engine]
) -> None:
    privacy.install(engine)
    ran: list[str] = []
    event.listen(engine, "after_cursor_execute", lambda *given: ran.append(given[2]))
    with privacy.access(**CLERK), engine.connect() as connection:
        connection.execute(select(Customer.name)).all()
        rename(place, "sa_privacy_events", "elsewhere")
        ran.clear()
        with pytest.raises(LogUnavailable) as caught:
            connection.execute(select(Customer.name).where(Customer.id == 1)).all()
        assert not ran
        assert "Arbor" not in str(caught.value)
        connection.rollback()
        rename(place, "elsewhere", "sa_privacy_events")
        assert connection.execute(select(Customer.name).where(Customer.id == 1)).scalar() == "Ann Arbor"


def test_a_privacy_on_every_engine_does_not_stand_in_its_own_logs_way(
    privacy: Privacy, engine: Engine, place: Any
) -> None:
    stop = privacy.install_all()
    try:
        with EventTable(place, name="another") as another:
            another.create()
        with privacy.access(**CLERK), engine.connect() as connection:
            connection.execute(select(Customer.name)).all()
            assert said(place)
    finally:
        stop()


def rename(place: Any, old: str, new: str) -> None:
    with EventTable(place) as table, table.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("way", ["as it is", "by a link", "as a URI", "before it is there", "the engine itself"])
def test_a_log_in_the_applications_own_sqlite_file_is_refused(database: Database, tmp_path: Path, way: str) -> None:
    filled(database)
    file = tmp_path / "app.db"
    link = tmp_path / "link.db"
    link.symlink_to(file)
    mine: dict[str, str] = {
        "as it is": f"sqlite:///{file}",
        "by a link": f"sqlite:///{link}",
        "as a URI": f"sqlite:///file:{file}?uri=true",
        "before it is there": f"sqlite:///{tmp_path}/x/../app.db",
    }
    (tmp_path / "x").mkdir()
    application, other = (
        create_engine(mine.get(way, mine["as it is"])),
        create_engine(f"sqlite:///{tmp_path}/another.db"),
    )
    log: Any = TableLog(application if way == "the engine itself" else f"sqlite:///{file}")
    if way == "before it is there":
        log.table.engine.dispose()
        file.unlink()
    made = Privacy(POLICY, keys=KEYS, log=log, metadata=Base)
    try:
        with pytest.raises(PolicyError, match="in the SQLite file of the engine") as caught:
            made.install(application)
        assert "file of its own" in str(caught.value)
        with pytest.raises(PolicyError, match="not installed"):  # nothing was left on it
            made.check(application)
        made.install(other)
        made.install(create_engine("sqlite://"))
    finally:
        made.close()
        application.dispose()
        other.dispose()
