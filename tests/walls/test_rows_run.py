"""Rows behind a wall on PostgreSQL, as the application runs: the settings follow the access, and no text changes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, func, literal_column, select, text
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Policy, Privacy, PrivacyError, UnreadableStatement
from sa_privacy.walls import Login
from tests.gate import owned
from tests.gate.owned import Customer, Gift, Item, Order
from tests.support.databases import Database
from tests.support.pooler import pgbouncer
from tests.walls.owner import dropped, inspected, note_beginnings, raised

pytestmark = pytest.mark.backends("postgresql")

LOGIN = "own_web"
SETTINGS = text(
    "SELECT current_setting('role'), current_setting('sa_privacy.subject_kind', true), "
    "current_setting('sa_privacy.subject', true), current_setting('sa_privacy.rules', true)"
)
ACCOUNT = "sap/own-rows/account"


@pytest.fixture
def privacy(tmp_path: Path) -> Iterator[Privacy]:
    log = AccessLog.open(tmp_path / "log")
    with closing(Privacy(owned.POLICY, keys=owned.KEYS, log=log, metadata=owned.Base)) as made:
        yield made


@pytest.fixture
def owner(database: Database, privacy: Privacy) -> Iterator[Engine]:
    owned.filled(database)
    engine = database.engine()
    raised(engine, owned.POLICY, privacy.catalogue, owned.Base.metadata, [Login(LOGIN)])
    with engine.begin() as connection:
        for name in ("customers", "orders", "items"):
            connection.exec_driver_sql(f"SELECT setval('{name}_id_seq', 100)")
    yield engine
    dropped(engine)


@pytest.fixture
def shop(database: Database, owner: Engine, privacy: Privacy) -> Iterator[Engine]:
    engine = create_engine(database.url.set(username=LOGIN))
    privacy.install(engine, walls=True)
    yield engine
    engine.dispose()


def ann(privacy: Privacy, subject: object = 1) -> Any:
    return privacy.access("account", role="customer", actor="customer:1", subject=subject)


def raw(connection: Connection, sql: str) -> list[Any]:
    """What a cursor gets that the gate sees nothing of, in the transaction of the connection."""
    cursor = connection.connection.cursor()
    cursor.execute(sql)
    return list(cursor.fetchall())


def test_the_wall_knows_whose_rows_are_meant(shop: Engine, privacy: Privacy) -> None:
    with shop.connect() as connection:
        for subject in (1, "1", ("customer", 1)):
            with ann(privacy, subject):
                assert tuple(connection.execute(SETTINGS).one()) == (ACCOUNT, "customer", "1", ",")
        for nobody in (None, "one", 2**70, ("employee", 1), ""):
            with ann(privacy, nobody):
                told = connection.execute(SETTINGS).one()
                assert told[2] == "" or told[1] == "employee"
                assert raw(connection, "SELECT id FROM customers") == []
        for base in (privacy.access(role="customer", subject=1), nullcontext()):
            with base:
                assert tuple(connection.execute(SETTINGS).one()) == ("sap/own-rows", "", "", "")


def test_a_raw_cursor_sees_the_rows_of_the_access(shop: Engine, privacy: Privacy) -> None:
    with shop.connect() as connection:
        with ann(privacy):
            connection.execute(SETTINGS)
            assert raw(connection, "SELECT name FROM customers") == [("Ann",)]
            assert raw(connection, "SELECT id FROM items ORDER BY id") == [(1,), (2,), (3,), (4,)]
            assert raw(connection, "SELECT why FROM returns") == [("torn",)]
            assert raw(connection, "SELECT note FROM gifts") == [("for Eve",)]
        with privacy.access("desk", role="clerk"):
            connection.execute(SETTINGS)
            assert len(raw(connection, "SELECT name FROM customers")) == 3


def test_one_s_own_rows_are_written_as_before(shop: Engine, privacy: Privacy) -> None:
    with ann(privacy), Session(shop) as session:
        order = Order(customer_id=1, amount=5, items=[Item(product="nail")])
        session.add_all([order, Gift(customer_id=1, amount=6, note="for Ida")])
        session.flush()
        order.amount = 7
        session.flush()
        session.delete(order.items[0])
        session.commit()
        assert session.get_one(Customer, 1).name == "Ann"
        assert len(session.scalars(select(Order)).all()) == 5


CHANGES = (
    "UPDATE orders SET customer_id = 2 WHERE id = 1",
    "UPDATE orders SET customer_id = 2",
    "INSERT INTO orders (kind, customer_id, amount, status) VALUES ('order', 2, 5, 'open')",
    "INSERT INTO items (order_id, product) VALUES (4, 'nail') RETURNING id",
)


@pytest.mark.parametrize("sql", CHANGES)
def test_no_row_is_made_or_becomes_somebody_else_s(sql: str, shop: Engine, privacy: Privacy) -> None:
    with ann(privacy), shop.connect() as connection:
        connection.execute(SETTINGS)
        with pytest.raises(shop.dialect.loaded_dbapi.errors.InsufficientPrivilege, match="row-level security"):
            connection.connection.cursor().execute(sql)


@pytest.mark.parametrize("sql", ["UPDATE orders SET amount = 0 WHERE id = 4", "DELETE FROM items WHERE id = 5"])
def test_rows_of_others_are_not_touched(sql: str, shop: Engine, privacy: Privacy) -> None:
    with ann(privacy), shop.connect() as connection:
        connection.execute(SETTINGS)
        cursor = connection.connection.cursor()
        cursor.execute(sql)
        assert cursor.rowcount == 0


def test_the_settings_are_said_again_after_a_savepoint_is_rolled_back(shop: Engine, privacy: Privacy) -> None:
    with shop.connect() as connection:
        with ann(privacy):
            connection.execute(SETTINGS)
            savepoint = connection.begin_nested()
        with ann(privacy, 2):
            connection.execute(SETTINGS)
            savepoint.rollback()
            assert connection.execute(SETTINGS).one()[2] == "2"
            connection.execute(text("SAVEPOINT here"))
        with ann(privacy):
            connection.execute(SETTINGS)
            connection.execute(text("ROLLBACK TO SAVEPOINT here"))
            assert connection.execute(SETTINGS).one()[2] == "1"


def test_the_same_subject_again_costs_no_further_statement(
    shop: Engine, privacy: Privacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop.connect() as connection:
        driver: Any = connection.connection.driver_connection
        factory: Any = driver.cursor_factory
        asked: list[str] = []
        note_beginnings(monkeypatch, asked)

        class Noting(factory):  # type: ignore[misc]
            def execute(self, query: object, *args: object, **kwargs: object) -> object:
                asked.append(str(query))
                return super().execute(query, *args, **kwargs)

        driver.cursor_factory = Noting
        for _ in range(3):
            with ann(privacy):
                connection.execute(SETTINGS)
        assert len([sql for sql in asked if "set_config('role'" in sql]) == 1


ATTACKS = (
    "SELECT set_config('sa_privacy.subject', '2', true)",
    "SELECT pg_catalog.set_config('SA_PRIVACY.Subject', '2', false)",
    "SELECT set_config('sa_privacy.' || 'subject', '2', true)",
    "SELECT set_config(E'sa_privacy\\x2esubject', '2', true)",
    "SELECT set_config(setting => 'x', setting_name => 'sa_privacy.subject', is_local => true)",
    "SELECT id FROM customers WHERE set_config('sa_privacy.subject', '2', true) = '2'",
    "SET sa_privacy.subject = '2'",
    "SET LOCAL sa_privacy.subject TO '2'",
    "SET SESSION sa_privacy.rules TO ','",
    'SET "sa_privacy"."subject" = \'2\'',
    "SET LOCAL \"SA_PRIVACY.subject\" = '2'",
    "RESET sa_privacy.subject",
    "RESET ALL",
    "DISCARD ALL",
    "SELECT 1; SET sa_privacy.subject = '2'",
    "UPDATE pg_settings SET setting = '2' WHERE name = 'sa_privacy.subject'",
    "ALTER ROLE own_web SET sa_privacy.subject = '2'",
    "DO $$ BEGIN PERFORM set_config('sa_privacy.subject', '2', true); END $$",
)


@pytest.mark.parametrize("sql", ATTACKS)
def test_no_text_changes_what_the_wall_is_told(sql: str, shop: Engine, privacy: Privacy) -> None:
    with ann(privacy), shop.connect() as connection:
        for as_text in (True, False):
            with pytest.raises(PrivacyError):
                _ = connection.execute(text(sql)) if as_text else connection.exec_driver_sql(sql)
        assert connection.execute(SETTINGS).one()[2] == "1"


def test_no_statement_of_sqlalchemy_changes_it_either(shop: Engine, privacy: Privacy) -> None:
    ways = [
        select(func.set_config("sa_privacy.subject", "2", True)),
        select(func.pg_catalog.set_config("sa_privacy.subject", "2", True)),
        select(literal_column("set_config('sa_privacy.subject', '2', true)")),
        select(func.set_config(literal_column("'sa_privacy.subject'"), "2", True)),
        select(Customer.id).where(func.set_config("sa_privacy.subject", "2", True) == "2"),
    ]
    with ann(privacy), shop.connect() as connection:
        for way in ways:
            with pytest.raises(UnreadableStatement):
                connection.execute(way)
        assert connection.execute(SETTINGS).one()[2] == "1"


def test_settings_end_with_the_transaction_behind_a_pooler(database: Database, owner: Engine, privacy: Privacy) -> None:
    owner.dispose()
    with pgbouncer(database.url, LOGIN) as url:
        engine = create_engine(url, connect_args={"prepare_threshold": None})
        privacy.install(engine, walls=True)
        pids = set()
        for subject, name in ((1, "Ann"), (2, "Bo")):
            with ann(privacy, subject), Session(engine) as session:
                assert session.scalars(select(Customer.name)).all() == [name]
                pids.add(session.scalar(text("SELECT pg_backend_pid()")))
                session.commit()
                with closing(engine.raw_connection()) as plain:
                    cursor: Any = plain.cursor()
                    cursor.execute(str(SETTINGS))
                    assert cursor.fetchone() == ("none", "", "", "")
        assert len(pids) == 1
        engine.dispose()


DRIFTS = {
    f'DROP POLICY "{ACCOUNT}" ON orders': ("missing", f"{ACCOUNT}: row policy on public.orders"),
    f'ALTER POLICY "{ACCOUNT}" ON orders USING (true)': ("changed", f"{ACCOUNT}: row policy on public.orders"),
    f'ALTER POLICY "{ACCOUNT}" ON orders WITH CHECK (true)': ("changed", f"{ACCOUNT}: row policy on public.orders"),
    f'ALTER POLICY "{ACCOUNT}" ON orders TO "sap/own-rows/desk"': (
        "changed",
        f"{ACCOUNT}: row policy on public.orders",
    ),
    'CREATE POLICY "sap/own-rows/old" ON orders FOR DELETE USING (true)': (
        "extra",
        "sap/own-rows/old: row policy on public.orders",
    ),
    "ALTER TABLE orders DISABLE ROW LEVEL SECURITY": ("missing", "public.orders: row level security"),
    'DROP POLICY "sap/own-rows" ON orders': ("missing", "sap/own-rows: row policy on public.orders"),
}


@pytest.mark.parametrize("sql", DRIFTS)
def test_a_row_policy_that_drifted_is_found_and_mended(sql: str, owner: Engine, privacy: Privacy) -> None:
    how = (owned.POLICY, privacy.catalogue, owned.Base.metadata, [Login(LOGIN)])
    with owner.begin() as connection:
        connection.exec_driver_sql(sql)
    assert [(drift.kind, str(drift)) for drift in inspected(owner, *how).drift] == [DRIFTS[sql]]
    mended = raised(owner, *how)
    assert len([one for one in mended.sql if one.startswith("CREATE POLICY")]) <= 1  # what stands is left alone
    found = inspected(owner, *how)
    assert (found.drift, found.sql) == ((), ())


def test_a_table_that_has_row_policies_of_its_own_keeps_them(
    database: Database, owner: Engine, privacy: Privacy
) -> None:
    how = (owned.POLICY, privacy.catalogue, owned.Base.metadata, [Login(LOGIN)])
    with owner.begin() as connection:
        connection.exec_driver_sql("CREATE POLICY open_ones ON orders USING (status = 'open')")
        connection.exec_driver_sql("UPDATE orders SET status = 'shut' WHERE id IN (1, 4)")
    raised(owner, *how)
    assert inspected(owner, *how).drift == ()
    engine = create_engine(database.url.set(username=LOGIN))
    privacy.install(engine, walls=True)
    with ann(privacy), engine.connect() as connection:
        assert connection.execute(select(Order.id).order_by(Order.id)).scalars().all() == [2, 3]
    engine.dispose()


def test_a_table_that_is_kept_elsewhere_is_listed(owner: Engine, privacy: Privacy) -> None:
    with owner.begin() as connection:
        for sql in (
            "DROP TABLE ratings",
            "CREATE FOREIGN DATA WRAPPER nowhere",
            "CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere",
            "CREATE FOREIGN TABLE ratings (customer_id int, product text, comment text) SERVER nowhere",
        ):
            connection.exec_driver_sql(sql)
    how = (owned.POLICY, privacy.catalogue, owned.Base.metadata, [Login(LOGIN)])
    raised(owner, *how)
    found = inspected(owner, *how)
    assert found.drift == ()
    listed = [(one.role, one.what) for one in found.plan.not_walled if one.kind == "rows"]
    assert listed == [(ACCOUNT, ("ratings",)), ("sap/own-rows/signature", ("ratings",))]


def test_without_a_purpose_that_limits_rows_there_is_no_row_level_security(owner: Engine, privacy: Privacy) -> None:
    plain = Policy(
        policy={"id": "own-rows", "version": "2"},
        categories={"name": {}, "amount": {}, "items": {}},
        purposes={"desk": {"use": owned.USE}},
        roles={"clerk": {"purposes": ["desk"]}, "engineer": {"maintenance": True}},
    )
    raised(owner, plain, privacy.catalogue, owned.Base.metadata, [Login(LOGIN)])
    with owner.connect() as connection:
        guarded = connection.exec_driver_sql("SELECT count(*) FROM pg_class WHERE relrowsecurity").scalar()
        policies = connection.exec_driver_sql("SELECT count(*) FROM pg_policy").scalar()
    assert (guarded, policies) == (0, 0)


def test_other_logins_of_the_database_see_what_they_saw(database: Database, owner: Engine) -> None:
    with owner.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE reports LOGIN")
        connection.exec_driver_sql("GRANT SELECT, INSERT ON orders TO reports")
    engine = create_engine(database.url.set(username="reports"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM orders").scalar() == 6
    engine.dispose()
