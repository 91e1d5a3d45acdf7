"""SQLite at run time: what a cursor of the engine may do follows the access, whoever holds the cursor."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Engine, String, create_engine, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import QueuePool, StaticPool

from sa_privacy import DataSubject, Policy, Privacy, pii_column
from sa_privacy.walls.sqlite import Pane
from tests.gate import world
from tests.gate.world import EVERYONE, Customer

pytestmark = pytest.mark.backends("sqlite")

EMAIL = "SELECT email FROM customers"
STREET = "SELECT street FROM customers"


def refused(cursor: Any, sql: str) -> bool:
    """Whether the database itself refuses; `sql` must run where nobody guards."""
    try:
        cursor.execute(sql)
    except sqlite3.DatabaseError as error:
        assert "prohibited" in str(error) or "not authorized" in str(error), error
        return True
    return False


@pytest.fixture
def raw(walled: Engine) -> Iterator[Any]:
    """A cursor that SQLAlchemy sees nothing of, made without an access."""
    with closing(walled.raw_connection()) as connection:
        yield connection.cursor()


def test_a_raw_cursor_without_an_access_reads_what_is_not_personal(raw: Any) -> None:
    assert refused(raw, EMAIL)
    assert refused(raw, "SELECT * FROM customers")
    assert refused(raw, "SELECT count(*) FROM customers WHERE email LIKE 'a%'")
    assert refused(raw, "SELECT upper(c.Email) FROM main.CUSTOMERS AS c")
    assert refused(raw, "WITH x AS (SELECT email AS tier FROM customers) SELECT tier FROM x")
    assert raw.execute("SELECT tier, count(*) FROM customers").fetchall() == [("basic", 3)]


def test_a_raw_cursor_follows_the_access_into_and_out_of_its_block(raw: Any, privacy: Privacy) -> None:
    with privacy.access("campaigns", role="marketing"):
        assert not refused(raw, EMAIL)
        assert refused(raw, STREET)
        with privacy.access("shipping", role="warehouse"):
            assert refused(raw, EMAIL)
            assert not refused(raw, STREET)
        assert not refused(raw, EMAIL)
    assert refused(raw, EMAIL)
    assert refused(raw, STREET)


def test_a_statement_that_was_prepared_under_another_access_is_refused(raw: Any, privacy: Privacy) -> None:
    """The module keeps prepared statements, and SQLite asks only while it prepares."""
    with privacy.access("campaigns", role="marketing"):
        for _ in range(3):
            raw.execute(EMAIL).fetchall()
    assert refused(raw, EMAIL)


def test_rows_on_their_way_are_not_cut_off_by_a_change(raw: Any, privacy: Privacy) -> None:
    with privacy.access("campaigns", role="marketing"):
        raw.execute(EMAIL)
        raw.fetchone()
    assert len(raw.fetchall()) == 2


def test_a_connection_from_the_pool_remembers_no_access(walled: Engine, privacy: Privacy) -> None:
    with privacy.access("campaigns", role="marketing"), Session(walled) as session:
        session.scalars(EVERYONE).all()
    with closing(walled.raw_connection()) as connection:
        assert refused(connection.cursor(), EMAIL)


def test_a_connection_taken_out_under_an_access_has_it(walled: Engine, privacy: Privacy) -> None:
    with privacy.access("campaigns", role="marketing"), closing(walled.raw_connection()) as connection:
        assert not refused(connection.cursor(), EMAIL)
        assert refused(connection.cursor(), STREET)


def test_maintenance_reads_everything(raw: Any, privacy: Privacy) -> None:
    with privacy.access(maintenance=True, role="engineer", reason="test"):
        assert not refused(raw, "SELECT * FROM customers")
        assert not refused(raw, "ALTER TABLE customers ADD COLUMN extra TEXT")
    assert refused(raw, EMAIL)


WRITES = {
    "UPDATE customers SET segment = 'x'": "campaigns",
    "UPDATE customers SET street = 'x'": "shipping",
    "UPDATE orders SET amount = 1": "billing",
    "DELETE FROM orders": "billing",
    "DELETE FROM customers": "signup",
}


@pytest.mark.parametrize("sql", WRITES)
def test_writing_and_deleting_need_their_purpose(sql: str, raw: Any, privacy: Privacy) -> None:
    assert refused(raw, sql)
    with privacy.access("segmenting", role="warehouse"):
        assert refused(raw, sql)
    with privacy.access(WRITES[sql], role="clerk"):
        assert not refused(raw, sql)


def test_what_is_matched_may_be_seen(raw: Any, privacy: Privacy) -> None:
    """The authorizer cannot tell the two apart: it is listed as not walled."""
    with privacy.access("segmenting", role="warehouse"):
        assert not refused(raw, "SELECT id FROM customers WHERE segment = 'gold'")
        assert not refused(raw, "SELECT segment FROM customers")
        assert refused(raw, EMAIL)


WAYS_ROUND = (
    "VACUUM INTO '{path}/copy.db'",
    "ALTER TABLE customers RENAME TO people",
    "ALTER TABLE customers RENAME COLUMN email TO tier2",
    "PRAGMA writable_schema = ON",
    "CREATE TABLE copy AS SELECT * FROM customers",
    "INSERT INTO products (title) SELECT segment FROM customers",
    "UPDATE products SET title = (SELECT segment FROM customers)",
    "UPDATE customers SET tier = segment",
    "UPDATE customers SET tier = 'x' RETURNING segment",
    "INSERT INTO products (title) VALUES ((SELECT segment FROM customers))",
)


@pytest.mark.parametrize("sql", WAYS_ROUND)
def test_ways_round_are_refused(sql: str, raw: Any, tmp_path: Any) -> None:
    assert refused(raw, sql.format(path=tmp_path))


def test_the_same_file_attached_under_another_name_is_as_shut(raw: Any, walled: Engine) -> None:
    raw.execute("ATTACH ? AS other", (walled.url.database,))
    assert refused(raw, "SELECT email FROM other.customers")


def test_views_and_triggers_are_seen_through(filled: Engine, raw: Any) -> None:
    with filled.begin() as owner:
        owner.exec_driver_sql("CREATE VIEW mail AS SELECT id, email AS tier FROM customers")
        owner.exec_driver_sql(
            "CREATE TRIGGER copies AFTER UPDATE ON products BEGIN "
            "UPDATE products SET title = (SELECT segment FROM customers) WHERE id = new.id; END"
        )
    assert refused(raw, "SELECT tier FROM mail")
    assert refused(raw, "UPDATE products SET title = 'x'")


def test_definitions_run_without_an_access(raw: Any) -> None:
    """As the gate lets them: an index keeps values where they are, and a table that is dropped shows none."""
    assert not refused(raw, "CREATE INDEX by_town ON customers (town)")
    assert refused(raw, "SELECT town FROM customers")
    assert not refused(raw, "CREATE TABLE other (id INTEGER)")
    assert not refused(raw, "DROP TABLE orders")
    assert refused(raw, "DELETE FROM customers")
    assert not refused(raw, "VACUUM")


def test_an_index_that_fails_opens_nothing(raw: Any) -> None:
    with pytest.raises(sqlite3.OperationalError):
        raw.execute("CREATE INDEX by_town ON customers (town, nonsense)")
    assert refused(raw, "SELECT town FROM customers")
    assert refused(raw, "UPDATE customers SET tier = town")
    assert refused(raw, "INSERT INTO products (title) VALUES ('x') RETURNING (SELECT town FROM customers)")


def test_another_thread_does_not_lend_its_access(walled: Engine, privacy: Privacy) -> None:
    seen: list[bool] = []
    inside, done = threading.Event(), threading.Event()

    def elsewhere() -> None:
        with privacy.access("campaigns", role="marketing"), closing(walled.raw_connection()) as connection:
            seen.append(refused(connection.cursor(), EMAIL))
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    inside.wait(10)
    with closing(walled.raw_connection()) as connection:
        seen.append(refused(connection.cursor(), EMAIL))
    done.set()
    thread.join()
    assert seen == [False, True]


def test_connections_that_were_open_before_are_walled_too(privacy: Privacy) -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    world.Base.metadata.create_all(engine)
    held = engine.connect()
    privacy.install(engine, walls=True)
    with closing(engine.raw_connection()) as connection:
        assert refused(connection.cursor(), EMAIL)
    held.execute(select(world.Product.title))
    held.close()
    privacy.uninstall(engine)
    engine.dispose()


def test_taken_off_the_engine_everything_is_as_before(walled: Engine, privacy: Privacy) -> None:
    held = walled.raw_connection()
    privacy.uninstall(walled)
    assert not refused(held.cursor(), EMAIL)
    held.close()
    with closing(walled.raw_connection()) as connection:
        assert not refused(connection.cursor(), EMAIL)
    before = privacy._scopes._listeners
    privacy.install(walled, walls=True)
    privacy.uninstall(walled)
    assert privacy._scopes._listeners == before


def test_what_was_prepared_while_the_wall_was_down_is_asked_about_again(privacy: Privacy, filled: Engine) -> None:
    privacy.install(filled, walls=True)
    with closing(filled.raw_connection()) as connection:
        assert refused(connection.cursor(), EMAIL)
    privacy.uninstall(filled)
    with closing(filled.raw_connection()) as connection:
        assert not refused(connection.cursor(), EMAIL)
    privacy.install(filled, walls=True)
    with closing(filled.raw_connection()) as connection:
        assert refused(connection.cursor(), EMAIL)
    privacy.uninstall(filled)
    with closing(filled.raw_connection()) as connection:
        assert not refused(connection.cursor(), EMAIL)


def test_a_cursor_that_outlives_its_connection_is_shut(walled: Engine, privacy: Privacy) -> None:
    with privacy.access("campaigns", role="marketing"):
        connection = walled.raw_connection()
        cursor = connection.cursor()
        connection.close()
        assert refused(cursor, EMAIL)


def test_a_column_that_becomes_personal_is_shut_at_once(make_engine: Callable[..., Engine]) -> None:
    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = "folk"
        __data_subject__ = DataSubject("person", key="id")
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = pii_column(String(20), category="name", encrypt=False)
        nick: Mapped[str | None] = mapped_column(String(20))

    policy = Policy(policy={"id": "late", "version": "1"}, categories={"name": {}}, purposes={"p": {"use": ["name"]}})
    privacy = Privacy(policy, log=None, metadata=Base)
    engine = make_engine()
    privacy.install(engine, walls=True)
    Base.metadata.create_all(engine)
    with closing(engine.raw_connection()) as connection:
        assert not refused(connection.cursor(), "SELECT nick FROM folk")
    privacy.annotate(Person.nick, category="name", encrypt=False)
    with closing(engine.raw_connection()) as connection:
        assert refused(connection.cursor(), "SELECT nick FROM folk")
    with privacy.access("p"), engine.connect() as connection2:
        connection2.execute(text("SELECT nick FROM folk"))
    privacy.close()


def test_a_change_within_what_both_cover_arms_nothing(
    walled: Engine, privacy: Privacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Preparing again is what a change costs, so it happens only where the accesses differ."""
    armed: list[Pane] = []
    plain = Pane.arm

    def counting(pane: Pane) -> None:
        armed.append(pane)
        plain(pane)

    monkeypatch.setattr(Pane, "arm", counting)
    with walled.connect() as connection:
        armed.clear()
        with privacy.access("shipping", role="warehouse"):
            connection.execute(select(Customer.street))
            assert len(armed) == 1
            with privacy.access("shipping", role="clerk"):
                connection.execute(select(Customer.street))
            connection.execute(select(Customer.street))
            assert len(armed) == 1
        connection.execute(select(Customer.tier))
        assert len(armed) == 2


