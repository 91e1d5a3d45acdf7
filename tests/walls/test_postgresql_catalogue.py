"""A wall on PostgreSQL is put up once, found where it drifted, and mended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.exc import ProgrammingError

from sa_privacy import Privacy
from sa_privacy.walls import Login
from sa_privacy.walls.ddl import statements
from tests.gate import world
from tests.support.databases import Database
from tests.walls.owner import LOGIN, Inspection, dropped, inspected, raised

pytestmark = pytest.mark.backends("postgresql")

Look = Callable[..., Inspection]


@pytest.fixture
def look(filled: Engine, privacy: Privacy) -> Look:
    """Inspects the database of the test."""
    return lambda **how: inspected(filled, world.POLICY, privacy.catalogue, world.Base.metadata, **how)


@pytest.fixture
def mend(filled: Engine, privacy: Privacy) -> Look:
    """Puts the wall up again."""
    return lambda **how: raised(filled, world.POLICY, privacy.catalogue, world.Base.metadata, **how)


def run(engine: Engine, *sql: str) -> None:
    with engine.begin() as connection:
        for statement in sql:
            connection.exec_driver_sql(statement)


def test_once_up_there_is_nothing_to_do(look: Look) -> None:
    found = look()
    assert found.drift == ()
    assert found.sql == ()
    assert found.missing == ()


def test_the_sql_that_nobody_asked_the_database_for_may_run_again_and_again(filled: Engine, look: Look) -> None:
    sql = statements(look().plan)
    for _ in range(2):
        run(filled, *sql)
        assert look().drift == ()


DRIFTS = {
    f"GRANT SELECT ON customers TO {LOGIN}": f"{LOGIN}: SELECT on public.customers",
    'GRANT SELECT (email) ON customers TO "sap/gate-tests"': "sap/gate-tests: SELECT on public.customers.email",
    "GRANT SELECT (email) ON customers TO PUBLIC": "PUBLIC: SELECT on public.customers.email",
    "GRANT ALL ON orders TO PUBLIC": "PUBLIC: TRUNCATE on public.orders",
    'REVOKE SELECT (tier) ON customers FROM "sap/gate-tests"': "sap/gate-tests: SELECT on public.customers.tier",
    'REVOKE "sap/gate-tests/shipping" FROM shop_web': "shop_web: member of sap/gate-tests/shipping",
    'GRANT "sap/gate-tests/shipping" TO "sap/gate-tests/billing"': "sap/gate-tests/billing: member of sap/gate-tests/shipping",
    f"ALTER ROLE {LOGIN} INHERIT": f"{LOGIN}: inherits what it is a member of",
    'ALTER ROLE "sap/gate-tests/shipping" NOINHERIT': "sap/gate-tests/shipping: does not inherit the base role",
    'ALTER ROLE "sap/gate-tests/shipping" LOGIN': "sap/gate-tests/shipping: may log in",
    "CREATE TABLE other (id int); GRANT SELECT ON other TO shop_web": "shop_web: SELECT on public.other",
    "REVOKE USAGE ON SEQUENCE orders_id_seq FROM shop_web": "shop_web: USAGE on public.orders_id_seq",
    "CREATE VIEW mail AS SELECT email FROM customers": "public.mail: not security_invoker",
    "CREATE MATERIALIZED VIEW mail AS SELECT email FROM customers; GRANT SELECT ON mail TO shop_web": (
        "shop_web: SELECT on public.mail"
    ),
    'CREATE ROLE "sap/gate-tests/old"; GRANT "sap/gate-tests/old" TO shop_web; '
    'GRANT SELECT (email) ON customers TO "sap/gate-tests/old"': "shop_web: member of sap/gate-tests/old",
}


@pytest.mark.parametrize("sql", DRIFTS)
def test_a_drift_is_found_and_mended(sql: str, filled: Engine, look: Look, mend: Look) -> None:
    run(filled, sql)
    found = look()
    assert DRIFTS[sql] in [str(drift) for drift in found.drift]
    assert found.sql
    mend()
    assert look().drift == ()


BEYOND = {
    f"ALTER ROLE {LOGIN} SUPERUSER": "is a superuser",
    f"ALTER ROLE {LOGIN} BYPASSRLS": "is free of row security",
    f"ALTER ROLE {LOGIN} CREATEROLE": "is allowed to make roles",
    f"ALTER TABLE orders OWNER TO {LOGIN}": "owns public.orders",
    f"CREATE ROLE readers; GRANT SELECT ON customers TO readers; GRANT readers TO {LOGIN}": "member of readers",
    'CREATE ROLE guest LOGIN; GRANT "sap/gate-tests/everything" TO guest': "no login of the plan",
}


@pytest.mark.parametrize("sql", BEYOND)
def test_what_only_a_person_can_mend_is_found_and_stays_listed(
    sql: str, filled: Engine, look: Look, mend: Look
) -> None:
    run(filled, sql)
    assert [drift for drift in look().drift if BEYOND[sql] in str(drift) and not drift.mends]
    mend()
    assert any(BEYOND[sql] in str(drift) for drift in look().drift)
    run(filled, f"ALTER TABLE orders OWNER TO postgres; ALTER ROLE {LOGIN} NOSUPERUSER")


def test_an_owner_who_is_no_superuser_puts_it_up(database: Database, filled: Engine, privacy: Privacy) -> None:
    dropped(filled)
    run(
        filled,
        "CREATE ROLE shop_owner LOGIN CREATEROLE",
        *(f"ALTER TABLE {name} OWNER TO shop_owner" for name in ("customers", "orders", "products")),
    )
    owner = create_engine(database.url.set(username="shop_owner"))
    raised(owner, world.POLICY, privacy.catalogue, world.Base.metadata)
    for engine in (owner, filled):
        assert inspected(engine, world.POLICY, privacy.catalogue, world.Base.metadata).drift == ()
    owner.dispose()
    application = create_engine(database.url.set(username=LOGIN))
    privacy.install(application, walls=True)
    with privacy.access("campaigns", role="marketing"), application.connect() as connection:
        assert len(connection.execute(select(world.Customer.segment)).all()) == 3
    application.dispose()


def test_a_second_zone_leaves_the_first_alone(look: Look, mend: Look) -> None:
    zones = [Login(LOGIN, roles=("customer",)), Login("shop_jobs", roles=("clerk",))]
    mend(logins=zones)
    found = look(logins=zones)
    assert found.drift == ()
    assert found.plan.members[LOGIN] == ("sap/gate-tests", "sap/gate-tests/account")


def test_a_table_that_is_not_there_yet_is_named_and_walled_later(filled: Engine, look: Look, mend: Look) -> None:
    run(filled, "DROP TABLE products")
    assert look().missing == ("products",)
    run(filled, "CREATE TABLE products (id serial PRIMARY KEY, title varchar(40) NOT NULL)")
    assert look().drift
    mend()
    assert look().missing == ()
    assert look().drift == ()


def test_a_column_that_no_model_knows_stays_shut(
    filled: Engine, look: Look, application: Callable[..., Engine]
) -> None:
    run(filled, "ALTER TABLE customers ADD COLUMN nickname text")
    found = look()
    assert found.plan.unknown == ("customers.nickname",)
    assert found.drift == ()
    with application().connect() as connection, pytest.raises(ProgrammingError, match="permission denied"):
        connection.exec_driver_sql("SELECT nickname FROM customers")


def test_a_view_shows_what_the_one_who_asks_may_see(
    filled: Engine, mend: Look, application: Callable[..., Engine]
) -> None:
    run(
        filled,
        "CREATE VIEW mail AS SELECT id, email FROM customers",
        "CREATE VIEW again AS SELECT email FROM mail",
        "CREATE VIEW tiers AS SELECT id, tier FROM customers",
    )
    found = mend()
    assert found.plan.views == (("public", "again"), ("public", "mail"), ("public", "tiers"))
    with application().connect() as connection:
        assert len(connection.exec_driver_sql("SELECT tier FROM tiers").all()) == 3
        connection.exec_driver_sql('SET LOCAL ROLE "sap/gate-tests/campaigns"')
        assert len(connection.exec_driver_sql("SELECT email FROM again").all()) == 3
        connection.exec_driver_sql('SET LOCAL ROLE "sap/gate-tests/shipping"')
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.exec_driver_sql("SELECT email FROM again")


def test_functions_that_run_as_their_owner_are_listed_as_not_walled(filled: Engine, look: Look) -> None:
    run(
        filled,
        "CREATE FUNCTION everyone() RETURNS SETOF text SECURITY DEFINER LANGUAGE sql AS 'SELECT segment FROM customers'",
    )
    assert [one.what for one in look().plan.not_walled if one.kind == "function"] == [("public.everyone",)]


def test_a_login_cannot_become_a_role_of_another_zone(database: Database, filled: Engine, mend: Look) -> None:
    mend(logins=[Login(LOGIN, roles=("customer",))])
    engine = create_engine(database.url.set(username=LOGIN))
    with engine.connect() as connection:
        connection.exec_driver_sql('SET LOCAL ROLE "sap/gate-tests/account"')
        with pytest.raises(ProgrammingError, match="permission denied to set role"):
            connection.exec_driver_sql('SET LOCAL ROLE "sap/gate-tests/everything"')
    engine.dispose()


def test_looking_changes_nothing(filled: Engine, look: Look) -> None:
    def acl() -> list[Any]:
        with filled.connect() as connection:
            return list(connection.exec_driver_sql("SELECT relname, relacl::text FROM pg_class ORDER BY oid"))

    run(filled, f"GRANT SELECT ON customers TO {LOGIN}")
    before = acl()
    look()
    assert acl() == before
