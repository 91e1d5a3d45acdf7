"""The gate's question: on which connection, how often, and of values that are in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, make_transient

from sa_privacy import AccessLog, NotGranted, NotLoaded, NotPledged, Privacy, UnreadableStatement
from sa_privacy.policy import Standing
from tests.staff import world
from tests.staff.world import START, Customer, Office
from tests.support.databases import Database

BOTH = ["Ann", "Bo"]


def asked(office: Office) -> list[str]:
    """The statements with which the database is asked, from now on."""
    statements: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "FROM sa_privacy_staff" in statement:
            statements.append(statement)

    event.listen(office.engine, "before_cursor_execute", note)
    return statements


def test_an_answer_is_kept_for_a_while(office: Office) -> None:
    office.grant("staff:2", "support")
    office.settle()
    statements = asked(office)
    for _ in range(5):
        assert office.names("staff:2") == BOTH
    assert len(statements) == 2  # one for grants, one for signatures
    office.revoke("staff:2", "support")
    with pytest.raises(NotGranted):
        office.names("staff:2")


def test_a_policy_that_grants_nothing_by_name_asks_nothing(office: Office) -> None:
    plain = world.policy(roles={"clerk": {"purposes": ["signup"]}})
    with closing(Privacy(plain, keys=world.KEYS, log=None, metadata=world.Base)) as other:
        assert other._gate.standings is None
    statements = asked(office)
    assert office.names("staff:2", "clerk", "shipping") == BOTH
    assert office.names("staff:2", ["clerk", "support"], "shipping") == BOTH
    assert statements == []


def test_each_statement_asks_where_nothing_is_kept(
    office: Office, engine: Engine, make_engine: Any, tmp_path: Path
) -> None:
    """Another process, say, revokes."""
    other = Privacy(world.policy(), keys=world.KEYS, log=AccessLog.open(tmp_path / "o"), metadata=world.Base, recheck=0)
    second = make_engine()
    other.install(second)
    there = Office(second, other)
    office.grant("staff:2", "support")
    assert there.names("staff:2") == BOTH
    office.revoke("staff:2", "support")
    with pytest.raises(NotGranted):
        there.names("staff:2")
    other.close()


def test_nobody_without_standing_reads_what_others_loaded(office: Office) -> None:
    office.grant("staff:2", "support", until=START + timedelta(hours=1))
    with Session(office.engine) as session:
        with office.as_("staff:2", "support"):
            ann = session.get_one(Customer, 1)
            assert ann.name == "Ann"
            with office.as_("staff:2", "support"):
                assert ann.name == "Ann"
        with office.as_("staff:3", "support"):
            with pytest.raises(NotGranted):
                _ = ann.name
            assert "Ann" not in vars(ann).values()
            assert "Ann" not in repr(ann)
        with office.as_("staff:2", "support"):
            assert ann.name == "Ann"
        office.grant("staff:3", "support")
        with office.as_("staff:3", "support"):
            assert ann.name == "Ann"


def test_a_value_in_an_object_without_a_session_takes_a_known_answer(office: Office) -> None:
    office.grant("staff:2", "support")
    office.grant("staff:3", "support")
    with Session(office.engine) as session, office.as_("staff:2", "support"):
        ann = session.get_one(Customer, 1)
        session.expunge(ann)
    with office.as_("staff:4", "support"), pytest.raises(NotGranted, match="cannot be asked here"):
        _ = ann.name
    office.settle()
    assert office.names("staff:3") == BOTH
    with office.as_("staff:3", "support"):
        assert ann.name == "Ann"


@pytest.mark.parametrize("known", [True, False], ids=["of a row", "of no row"])
def test_merging_hands_nothing_to_who_has_no_standing(office: Office, *, known: bool) -> None:
    office.grant("staff:2", "support")
    with Session(office.engine) as session, office.as_("staff:2", "support"):
        ann = session.get_one(Customer, 1)
        session.expunge(ann)
        if not known:  # nothing is loaded for it, and what is made of it would be its maker's
            make_transient(ann)
            del ann.id
    with Session(office.engine) as session, office.as_("staff:3", "support"), pytest.raises(NotGranted):
        session.merge(ann)


async def test_under_asyncio_it_is_asked_on_the_same_connection(office: Office, async_engine: AsyncEngine) -> None:
    office.privacy.install(async_engine)
    async with AsyncSession(async_engine) as session:
        with office.officer():
            await session.run_sync(lambda s: office.privacy.staff.grant(s, "staff:2", "support", reason="r"))
        with office.as_("staff:2", "support"):  # not committed yet: only this transaction sees it
            ann = await session.get_one(Customer, 1)
            assert ann.name == "Ann"
            with office.as_("staff:2", "support"):
                assert ann.name == "Ann"
        with office.as_("staff:3", "support"), pytest.raises(NotGranted):
            await session.get_one(Customer, 2)
        with office.officer():
            await session.run_sync(lambda s: office.privacy.staff.grant(s, "staff:4", "support", reason="r"))
        with office.as_("staff:2", "support"):
            await office.privacy.load(ann)
            assert ann.name == "Ann"
            with office.as_("staff:3", "support"):
                with pytest.raises(NotLoaded):
                    _ = ann.name
                with pytest.raises(NotGranted):
                    await office.privacy.load(ann)
            with office.as_("staff:4", "support"):
                await office.privacy.load(ann)
                assert ann.name == "Ann"
        await session.rollback()
        with office.as_("staff:2", "support"), pytest.raises(NotGranted):
            await session.get_one(Customer, 2)


def test_where_rows_differ_by_role_a_role_that_is_not_held_is_refused(office: Office) -> None:
    """Rows are those of all roles together: one that is declared and not held would open more of them."""
    both = ["warehouse", "clerk"]
    assert office.names("staff:2", both, "shipping") == BOTH
    standings = office.privacy._gate.standings
    assert standings is not None
    standings.rows_differ = lambda: True
    with pytest.raises(NotPledged, match='role "warehouse"'):
        office.names("staff:2", both, "shipping")
    assert office.names("staff:2", ["clerk", "support"], "shipping") == BOTH
    office.sign("staff:2")
    assert office.names("staff:2", both, "shipping") == BOTH


class Port:
    """An application's own answer."""

    def __init__(self) -> None:
        self.roles: dict[str, Any] = {}
        self.times = 0

    def standing(self, actor: str, connection: Connection) -> Standing:
        """Reads something personal for it, as an application may."""
        self.times += 1
        connection.exec_driver_sql("SELECT id FROM staff_customers WHERE name IS NULL").all()
        return Standing(roles=self.roles if actor == "idp|2" else {})


