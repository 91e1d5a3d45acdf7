"""PostgreSQL at run time: which role each statement runs as, and what a transaction, a savepoint or a pooler does to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from sa_privacy import AccessLog, PolicyError, Privacy, UnreadableStatement, WallDown
from sa_privacy.walls.beginning import begin_saying
from tests.gate import world
from tests.gate.watch import events_of
from tests.gate.world import EVERYONE, Customer, Product
from tests.support.databases import AsyncDriver, Database
from tests.walls.owner import LOGIN, note_beginnings, raised

pytestmark = pytest.mark.backends("postgresql")

ACTING = text("SELECT current_setting('role'), current_setting('sa_privacy.purpose', true)")
BASE = ("sap/gate-tests", "")


def acting(connection: Connection | Session) -> tuple[str, str]:
    """The role and the purpose that the database knows."""
    row = connection.execute(ACTING).one()
    return row[0], row[1]


def test_a_statement_runs_as_the_role_of_its_purpose(walled: Engine, privacy: Privacy) -> None:
    with walled.connect() as connection:
        assert acting(connection) == BASE
        with privacy.access("shipping", role="warehouse"):
            assert acting(connection) == ("sap/gate-tests/shipping", "shipping")
            with privacy.access("segmenting"):
                assert acting(connection) == ("sap/gate-tests/segmenting", "segmenting")
            assert acting(connection) == ("sap/gate-tests/shipping", "shipping")
        assert acting(connection) == BASE
        with privacy.access(role="warehouse"):
            assert acting(connection) == BASE


def test_maintenance_has_a_role_that_reads_everything(walled: Engine, privacy: Privacy) -> None:
    with privacy.access(maintenance=True, role="engineer", reason="test"), Session(walled) as session:
        assert acting(session)[0] == "sap/gate-tests+maintenance"
        assert len(session.scalars(EVERYONE).all()) == 3


def test_roles_of_the_policy_that_act_for_one_purpose_share_a_role_of_the_database(
    walled: Engine, privacy: Privacy
) -> None:
    seen = set()
    for role in ("warehouse", "clerk"):
        with privacy.access("shipping", role=role), walled.connect() as connection:
            seen.add(acting(connection))
    assert seen == {("sap/gate-tests/shipping", "shipping")}


def test_a_purpose_that_covers_what_all_declared_cover_lends_its_role(walled: Engine, privacy: Privacy) -> None:
    with privacy.access(["billing", "everything"], role="clerk"), walled.connect() as connection:
        assert acting(connection) == ("sap/gate-tests/everything", "billing,everything")


def test_a_combination_without_a_role_is_refused_and_says_how_to_make_one(
    walled: Engine, privacy: Privacy, filled: Engine
) -> None:
    def names() -> list[str | None]:
        with privacy.access(["shipping", "campaigns"], role="clerk"), Session(walled) as session:
            return [customer.email for customer in session.scalars(EVERYONE)]

    with pytest.raises(WallDown) as caught:
        names()
    assert caught.value.code == "SP-501"
    assert "sap/gate-tests/campaigns+shipping" in str(caught.value)
    assert "--together campaigns,shipping" in str(caught.value.hint)
    raised(filled, world.POLICY, privacy.catalogue, world.Base.metadata, together=[("shipping", "campaigns")])
    assert len(names()) == 3


def test_the_role_is_set_once_in_a_transaction_and_once_for_each_change(
    walled: Engine, privacy: Privacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    note_beginnings(monkeypatch, asked)

    def note(connection: Connection) -> None:
        plain = connection.connection.dbapi_connection
        assert plain is not None
        plain.cursor_factory = _noting(plain.cursor_factory, asked)

    event.listen(walled, "engine_connect", note)
    with walled.connect() as connection:
        with privacy.access("shipping", role="warehouse"):
            for _ in range(3):
                connection.execute(select(Customer.street))
        assert len(asked) == 1
        with privacy.access("campaigns", role="marketing"):
            connection.execute(select(Customer.segment))
        connection.execute(select(Product.title))
        assert len(asked) == 3
        connection.commit()
        connection.execute(select(Product.title))
        assert len(asked) == 4


def test_the_role_is_set_in_the_message_that_begins_the_transaction(
    walled: Engine, privacy: Privacy, tmp_path: Path
) -> None:
    """So it costs no round trip of its own. Trace of libpq: each answer ends in ReadyForQuery."""
    messages = tmp_path / "messages"
    with privacy.access("shipping", role="warehouse"), walled.connect() as connection, messages.open("w") as file:
        driver: Any = connection.connection.driver_connection
        connection.execute(select(Customer.street)).all()
        connection.rollback()
        driver.pgconn.trace(file.fileno())
        connection.execute(select(Customer.street)).all()
        connection.rollback()
        driver.pgconn.untrace()
    answers = [line for line in messages.read_text().splitlines() if "ReadyForQuery" in line]
    assert len(answers) == 3  # BEGIN and the role, the statement, ROLLBACK


@pytest.mark.parametrize(
    "prepare",
    [
        lambda driver: driver.execute("SELECT 1"),  # a transaction is under way
        lambda driver: driver.set_isolation_level(psycopg.IsolationLevel.SERIALIZABLE),
        lambda driver: driver.set_read_only(True),
        lambda driver: driver.set_autocommit(True),
    ],
)
def test_only_an_ordinary_transaction_is_begun_like_that(database: Database, prepare: Callable[[Any], object]) -> None:
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg.connect(url)) as driver:
        prepare(driver)
        before = driver.info.transaction_status
        assert not begin_saying(driver, "SELECT 1")
        assert driver.info.transaction_status == before


def _noting(factory: type, asked: list[str]) -> type:
    class Noting(factory):  # type: ignore[misc]
        def execute(self, query: object, *args: object, **kwargs: object) -> object:
            if "set_config('role'" in str(query):
                asked.append(str(query))
            return super().execute(query, *args, **kwargs)

    return Noting


def test_the_role_is_asserted_again_after_a_savepoint_is_rolled_back(walled: Engine, privacy: Privacy) -> None:
    with walled.connect() as connection:
        with privacy.access("everything", role="clerk"):
            assert acting(connection)[0] == "sap/gate-tests/everything"
            savepoint = connection.begin_nested()
        with privacy.access("shipping", role="warehouse"):
            assert acting(connection)[0] == "sap/gate-tests/shipping"
            savepoint.rollback()
            assert acting(connection)[0] == "sap/gate-tests/shipping"


def test_a_savepoint_is_rolled_back_after_an_error(walled: Engine, privacy: Privacy) -> None:
    """The role cannot be set in a failed transaction, and need not be."""
    with privacy.access("shipping", role="warehouse"), walled.connect() as connection:
        connection.execute(select(Customer.street))
        savepoint = connection.begin_nested()
        with pytest.raises(ProgrammingError):
            connection.execute(text("SELECT nothing FROM products"))
        savepoint.rollback()
        assert acting(connection)[0] == "sap/gate-tests/shipping"


def test_text_that_ends_a_transaction_makes_the_role_be_set_again(walled: Engine, privacy: Privacy) -> None:
    with privacy.access("everything", role="clerk"), walled.connect() as connection:
        assert acting(connection)[0] == "sap/gate-tests/everything"
        connection.execute(text("SAVEPOINT here"))
        with privacy.access("shipping"):
            assert acting(connection)[0] == "sap/gate-tests/shipping"
            connection.execute(text("ROLLBACK TO SAVEPOINT here"))
            assert acting(connection)[0] == "sap/gate-tests/shipping"
            connection.exec_driver_sql("COMMIT")
            assert acting(connection)[0] == "sap/gate-tests/shipping"


def test_nothing_of_a_role_outlives_its_transaction(
    application: Callable[..., Engine], privacy: Privacy, filled: Engine
) -> None:
    """What a pooler in transaction mode hands to the next client."""
    walled = application(pool_size=1, max_overflow=0)
    privacy.install(walled, walls=True)
    with privacy.access("everything", role="clerk"), walled.begin() as connection:
        assert acting(connection)[0] == "sap/gate-tests/everything"
    with closing(walled.raw_connection()) as raw:
        cursor = raw.cursor()
        cursor.execute("SELECT current_user::text, current_setting('sa_privacy.purpose', true)")
        assert cursor.fetchone() == (LOGIN, "")


def test_a_raw_cursor_is_refused_what_is_personal(walled: Engine, privacy: Privacy) -> None:
    with privacy.access("everything", role="clerk"), closing(walled.raw_connection()) as raw:
        cursor = raw.cursor()
        cursor.execute("SELECT tier FROM customers")
        assert len(cursor.fetchall()) == 3
        refusal = walled.dialect.loaded_dbapi.errors.InsufficientPrivilege
        with pytest.raises(refusal):
            cursor.execute("SELECT email FROM customers")


def test_autocommit_is_refused_for_personal_data_and_for_nothing_else(
    application: Callable[..., Engine], privacy: Privacy
) -> None:
    walled = application(isolation_level="AUTOCOMMIT")
    privacy.install(walled, walls=True)
    with privacy.access("shipping", role="warehouse"), walled.connect() as connection:
        assert connection.execute(select(Product.title)).all() == [("Umbrella",)]
        with pytest.raises(WallDown, match="AUTOCOMMIT") as caught:
            connection.execute(select(Customer.street))
        assert "transaction" in str(caught.value.hint)
    transactions = walled.execution_options(isolation_level="READ COMMITTED")
    with privacy.access("shipping", role="warehouse"), transactions.connect() as connection:
        assert len(connection.execute(select(Customer.street)).all()) == 3


CHANGES_ROLES = (
    "SET ROLE postgres",
    'SET LOCAL ROLE "sap/gate-tests/everything"',
    'SET SESSION ROLE "sap/gate-tests/everything"',
    "SET role TO 'sap/gate-tests/everything'",
    "RESET ROLE",
    "RESET ALL",
    "SET SESSION AUTHORIZATION DEFAULT",
    "SET SESSION SESSION AUTHORIZATION postgres",
    "SELECT set_config('role', 'sap/gate-tests/everything', true)",
    "SELECT pg_catalog.set_config('ROLE', 'sap/gate-tests/everything', false)",
    "SELECT set_config('ro' || 'le', 'sap/gate-tests/everything', true)",
    'SELECT "set_config"($$role$$, $$sap/gate-tests/everything$$, true)',
    r"SELECT set_config(E'r\x6fle', 'sap/gate-tests/everything', true)",
    r"SELECT set_config(E'r\157le', 'sap/gate-tests/everything', true)",
    "ALTER ROLE shop_web SET role = 'sap/gate-tests/everything'",
    "ALTER USER shop_web INHERIT",
    "ALTER DATABASE postgres SET role = 'x'",
    "CREATE ROLE other",
    "DROP OWNED BY shop_web",
    'GRANT "sap/gate-tests/everything" TO shop_web',
    "REVOKE SELECT ON customers FROM shop_web",
    "REASSIGN OWNED BY shop_web TO postgres",
    "DISCARD ALL",
    "SELECT 1; ROLLBACK TO SAVEPOINT here; SELECT 2",
    "COMMIT; SELECT 1",
    "/* a comment */ set /* another */ role none",
)


@pytest.mark.parametrize("sql", CHANGES_ROLES)
@pytest.mark.parametrize("maintenance", [False, True], ids=["purpose", "maintenance"])
def test_text_that_touches_roles_is_refused_whoever_acts(
    sql: str, walled: Engine, privacy: Privacy, log: AccessLog, *, maintenance: bool
) -> None:
    opened = (
        privacy.access(maintenance=True, role="engineer", reason="test")
        if maintenance
        else privacy.access("shipping", role="warehouse")
    )
    with opened, walled.connect() as connection:
        for as_text in (True, False):
            before = len([e for e in events_of(log) if e.decision == "denied"])
            with pytest.raises(UnreadableStatement) as caught:
                _ = connection.execute(text(sql)) if as_text else connection.exec_driver_sql(sql)
            assert caught.value.hint
            assert len([e for e in events_of(log) if e.decision == "denied"]) == before + 1


@pytest.mark.parametrize(
    "sql",
    ["SET LOCAL statement_timeout = 1000", "SELECT set_config('app.tenant', '5', true)", "SELECT 1; SELECT 2", "BEGIN"],
)
def test_other_text_runs(sql: str, walled: Engine) -> None:
    with walled.connect() as connection:
        connection.exec_driver_sql(sql)


def test_a_flush_that_leaves_columns_null_passes_the_wall(walled: Engine, privacy: Privacy) -> None:
    """The ORM names every column in an INSERT; the gate lets a NULL that nobody gave pass, and so must the wall."""
    with privacy.access("campaigns", role="marketing"), Session(walled) as session:
        session.add(Customer(name="Dee", email="dee@example.com"))
        session.commit()
    with Session(walled) as session:
        session.add(Product(title="Lamp"))
        session.commit()


def test_a_login_of_another_zone_is_told_so(
    application: Callable[..., Engine], privacy: Privacy, filled: Engine
) -> None:
    with filled.begin() as owner:
        owner.exec_driver_sql(f'REVOKE "sap/gate-tests/campaigns" FROM {LOGIN}')
    walled = application()
    privacy.install(walled, walls=True)
    with privacy.access("campaigns", role="marketing"), walled.connect() as connection:
        with pytest.raises(WallDown, match="campaigns") as caught:
            connection.execute(select(Customer.segment))
        assert "wall check" in str(caught.value.hint)


def test_taken_off_the_engine_says_nothing_more_of_roles(walled: Engine, privacy: Privacy) -> None:
    privacy.uninstall(walled)
    with walled.connect() as connection:
        assert acting(connection)[0] == "none"


def test_copies_of_an_engine_are_walled_with_it(application: Callable[..., Engine], privacy: Privacy) -> None:
    engine = application(pool_size=1, max_overflow=0)
    before = engine.execution_options(logging_token="before")
    privacy.install(engine, walls=True)
    after = engine.execution_options(logging_token="after")
    for copy in (before, after, before, engine):
        for purpose in ("shipping", "everything"):
            with privacy.access(purpose, role="clerk"), copy.connect() as connection:
                assert acting(connection) == (f"sap/gate-tests/{purpose}", purpose)


def test_a_wall_does_not_observe(engine: Engine) -> None:
    privacy = Privacy(world.POLICY, log=None, mode="observe", metadata=world.Base)
    with pytest.raises(PolicyError, match="observe"):
        privacy.install(engine, walls=True)
    privacy.close()


@pytest.fixture
async def async_walled(
    database: Database, filled: Engine, privacy: Privacy, async_driver: AsyncDriver
) -> AsyncIterator[AsyncEngine]:
    """The same through an async driver."""
    engine = create_async_engine(database.async_url(async_driver).set(username=LOGIN))
    privacy.install(engine, walls=True)
    yield engine
    await engine.dispose()


async def test_async_drivers_run_as_the_role_of_the_purpose(async_walled: AsyncEngine, privacy: Privacy) -> None:
    async with AsyncSession(async_walled) as session:
        with privacy.access("shipping", role="warehouse"):
            assert (await session.execute(ACTING)).one() == ("sap/gate-tests/shipping", "shipping")
            assert len((await session.scalars(EVERYONE)).all()) == 3
            nested = await session.begin_nested()
        with privacy.access("campaigns", role="marketing"):
            assert (await session.execute(ACTING)).one() == ("sap/gate-tests/campaigns", "campaigns")
            await nested.rollback()
            assert (await session.execute(ACTING)).one() == ("sap/gate-tests/campaigns", "campaigns")
            session.add(Customer(name="Dee", email="dee@example.com"))
            await session.commit()
            assert (await session.execute(ACTING)).one() == ("sap/gate-tests/campaigns", "campaigns")
        assert (await session.execute(ACTING)).one() == BASE


async def test_an_async_raw_cursor_is_refused(async_walled: AsyncEngine, privacy: Privacy) -> None:
    with privacy.access("everything", role="clerk"):
        async with async_walled.connect() as connection:
            raw = await connection.get_raw_connection()
            plain = raw.driver_connection
            assert plain is not None
            with pytest.raises(Exception, match="permission denied for table customers"):
                await plain.execute("SELECT email FROM customers")


async def test_async_streams_hold_their_role(async_walled: AsyncEngine, privacy: Privacy) -> None:
    async with AsyncSession(async_walled) as session:
        with privacy.access("shipping", role="warehouse"):
            streets = select(Customer.street).order_by(Customer.id).execution_options(yield_per=2)
            result = await session.stream_scalars(streets)
            assert [street async for street in result] == ["1 High Street", "2 Low Road", None]


async def test_async_autocommit_is_refused(
    database: Database, filled: Engine, privacy: Privacy, async_driver: AsyncDriver
) -> None:
    url = database.async_url(async_driver).set(username=LOGIN)
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    privacy.install(engine, walls=True)
    with privacy.access("shipping", role="warehouse"):
        async with engine.connect() as connection:
            with pytest.raises(WallDown):
                await connection.execute(select(Customer.street))
    await engine.dispose()
