"""Somebody else holds a row, or a lock: the job waits for no row, and for a lock no longer than it is told."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from threading import Timer

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from sa_privacy.bulk import turns
from sa_privacy.crypto.cell import is_cell
from sa_privacy.jobs import Busy, retype, seal
from tests.jobs.world import fill, maintaining, raw

COLUMNS = ["customers.email", "customers.name"]


@pytest.mark.backends("postgresql")
def test_a_row_that_somebody_holds_comes_again(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    fill(engine, 20)
    with maintaining() as privacy, make_engine().connect() as other:
        seal(engine, privacy, COLUMNS, batch=5)  # the type has changed
        form = "convert_to('old@example.org', 'UTF8')"
        other.execute(text(f"UPDATE customers SET email = {form} WHERE id IN (3, 4)"))
        other.commit()
        other.execute(text("SELECT 1 FROM customers WHERE id = 3 FOR UPDATE"))
        release = Timer(0.4, other.rollback)
        start = time.monotonic()
        release.start()
        [report] = seal(engine, privacy, COLUMNS)
        assert time.monotonic() - start > 0.3
        release.join()
    assert report.complete
    assert report.tally is not None
    assert report.tally.changed == 2
    assert report.tally.lost > 0
    assert report.tally.passes > 1


@pytest.mark.backends("postgresql")
def test_the_change_of_type_waits_no_longer_than_it_is_told(
    engine: Engine, make_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retype, "_LOCKS", 2)
    fill(engine, 3)
    with maintaining() as privacy, make_engine().connect() as other:
        other.execute(text("SELECT count(*) FROM customers"))  # holds the table until it ends
        with pytest.raises(Busy, match=r"lock .* 2 times") as busy:
            seal(engine, privacy, COLUMNS, lock_timeout=0.05)
        assert "lock_timeout" in str(busy.value.hint)
        other.rollback()
        assert raw(engine, "email")[0] == ("p1@example.org",)
        [report] = seal(engine, privacy, COLUMNS, lock_timeout=0.05)
    assert report.complete
    assert report.locked > 0


@pytest.mark.backends("sqlite")
def test_a_locked_database_is_asked_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_TURNS", 3)
    fill(engine, 3)
    hurried = create_engine(engine.url, connect_args={"timeout": 0})
    with maintaining() as privacy, engine.connect() as other:
        other.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(Busy):
            seal(hurried, privacy, COLUMNS)
        other.rollback()
        assert raw(engine, "email")[0] == ("p1@example.org",)
        [report] = seal(hurried, privacy, COLUMNS)
    hurried.dispose()
    assert report.complete
    assert all(is_cell(email) for (email,) in raw(engine, "email"))


@pytest.mark.backends("sqlite")
def test_what_the_database_refuses_is_left_and_counted(engine: Engine) -> None:
    fill(engine, 3)
    refusing = "BEGIN SELECT RAISE(ABORT, 'no') WHERE NEW.id = 2; END"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TRIGGER refusing BEFORE UPDATE ON customers {refusing}")
    with maintaining() as privacy:
        [report] = seal(engine, privacy, ["customers.email"])
    assert report.tally is not None
    assert (report.tally.changed, report.tally.remaining, report.tally.refused) == (2, 1, {"customers.email": 1})
    assert raw(engine, "id, email")[1] == (2, "p2@example.org")


@pytest.mark.backends("postgresql")
def test_errors_of_the_database_hold_no_value(engine: Engine) -> None:
    fill(engine, 3)
    body = "BEGIN RAISE EXCEPTION 'not %%', convert_from(OLD.email, 'UTF8'); END"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
        connection.exec_driver_sql(
            "CREATE TRIGGER refusing BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    with maintaining() as privacy, pytest.raises(DBAPIError) as refused:
        seal(engine, privacy, ["customers.email"])
    shown = "".join(traceback.format_exception(refused.value))
    assert "RaiseException" in shown
    assert "example.org" not in shown