@pytest.fixture
def own(engine: Engine, office: Office, tmp_path: Path) -> Iterator[tuple[Office, Port]]:
    """An application that keeps grants itself."""
    office.privacy.uninstall(engine)
    port = Port()
    log = AccessLog.open(tmp_path / "own")
    privacy = Privacy(world.policy(), keys=world.KEYS, log=log, metadata=world.Base, staff=port)
    privacy.install(engine)
    yield Office(engine, privacy), port
    privacy.close()


def test_an_application_may_answer_itself(own: tuple[Office, Port]) -> None:
    office, port = own
    with pytest.raises(NotGranted):
        office.names("idp|3")
    port.roles = {"support": START + timedelta(hours=1)}
    assert office.names("idp|2") == office.names("idp|2") == BOTH
    assert port.times == 2
    office.clock.advance(hours=1)
    with pytest.raises(NotGranted):
        office.names("idp|2")


def test_a_port_that_cannot_answer_lets_nobody_through(
    own: tuple[Office, Port], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, port = own

    def away(actor: str, connection: Connection) -> Standing:
        raise ConnectionError("the directory is away")

    monkeypatch.setattr(port, "standing", away)
    with pytest.raises(ConnectionError):
        office.names("idp|2")


def test_while_observing_it_runs_and_is_told(engine: Engine, office: Office, tmp_path: Path) -> None:
    office.privacy.uninstall(engine)
    log = AccessLog.open(tmp_path / "seen")
    privacy = Privacy(world.policy(), keys=world.KEYS, log=log, metadata=world.Base, mode="observe")
    privacy.install(engine)
    watched = Office(engine, privacy)
    assert watched.names("staff:2") == BOTH
    (told,) = [one for one in log.events() if one.kind == "intent" and one.reads == ["staff_customers.name"]]
    assert (told.decision, told.denials) == ("would_deny", ["not granted"])
    privacy.close()


def test_a_temporary_view_does_not_answer_for_the_ledger(office: Office) -> None:
    """Whoever may make one could grant themselves any role."""
    forged = (
        "CREATE TEMPORARY VIEW sa_privacy_staff_grants AS SELECT 1 AS id, 'staff:2' AS actor, 'support' AS role, "
        "false AS revokes, CURRENT_TIMESTAMP AS at, 'staff:1' AS grantor, '' AS grantor_roles, NULL AS reason, "
        "NULL AS starts, NULL AS ends, '' AS policy, NULL AS first"
    )
    with office.engine.connect() as connection:
        connection.execute(text(forged))
        with (
            office.as_("staff:2", "support"),
            pytest.raises(UnreadableStatement, match="stands in for sa_privacy_staff"),
        ):
            connection.scalars(select(Customer.name)).all()
        connection.invalidate()


FORGED = (
    "CREATE SCHEMA attic",
    (
        "CREATE TABLE attic.sa_privacy_staff_grants AS SELECT 1 AS id, 'staff:2'::varchar AS actor, 'support'::varchar AS role, "
        "false AS revokes, now() AS at, 'staff:1'::varchar AS grantor, ''::varchar AS grantor_roles, ''::bytea AS reason, "
        "NULL::timestamptz AS starts, NULL::timestamptz AS ends, ''::varchar AS policy, NULL::boolean AS first"
    ),
)


@pytest.fixture
def attic(office: Office, database: Database) -> Office:
    """Beside the ledger there is one that says what staff:2 wants."""
    with database.engine().begin() as connection:
        for statement in FORGED:
            connection.exec_driver_sql(statement)
    return office


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("recheck", [0.0, 60.0])
@pytest.mark.parametrize("known", [False, True])
def test_another_schemas_ledger_does_not_answer_for_the_ledger(attic: Office, known: bool) -> None:
    if known:
        with pytest.raises(NotGranted):
            attic.names("staff:2")
        attic.settle()
    with attic.engine.connect() as connection:
        connection.execute(text("SET search_path = attic, public"))
        with attic.as_("staff:2", "support"), pytest.raises((UnreadableStatement, NotGranted)):
            connection.scalars(select(Customer.name)).all()
        connection.invalidate()
    with attic.engine.connect() as connection:
        connection.execute(text("SET search_path = attic, public"))
        with attic.as_("staff:3", "support"), pytest.raises(UnreadableStatement, match="search path makes sa_privacy_"):
            connection.scalars(select(Customer.name)).all()
        connection.rollback()
        with attic.as_("staff:3", "support"), pytest.raises(NotGranted):
            connection.scalars(select(Customer.name)).all()


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("path", ["public, attic", '"$user",   "public" , attic', "pg_catalog, public"])
def test_another_path_to_the_same_ledger_is_none(attic: Office, path: str) -> None:
    attic.grant("staff:2", "support")
    attic.settle()
    with attic.engine.connect() as connection:
        connection.execute(text(f"SET search_path = {path}"))
        with attic.as_("staff:2", "support"):
            assert sorted(connection.scalars(select(Customer.name))) == BOTH


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("how", ["options", "connect", "role"])
def test_where_connections_begin_with_a_path_the_ledger_is_there(database: Database, how: str, log: AccessLog) -> None:
    engine = database.engine(connect_args={"options": "-csearch_path=shelf,public"} if how == "options" else {})
    if how == "connect":

        @event.listens_for(engine, "connect", insert=True)
        def _(raw: Any, _: Any) -> None:
            raw.cursor().execute("SET search_path = shelf, public")
            raw.commit()

    with database.engine().begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA shelf")
        if how == "role":
            connection.exec_driver_sql(f'ALTER DATABASE "{engine.url.database}" SET search_path = shelf, public')
    with closing(Privacy(world.policy(), keys=world.KEYS, log=log, metadata=world.Base, recheck=0)) as privacy:
        privacy.declare(function="shelf.sa_privacy_append_only", touches=[])
        privacy.install(engine)
        there = Office(engine, privacy)
        there.fill()
        there.grant("staff:2", "support")
        assert there.names("staff:2") == BOTH
    with database.engine(connect_args={}).connect() as connection:
        assert connection.scalar(text("SELECT to_regclass('shelf.sa_privacy_staff_grants') IS NOT NULL"))
