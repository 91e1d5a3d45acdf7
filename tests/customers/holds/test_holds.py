"""Holds as their officers, planners of erasures and other transactions meet them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, delete, event, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, ErasureRefused, HoldRefused, PlanMoved, Privacy, UnderHold, UnknownPerson
from sa_privacy.columns.own_tables import guard_name
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.customers.holds.tables import HELD, HOLDS
from sa_privacy.jobs import reseal
from sa_privacy.walls import Login
from tests.customers.holds import world
from tests.customers.holds.world import Customer, Item, Order, officer, place, release
from tests.support.databases import Database
from tests.walls.owner import dropped, raised

ORDERS: Any = Order.__table__
REVIEW: Any = {"case": "2026-17", "reason": "a claim", "review_by": date(2027, 1, 31)}


@pytest.fixture
def made(database: Database, engine: Engine) -> Iterator[Privacy]:
    world.filled(database)
    with world.protected(engine) as privacy:
        yield privacy


def plan_of(privacy: Privacy, engine: Engine, key: int) -> Any:
    with officer(privacy), Session(engine) as session:
        return privacy.erasure.plan(session, key)


@pytest.mark.parametrize(
    ("what", "rows"),
    [
        ({"subject": 1}, {"customers": 1, "items": 2, "orders": 2, "reviews": 1}),
        ({"row": (Item, (11, 1))}, {"items": 1}),
        ({"table": "orders"}, {"orders": 2}),
        ({"query": (Order, "orders.total > 75")}, {"orders": 1}),
    ],
    ids=["subject", "row", "table", "query"],
)
def test_a_plan_tells_what_is_held_and_the_run_waits_for_the_release(
    made: Privacy, engine: Engine, what: dict[str, Any], rows: dict[str, int]
) -> None:
    before = plan_of(made, engine, 1)
    hold = place(made, engine, **what)
    plan = plan_of(made, engine, 1)
    assert {one.table: one.rows for one in plan.held} == rows
    assert {(one.by, one.what) for one in plan.held} == {("hold", "2026-17")}
    with officer(made):
        with pytest.raises(ErasureRefused, match="2026-17"):
            made.erasure.run(engine, plan)
        with pytest.raises(PlanMoved):
            made.erasure.run(engine, before)
    release(made, engine, hold)
    with officer(made):
        made.erasure.run(engine, plan_of(made, engine, 1))
    assert [row[0] for row in world.state(engine)["customers"]] == [2]


def test_what_is_in_force_is_asked_once_for_a_plan_and_anew_for_the_next(made: Privacy, engine: Engine) -> None:
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert plan_of(made, engine, 1).held == ()
    assert sum(HELD.name in one for one in asked) == 1
    place(made, engine, table="reviews")
    place(made, engine, subject=1)
    asked.clear()
    assert {one.table: one.rows for one in plan_of(made, engine, 1).held}["reviews"] == 1
    assert sum(f"FROM {HELD.name} \n" in one and "ORDER BY" in one for one in asked) == 1


def test_a_hold_of_one_person_does_not_hold_another(made: Privacy, engine: Engine) -> None:
    place(made, engine, subject=1)
    plan = plan_of(made, engine, 2)
    assert plan.held == ()
    with officer(made):
        made.erasure.run(engine, plan)


def test_who_does_not_erase_places_and_releases_nothing(made: Privacy, engine: Engine) -> None:
    hold = place(made, engine, subject=1)
    with world.clerk(made), Session(engine) as session:
        for work in (
            lambda: made.holds.place(session, subject=1, **REVIEW),
            lambda: made.holds.release(session, hold, reason="no"),
            lambda: made.holds.in_force(session),
        ):
            with pytest.raises(HoldRefused, match="officer"):
                work()


def test_what_is_done_about_a_hold_is_written_down_without_the_person(made: Privacy, engine: Engine) -> None:
    hold = place(made, engine, subject=1)
    with officer(made), Session(engine) as session:
        made.holds.review(session, hold, review_by=date(2027, 6, 30), reason="goes on")
        (now,) = made.holds.in_force(session)
        session.commit()
    assert (now.case, now.kind, now.person, now.by, now.review_by) == (
        "2026-17",
        "subject",
        ("customer", "1"),
        "officer:1",
        date(2027, 6, 30),
    )
    assert "1" not in repr(now).replace(now.id, "").replace("2026-17", "").partition("since")[0]
    release(made, engine, hold)
    with officer(made), Session(engine) as session, made._desk.open(session) as connection:
        steps = connection.execute(select(HOLDS).order_by(HOLDS.c.id)).all()
        assert made.holds.in_force(session) == ()
    assert [(step.step, step.reason, step.actor) for step in steps] == [
        ("placed", "a claim", "officer:1"),
        ("reviewed", "goes on", "officer:1"),
        ("released", "settled", "officer:1"),
    ]
    assert not {"subject", "row_key"} & set(HOLDS.c.keys())


def test_a_hold_is_in_force_once_it_is_committed_and_not_after_a_rollback(made: Privacy, engine: Engine) -> None:
    with officer(made), Session(engine) as session:
        made.holds.place(session, subject=1, **REVIEW)
        session.rollback()
        assert made.holds.in_force(session) == ()


def test_what_is_held_is_released_by_the_library_alone(made: Privacy, engine: Engine) -> None:
    place(made, engine, subject=1)
    other = world.plain(engine)
    for sql in ("DELETE FROM sa_privacy_held", "UPDATE sa_privacy_held SET kind = 'none'"):
        with pytest.raises(DBAPIError, match="append-only"), other.begin() as connection:
            connection.execute(text(sql))
    other.dispose()


@pytest.mark.parametrize(
    ("what", "match"),
    [
        ({}, "what is to be held"),
        ({"subject": 1, "table": Order}, "what is to be held"),
        ({"row": (Order, 4711)}, "no such row"),
        ({"row": (Order, "seventeen")}, "no such row"),
        ({"row": (Order, 10**30)}, "no such row"),
        ({"row": (Item, 11)}, "2 columns"),
        ({"table": "parcels"}, "no table"),
        ({"query": (Order, "true) OR (true")}, "no condition"),
        ({"query": (Order, "true; DELETE FROM orders")}, "no condition"),
        ({"query": (Order, "orders.colour = 'red'")}, "does not take"),
    ],
)
def test_what_cannot_be_meant_is_refused(made: Privacy, engine: Engine, what: Any, match: str) -> None:
    with officer(made), Session(engine) as session, pytest.raises(HoldRefused, match=match):
        made.holds.place(session, **what, **REVIEW)


def test_a_person_who_is_not_there_is_not_held(made: Privacy, engine: Engine) -> None:
    with officer(made), Session(engine) as session, pytest.raises(UnknownPerson):
        made.holds.place(session, subject=4711, **REVIEW)


def test_without_its_triggers_no_hold_is_placed_and_guard_makes_them(made: Privacy, engine: Engine) -> None:
    other = world.plain(engine)
    with other.begin() as connection:
        if engine.dialect.name == "sqlite":
            found = (
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'items' AND name LIKE '%delete'"
            )
            connection.execute(text(f"DROP TRIGGER {connection.execute(text(found)).scalar_one()}"))
        else:
            connection.execute(text(f"ALTER TABLE items DISABLE TRIGGER zz_{guard_name('items')}"))
    other.dispose()
    with officer(made), Session(engine) as session:
        assert made.holds.unguarded(session) == ("items",)
        with pytest.raises(HoldRefused, match="items"):
            made.holds.place(session, subject=1, **REVIEW)
        made.holds.place(session, table=Order, **REVIEW)
        session.commit()
        assert made.holds.guard(engine) == ("items",)
        assert made.holds.guard(engine) == ()
        made.holds.place(session, subject=1, **REVIEW)


def test_guard_removes_what_released_queries_left(made: Privacy, engine: Engine) -> None:
    def triggers() -> int:
        table = "sqlite_master WHERE type = 'trigger'" if engine.dialect.name == "sqlite" else "pg_trigger"
        other = world.plain(engine)
        with other.connect() as connection:
            found: int = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
        other.dispose()
        return found

    before = triggers()
    gone = place(made, engine, query=(Order, "orders.total > 75"))
    kept = place(made, engine, query=(Order, "orders.total < 75"))
    both = triggers()
    release(made, engine, gone)
    with officer(made):
        made.holds.guard(engine)
    assert before < triggers() < both
    with world.clerk(made), engine.begin() as connection, pytest.raises(UnderHold):
        connection.execute(delete(ORDERS).where(ORDERS.c.id == 11))
    assert kept.condition == "orders.total < 75"


def test_the_log_has_the_denial(database: Database, engine: Engine, tmp_path: Path) -> None:
    world.filled(database)
    log = AccessLog.open(tmp_path / "log")
    with world.protected(engine, log) as privacy:
        place(privacy, engine, subject=1)
        with world.clerk(privacy), engine.begin() as connection, pytest.raises(UnderHold):
            connection.execute(delete(ORDERS).where(ORDERS.c.id == 11))
        denied = [event for event in log.events() if event.decision == "denied"]
    assert [list(event.denials) for event in denied] == [["hold 2026-17"]]
    assert denied[0].actor == "clerk:1"


def test_keys_rotate_while_values_are_frozen(made: Privacy, engine: Engine) -> None:
    place(made, engine, subject=1, freeze=True)
    before = world.state(engine)
    world.KEYS.rotate()
    other = world.plain(engine)
    with world.maintenance(made):
        [report] = reseal(other, made, ["orders.note"])
    other.dispose()
    after = world.state(engine)
    assert report.complete
    assert {row[4] for row in before["orders"]}.isdisjoint(row[4] for row in after["orders"])
    with world.clerk(made), engine.begin() as connection, pytest.raises(UnderHold):
        connection.execute(update(ORDERS).where(ORDERS.c.id == 11).values(note="other"))


@pytest.mark.backends("sqlite")
def test_under_the_wall_triggers_do_their_work_and_nobody_reads_what_is_held(
    database: Database, engine: Engine
) -> None:
    world.filled(database)
    with world.protected(engine, walls=True) as privacy:
        place(privacy, engine, subject=1)
        with world.clerk(privacy), Session(engine) as session:
            session.get_one(Order, 21).note = None
            session.add(Order(id=78, customer_id=2, code="2-8", note="new"))
            session.commit()
            with pytest.raises(UnderHold):
                session.execute(delete(Order).where(Order.id == 11))
        with world.clerk(privacy):
            connection = engine.raw_connection()
            with pytest.raises(Exception, match="prohibited"):
                connection.cursor().execute("SELECT subject FROM sa_privacy_held")
            connection.close()


@pytest.mark.backends("postgresql")
def test_behind_the_databases_wall_a_login_that_maintains_holds_erases_and_replays(
    database: Database, tmp_path: Path
) -> None:
    world.filled(database)
    owner = database.engine()
    with (
        AccessLog.open(tmp_path / "erasures") as erasures,
        closing(Privacy(world.POLICY, keys=world.KEYS, log=None, metadata=world.Base, erasures=erasures)) as made,
    ):
        login = Login("holds_web", roles=("officer", "clerk", "engineer"))
        raised(owner, world.POLICY, made.catalogue, world.Base.metadata, [login])
        try:
            engine = create_engine(database.url.set(username=login.name))
            made.install(engine, walls=True)
            hold = place(made, engine, subject=1)
            with pytest.raises(HoldRefused, match="as the owner of the table"):
                place(made, engine, query=(Order, "orders.total > 75"))
            with world.clerk(made), engine.begin() as connection, pytest.raises(UnderHold):
                connection.execute(delete(Order).where(Order.id == 11))
            release(made, engine, hold)
            plan = plan_of(made, engine, 1)
            with officer(made):
                assert made.erasure.run(engine, plan).counts["customers"] == {"delete": 1, "unlink": 1}
                assert made.erasure.replay(engine).entries == 0
            engine.dispose()
        finally:
            dropped(owner)


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
def test_a_hold_waits_for_who_is_destroying_and_then_finds_nobody(
    made: Privacy, engine: Engine, isolation: str
) -> None:
    other = world.plain(engine)
    done = threading.Event()
    caught: list[BaseException] = []

    def hold() -> None:
        try:
            place(made, engine, subject=1)
        except BaseException as error:  # noqa: BLE001 - told by the test
            caught.append(error)
        done.set()

    with other.connect().execution_options(isolation_level=isolation) as connection:
        connection.execute(text("DELETE FROM customers WHERE id = 1"))
        thread = threading.Thread(target=hold)
        thread.start()
        assert not done.wait(0.5)
        connection.commit()
        thread.join(10)
    other.dispose()
    assert [type(error) for error in caught] == [UnknownPerson]


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_who_wants_to_destroy_waits_for_a_hold_that_is_being_placed(
    made: Privacy, engine: Engine, isolation: str
) -> None:
    other = world.plain(engine)
    caught: list[BaseException] = []
    started, done = threading.Event(), threading.Event()

    def destroys() -> None:
        try:
            with other.connect().execution_options(isolation_level=isolation) as connection:
                connection.execute(text("SELECT count(*) FROM orders"))
                started.set()
                connection.execute(text("DELETE FROM orders WHERE id = 11"))
                connection.commit()
        except DBAPIError as error:
            caught.append(error)
        done.set()

    with officer(made), Session(engine) as session:
        made.holds.place(session, subject=1, **REVIEW)
        thread = threading.Thread(target=destroys)
        thread.start()
        assert started.wait(5)
        assert not done.wait(0.5)
        session.commit()
        thread.join(10)
    other.dispose()
    assert len(caught) == 1
    assert 11 in [row[0] for row in world.state(engine)["orders"]]


def test_an_erasure_that_a_hold_overtakes_erases_nothing(made: Privacy, engine: Engine) -> None:
    plan = plan_of(made, engine, 1)
    before = world.state(engine)
    place(made, engine, subject=1)
    with officer(made), pytest.raises(ErasureRefused):
        made.erasure.run(engine, plan)
    assert world.state(engine) == before
    assert {one.what for one in plan_of(made, engine, 1).held} == {"2026-17"}


def test_what_is_in_force_is_one_row_for_each_hold(made: Privacy, engine: Engine) -> None:
    place(made, engine, subject=1)
    place(made, engine, table=Customer)
    with officer(made), Session(engine) as session, made._desk.open(session) as connection:
        kinds = [row.kind for row in connection.execute(select(HELD.c.kind).order_by(HELD.c.id))]
    assert sorted(kinds) == ["subject", "table", "turn"]


@pytest.mark.backends("postgresql")
def test_whoever_writes_to_a_table_need_not_read_what_is_held_and_cannot_hide_it(made: Privacy, engine: Engine) -> None:
    place(made, engine, subject=1)
    other = world.plain(engine)
    with other.begin() as connection:
        for sql in (
            "CREATE ROLE packer",
            "GRANT SELECT, DELETE ON orders TO packer",
            "GRANT TEMP ON DATABASE {} TO packer",
        ):
            connection.exec_driver_sql(sql.format(f'"{engine.url.database}"'))
    try:
        with other.begin() as connection:
            connection.exec_driver_sql("SET ROLE packer")
            connection.exec_driver_sql("CREATE TEMP TABLE sa_privacy_held (case_number text, kind text)")
            connection.exec_driver_sql("DELETE FROM orders WHERE id = 21")
            with pytest.raises(DBAPIError, match="2026-17 keeps rows of orders"):
                connection.exec_driver_sql("DELETE FROM orders WHERE id = 11")
    finally:
        with other.begin() as connection:
            connection.exec_driver_sql("DROP OWNED BY packer")
            connection.exec_driver_sql("DROP ROLE packer")
        other.dispose()


def test_the_key_of_a_held_person_is_not_destroyed_and_can_be_wrapped_anew(made: Privacy, engine: Engine) -> None:
    other = world.plain(engine)
    values = {"id": b"k" * 16, "kind": "customer", "subject": "1", "wrapped": b"w" * 65, "made": datetime.now(UTC)}
    try:
        with other.begin() as connection:
            connection.execute(insert(SUBJECT_KEYS), [values, values | {"id": b"o" * 16, "subject": "2"}])
        mine = SUBJECT_KEYS.c.subject == "1"
        hold = place(made, engine, subject=1, freeze=True)
        destroys = (
            update(SUBJECT_KEYS).where(mine).values(wrapped=None),
            update(SUBJECT_KEYS).where(mine).values(subject="3"),
            delete(SUBJECT_KEYS).where(mine),
        )
        for statement in destroys:
            with pytest.raises(DBAPIError, match="hold"), other.begin() as connection:
                connection.execute(statement)
        with other.begin() as connection:
            connection.execute(update(SUBJECT_KEYS).where(mine).values(wrapped=b"n" * 65))
            connection.execute(update(SUBJECT_KEYS).where(~mine).values(wrapped=None))
        release(made, engine, hold)
        with other.begin() as connection:
            assert connection.execute(destroys[0]).rowcount == 1
    finally:
        other.dispose()