async def test_asyncio_statements_follow_the_access(
    filled: Engine, async_engine: AsyncEngine, privacy: Privacy
) -> None:
    privacy.install(async_engine, walls=True)
    async with AsyncSession(async_engine) as session:
        for purpose, role in (("shipping", "warehouse"), ("campaigns", "marketing"), ("shipping", "clerk")):
            with privacy.access(purpose, role=role):
                assert len((await session.scalars(EVERYONE)).all()) == 3
        assert (await session.scalars(select(Customer.tier))).all() == ["basic"] * 3
    privacy.uninstall(async_engine)


async def test_an_asyncio_raw_cursor_is_refused(filled: Engine, async_engine: AsyncEngine, privacy: Privacy) -> None:
    privacy.install(async_engine, walls=True)
    async with async_engine.connect() as connection:
        plain = (await connection.get_raw_connection()).driver_connection
        assert plain is not None
        with pytest.raises(sqlite3.DatabaseError, match="prohibited"):
            await plain.execute(EMAIL)
        with privacy.access("campaigns", role="marketing"):
            await plain.execute(EMAIL)
            with pytest.raises(sqlite3.DatabaseError, match="prohibited"):
                await plain.execute(STREET)
        with pytest.raises(sqlite3.DatabaseError, match="prohibited"):
            await plain.execute(STREET)
    privacy.uninstall(async_engine)


def test_a_connection_taken_out_before_the_wall_is_walled_once_it_is_used_or_back(
    application: Callable[..., Engine], privacy: Privacy
) -> None:
    """Until then nothing public leads to it: docs/walls.md says so."""
    engine = application(pool_size=1, max_overflow=0, poolclass=QueuePool)
    with closing(engine.raw_connection()) as out:
        plain = out.driver_connection
        privacy.install(engine, walls=True)
        assert not refused(out.cursor(), EMAIL)
    with closing(engine.raw_connection()) as again:
        assert again.driver_connection is plain
        assert refused(again.cursor(), EMAIL)


def test_a_connection_in_use_before_the_wall_is_walled_with_its_next_statement(
    application: Callable[..., Engine], privacy: Privacy
) -> None:
    engine = application()
    with engine.connect() as connection:
        privacy.install(engine, walls=True)
        connection.execute(text("SELECT tier FROM customers"))
        assert refused(connection.connection.cursor(), EMAIL)
