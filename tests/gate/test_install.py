"""The gate goes on an engine, whatever was done with it before, and comes off without a trace."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    create_mock_engine,
    event,
    inspect,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from sa_privacy import (
    AccessDenied,
    AccessLog,
    Keyring,
    KeyUnavailable,
    NoAccess,
    Policy,
    PolicyError,
    Privacy,
    PurposeDenied,
    UnreadableStatement,
)
from tests.gate import people, world
from tests.gate.people import Person
from tests.gate.world import EVERYONE, Customer
from tests.support.databases import Database

KEYS = Keyring.generate()


@pytest.fixture
def made() -> Iterator[Callable[..., Privacy]]:
    """Makes Privacies that are closed again."""
    kept: list[Privacy] = []

    def make(policy: Policy = world.POLICY, **options: Any) -> Privacy:
        kept.append(Privacy(policy, **{"keys": KEYS, "log": None, "metadata": world.Base, **options}))
        return kept[-1]

    yield make
    for privacy in kept:
        privacy.close()


def seen(engine: Engine) -> set[str]:
    """The personal attributes that an entity load brings."""
    with Session(engine) as session:
        found = session.scalars(EVERYONE).first()
        assert found is not None
        return {"name", "email", "segment", "town"} & set(found.__dict__)


def traces(engine: Engine) -> dict[str, object]:
    """What an installation touches of an engine."""
    return {
        "compiler": engine.dialect.statement_compiler,
        "cache": engine._compiled_cache,
        "hide_parameters": engine.hide_parameters,
        "logger": engine.logger,
        "options": dict(engine.get_execution_options()),
        "told of options": [name for name in vars(engine.dialect) if name.endswith("_execution_options")],
        "listeners": {
            (type(of).__name__, name): list(getattr(of.dispatch, name))
            for of in (engine, engine.dialect, engine.pool)
            for name in dir(of.dispatch)
            if not name.startswith("_")
        },
    }


# -- on and off -------------------------------------------------------------------------------------------------------


@pytest.mark.backends("sqlite")
def test_another_privacy_may_come_and_go_while_objects_are_loaded(
    session: Session, privacy: Privacy, made: Callable[..., Privacy]
) -> None:
    """As in a process that takes up new keys while its threads work. Here it does so in the midst of a load."""
    came: list[Privacy] = []

    def load(customer: Customer, _: object) -> None:
        came.append(made())
        came[-1].close()

    event.listen(Customer, "load", load)
    try:
        with privacy.access("everything", role="clerk"):
            assert len(session.scalars(EVERYONE).all()) == len(came) == 3
    finally:
        event.remove(Customer, "load", load)


@pytest.mark.backends("sqlite")
def test_another_privacy_may_come_and_go_while_sessions_are_asked(
    session: Session, privacy: Privacy, made: Callable[..., Privacy]
) -> None:
    """The same with rules of rows, for which sessions are listened to, in the midst of what they say of themselves."""
    came: list[Privacy] = []

    def renew(*_: object) -> None:
        came.append(made())
        came[-1].restrict(Customer, role="clerk", where=lambda c, _: c.id > 0)
        came[-1].close()

    told = ("do_orm_execute", "persistent_to_detached")
    for name in told:
        event.listen(Session, name, renew)
    ruled = made()
    ruled.restrict(Customer, role="clerk", where=lambda c, _: c.id > 0)
    try:
        with privacy.access("everything", role="clerk"):
            session.expunge(session.scalars(EVERYONE).all()[0])
    finally:
        for name in told:
            event.remove(Session, name, renew)
    assert len(came) == 2


@pytest.mark.backends("sqlite")
def test_a_privacy_that_was_closed_is_let_go_with_its_engine(database: Database, made: Callable[..., Privacy]) -> None:
    """Mappers keep what their flushes have compiled, which knows the gate; also where another Privacy goes on."""
    made()
    world.filled(database)
    engine = create_engine(database.url)
    privacy = Privacy(world.POLICY, keys=world.KEYS, log=None, metadata=world.Base)
    privacy.install(engine)
    with privacy.access("everything", role="clerk"), Session(engine) as session:
        session.scalars(EVERYONE).all()[0].town = "Bergen"
        session.commit()
    privacy.close()
    engine.dispose()
    kept = weakref.ref(privacy)
    del privacy, engine, session
    gc.collect()
    assert kept() is None


def test_installing_twice_changes_nothing(engine: Engine, made: Callable[..., Privacy]) -> None:
    privacy = made()
    privacy.install(engine)
    before = traces(engine)
    privacy.install(engine)
    privacy.install(engine.execution_options(logging_token="copy"))
    assert traces(engine) == before


def test_a_second_privacy_on_one_engine_is_refused(engine: Engine, made: Callable[..., Privacy]) -> None:
    first, second = made(), made()
    first.install(engine)
    for thing in (engine, engine.execution_options(logging_token="copy")):
        with pytest.raises(PolicyError, match="protected by another Privacy"):
            second.install(thing)
    first.uninstall(engine)
    second.install(engine)


def test_uninstall_leaves_nothing_on_the_engine(engine: Engine, made: Callable[..., Privacy]) -> None:
    privacy = made()
    before = traces(engine)
    privacy.install(engine)
    world.fill(privacy, engine)
    assert traces(engine) != before
    assert seen(engine) == set()
    copy = engine.execution_options(logging_token="copy")
    assert seen(copy) == set()
    privacy.uninstall(engine)
    privacy.uninstall(engine)
    assert traces(engine) == before
    for plain in (engine, copy):
        with Session(plain) as session:
            assert session.execute(text("SELECT segment FROM customers ORDER BY id")).scalars().first() == "gold"
            assert session.scalars(select(Customer.town).order_by(Customer.id)).first() == "Oakham"
    assert copy.hide_parameters is False
    assert "sa_privacy_plain" not in vars(copy.logger)


def test_a_statement_compiled_under_the_gate_is_whole_after_uninstall(
    engine: Engine, make_engine: Callable[..., Engine], made: Callable[..., Privacy]
) -> None:
    privacy = made(metadata=people.Base)
    people.Base.metadata.create_all(engine)
    people.rows(make_engine())
    copy = engine.execution_options(logging_token="copy")
    one, many = select(Person), select(Person.name)

    def names(on: Engine) -> list[str]:
        with Session(on) as session:
            return sorted(person.name for person in session.scalars(one))

    whole = names(engine)
    privacy.install(engine)
    for on in (engine, copy):
        with pytest.raises(NoAccess):
            names(on)
        with on.connect() as connection, pytest.raises(NoAccess):
            connection.execute(many)
    unused = engine.execution_options(logging_token="unused")
    privacy.uninstall(engine)
    for on in (engine, copy, unused):
        assert names(on) == whole
        with Session(on) as session:
            assert all("email" in person.__dict__ for person in session.scalars(one))
        with on.connect() as connection:
            assert sorted(connection.scalars(many)) == whole


def test_objects_in_memory_are_their_holders_after_the_last_uninstall(
    engine: Engine, make_engine: Callable[..., Engine], made: Callable[..., Privacy]
) -> None:
    privacy = made(metadata=people.Base)
    people.Base.metadata.create_all(engine)
    people.rows(make_engine())
    privacy.install(engine)
    with Session(engine) as session:
        with privacy.access("shipping", role="warehouse"):
            person = session.scalars(select(Person).where(Person.name == "Pia")).one()
            assert person.name == "Pia"
        with pytest.raises(NoAccess):
            _ = person.name
        privacy.uninstall(engine)
        assert (person.name, person.email) == ("Pia", "pia@example.com")


CLASSES = """
from sqlalchemy import String, create_engine
from sqlalchemy.orm import Mapped, configure_mappers, mapped_column
from sa_privacy import Privacy, pii_column
from tests.gate import people, world

def look():
    found = {}
    for mapper in people.Base.registry.mappers:
        manager = mapper.class_manager
        found[mapper.class_] = (
            {key: type(manager[key]) for key in manager},
            {prop.key: type(prop) for prop in mapper.attrs},
            vars(mapper.class_).get("__repr__"),
            vars(mapper.class_).get("__eq__"),
            getattr(manager.expired_attribute_loader, "__func__", manager.expired_attribute_loader),
            {name: len(list(getattr(manager.dispatch, name))) for name in ("load", "refresh", "unpickle", "pickle")},
            {name: len(list(getattr(mapper.dispatch, name))) for name in ("before_insert", "after_insert")},
            type(mapper._server_default_plus_onupdate_propkeys),
        )
    return found

class Card(people.Base):
    __tablename__ = "cards"
    __mapper_args__ = {"eager_defaults": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(String(40), category="name", encrypt=False, server_default="-")

people.Person.__repr__ = lambda self: f"<{self.name}>"
configure_mappers()
before = look()
one, two = (Privacy(world.POLICY, log=None, metadata=people.Base) for _ in range(2))
engine = create_engine("sqlite://")
one.install(engine)
one.catalogue, two.catalogue
assert look() != before
one.close()
assert look() != before, "the other one is still there"
two.close()
assert look() == before
"""


def test_classes_are_as_they_were_once_the_last_privacy_is_closed() -> None:
    """In a process of its own: in this one others are open."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CLASSES],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_an_unsupported_database_is_refused_when_it_is_installed_on(made: Callable[..., Privacy]) -> None:
    driver = types.SimpleNamespace(paramstyle="format", Error=Exception, version_info=(1, 4, 0), __version__="1.4.0")
    engine = create_engine("mysql+mysqldb://nowhere/none", module=driver)
    before = traces(engine)
    with pytest.raises(PolicyError, match="mysql dialect is not supported"):
        made().install(engine)
    assert traces(engine) == before


def test_what_is_no_engine_is_refused(made: Callable[..., Privacy]) -> None:
    mock: Any = create_mock_engine("postgresql+psycopg://", lambda *_: None)
    with pytest.raises(PolicyError, match="MockConnection is no engine"):
        made().install(mock)


# -- what was made of the engine, before and after --------------------------------------------------------------------


def test_connections_and_copies_from_before_are_protected_too(engine: Engine, made: Callable[..., Privacy]) -> None:
    privacy = made()
    copy = engine.execution_options(logging_token="before", compiled_cache={})
    with engine.connect() as connection, copy.connect() as other:
        privacy.install(engine)
        world.fill(privacy, engine)
        for opened in (connection, other):
            with Session(opened) as session:
                assert "segment" not in session.scalars(EVERYONE).all()[0].__dict__
            with pytest.raises(NoAccess):
                opened.execute(select(Customer.segment))
            opened.rollback()
    assert seen(copy) == set()
    assert copy.hide_parameters


@pytest.mark.parametrize("cache", ["own", "none"])
def test_a_compile_cache_of_the_applications_own_never_mixes_grants(cache: str, shop: Engine, privacy: Privacy) -> None:
    own: dict[Any, Any] | None = {} if cache == "own" else None
    made_here = shop.execution_options(compiled_cache=own)
    with shop.connect().execution_options(compiled_cache=own) as connection:
        for _ in range(2):
            with privacy.access("everything", role="clerk"), Session(connection) as session:
                assert {"email", "segment"} <= set(session.scalars(EVERYONE).all()[0].__dict__)
            with Session(connection) as session:
                assert not {"email", "segment"} & set(session.scalars(EVERYONE).all()[0].__dict__)
            with privacy.access("everything", role="clerk"):
                assert seen(made_here) == {"name", "email", "segment", "town"}
            assert seen(made_here) == set()


def test_there_is_room_for_as_many_compiled_statements_as_the_engine_was_given(
    make_engine: Callable[..., Engine], made: Callable[..., Privacy]
) -> None:
    engine, privacy = make_engine(query_cache_size=10), made()
    privacy.install(engine)
    with engine.connect() as connection:
        for number in range(40):
            connection.execute(select(literal(1).label(f"number_{number}")))
    assert (
        10 <= len(engine._compiled_cache or ()) <= 15
    )  # SQLAlchemy's own lets half as many more in before it tidies up


def test_an_engine_that_caches_nothing_goes_on_caching_nothing(
    make_engine: Callable[..., Engine], made: Callable[..., Privacy]
) -> None:
    engine, privacy = make_engine(query_cache_size=0), made()
    privacy.install(engine)
    world.fill(privacy, engine)
    assert engine._compiled_cache is None
    assert seen(engine) == set()
    with privacy.access("everything", role="clerk"):
        assert seen(engine) == {"name", "email", "segment", "town"}


def test_a_copy_of_the_engine_hides_rows_from_echo(
    make_engine: Callable[..., Engine], made: Callable[..., Privacy], caplog: pytest.LogCaptureFixture
) -> None:
    engine, privacy = make_engine(), made()
    before = engine.execution_options(logging_token="before")
    privacy.install(engine)
    world.fill(privacy, engine)
    after = engine.execution_options(logging_token="after")
    with caplog.at_level("DEBUG", "sqlalchemy.engine"), privacy.access("everything", role="clerk"):
        for copy in (before, after):
            with copy.connect() as connection:
                connection.execute(select(Customer.town).where(Customer.town == "Oakham")).all()
    assert "Row (hidden" in caplog.text
    assert "Oakham" not in caplog.text


def test_a_disposed_engine_stays_protected(shop: Engine) -> None:
    shop.dispose()
    assert seen(shop) == set()


# -- several engines --------------------------------------------------------------------------------------------------


def test_two_engines_with_two_policies_share_models(
    make_engine: Callable[..., Engine], made: Callable[..., Privacy]
) -> None:
    names_only = Policy(
        policy={"id": "other", "version": "1"},
        categories={name: {} for name in world.POLICY.categories},
        purposes={"letters": {"use": ["name"]}},
        roles={"writer": {"purposes": ["letters"]}},
    )
    first, second = made(), made(names_only)
    one, two = make_engine(), make_engine()
    first.install(one)
    second.install(two)
    world.fill(first, one)
    with first.access("campaigns", role="marketing"):
        assert seen(one) == {"name", "email", "segment"}
        assert seen(two) == set()
        with second.access("letters", role="writer"):
            assert seen(two) == {"name"}
            assert seen(one) == {"name", "email", "segment"}
            with one.connect() as connection:
                assert connection.scalars(select(Customer.segment)).all()
            with two.connect() as connection, pytest.raises(PurposeDenied):
                connection.execute(select(Customer.segment))
    with Session(two) as session, second.access("letters", role="writer"):
        found = session.scalars(EVERYONE).first()
        assert found is not None
        assert found.name == "Ann Arbor"
        with pytest.raises(PurposeDenied, match="letters"):
            _ = found.email


def test_an_engine_without_privacy_behaves_as_if_there_were_no_annotations(
    shop: Engine, make_engine: Callable[..., Engine]
) -> None:
    plain = make_engine()
    with plain.connect() as connection:
        assert connection.scalars(select(Customer.segment).order_by(Customer.id)).first() == "gold"
        assert connection.execute(text("SELECT segment FROM customers ORDER BY id")).scalars().first() == "gold"
        with pytest.raises(KeyUnavailable):
            connection.execute(select(Customer.email)).all()
    with Session(plain) as session, pytest.raises(KeyUnavailable):
        session.execute(update(Customer).values(email="x"))
    assert seen(shop) == set()


def test_sessions_bound_to_several_engines_go_by_the_engine(
    shop: Engine, make_engine: Callable[..., Engine], made: Callable[..., Privacy]
) -> None:
    plain = make_engine()
    people.Base.metadata.create_all(plain)
    people.rows(plain)
    maker = sessionmaker(binds={Customer: shop, Person: plain})
    with maker() as session:
        assert session.scalars(select(Person).order_by(Person.id)).first().name == "Pia"  # type: ignore[union-attr]
        found = session.scalars(EVERYONE).first()
        assert found is not None
        with pytest.raises(NoAccess):
            _ = found.email
    with Session(plain) as session:
        session.bind_mapper(inspect(Customer), shop)
        with pytest.raises(NoAccess):
            session.execute(select(Customer.segment))


# -- install_all ------------------------------------------------------------------------------------------------------


def test_install_all_takes_engines_present_and_future_that_match(
    make_engine: Callable[..., Engine], made: Callable[..., Privacy]
) -> None:
    privacy = made()
    before, spared = make_engine(), make_engine(logging_name="spared")
    stop = privacy.install_all(match=lambda engine: engine.logging_name != "spared" and engine.url == before.url)
    try:
        world.fill(privacy, before)
        after = make_engine()
        copy = make_engine().execution_options(logging_token="copy")
        for engine in (before, after, copy):
            assert seen(engine) == set()
            with engine.connect() as connection, pytest.raises(NoAccess):
                connection.execute(text("SELECT segment FROM customers"))
        with spared.connect() as connection:
            assert connection.execute(text("SELECT segment FROM customers ORDER BY id")).first() == ("gold",)
    finally:
        stop()
    late = make_engine()
    with late.connect() as connection:
        assert connection.execute(text("SELECT segment FROM customers ORDER BY id")).first() == ("gold",)


async def test_install_all_takes_async_engines(
    make_async_engine: Callable[..., AsyncEngine], engine: Engine, made: Callable[..., Privacy]
) -> None:
    privacy = made()
    names = {"present", "future", "setup"}
    present = make_async_engine(logging_name="present")
    stop = privacy.install_all(match=lambda found: found.logging_name in names)
    try:
        privacy.install(engine)
        world.fill(privacy, engine)
        for async_engine in (present, make_async_engine(logging_name="future")):
            async with AsyncSession(async_engine) as session:
                with pytest.raises(NoAccess):
                    await session.execute(select(Customer.segment))
    finally:
        stop()


async def test_an_async_engine_is_installed_and_uninstalled_like_another(
    async_engine: AsyncEngine, engine: Engine, made: Callable[..., Privacy]
) -> None:
    privacy = made()
    before = traces(async_engine.sync_engine)
    privacy.install(async_engine)
    privacy.install(async_engine.sync_engine)
    privacy.install(engine)
    world.fill(privacy, engine)
    async with AsyncSession(async_engine) as session:
        with pytest.raises(NoAccess):
            await session.execute(select(Customer.segment))
    privacy.uninstall(async_engine)
    assert traces(async_engine.sync_engine) == before
    async with AsyncSession(async_engine) as session:
        assert (await session.scalars(select(Customer.segment))).all()


# -- tables that are not the mapped ones ------------------------------------------------------------------------------


def test_reflected_automapped_and_copied_tables_are_as_protected(shop: Engine, privacy: Privacy) -> None:
    reflected = Table("customers", MetaData(), autoload_with=shop)
    copied = Customer.__table__.to_metadata(MetaData())  # type: ignore[attr-defined]
    base: Any = automap_base()
    base.prepare(autoload_with=shop)
    mapped = base.classes.customers
    with shop.connect() as connection:
        for table in (reflected, copied, mapped):
            columns: Any = getattr(table, "c", table)
            for statement in (select(columns.segment), select(columns.id).where(columns.town == "x")):
                with pytest.raises(NoAccess):
                    connection.execute(statement)
            connection.execute(select(columns.id, columns.tier)).all()
    with Session(shop) as session:
        assert "segment" not in session.scalars(select(mapped)).first().__dict__
    base.registry.dispose()


def test_a_translated_schema_is_as_protected(shop: Engine, privacy: Privacy, backend: str) -> None:
    schema = "public" if backend == "postgresql" else "main"
    with shop.connect().execution_options(schema_translate_map={None: schema}) as connection:
        with pytest.raises(NoAccess):
            connection.execute(select(Customer.segment))
        with Session(connection) as session:
            assert "segment" not in session.scalars(EVERYONE).all()[0].__dict__
        with privacy.access("everything", role="clerk"):
            assert connection.scalars(select(Customer.segment).order_by(Customer.id)).first() == "gold"


def test_a_table_of_the_same_name_in_another_schema_counts_too(shop: Engine, backend: str) -> None:
    with shop.connect() as connection:
        if backend == "postgresql":
            connection.execute(text("CREATE SCHEMA crm"))
        else:
            connection.execute(text("CREATE TEMP TABLE crm_marker (id INTEGER)"))
        name = "crm.customers" if backend == "postgresql" else "temp.customers"
        connection.execute(text(f"CREATE TABLE {name} (id INTEGER, segment TEXT)"))
        with pytest.raises(AccessDenied):
            connection.execute(text(f"SELECT segment FROM {name}"))


def test_ddl_runs_except_where_it_reads_rows_or_keeps_a_query(shop: Engine, privacy: Privacy, backend: str) -> None:
    extra = Table("extra", MetaData(), Column("id", Integer, primary_key=True), Column("note", String(9), index=True))
    with shop.begin() as connection:
        extra.create(connection)
        connection.execute(text("ALTER TABLE extra ADD COLUMN more VARCHAR(9)"))
        connection.execute(text("ALTER TABLE customers ADD COLUMN shoe VARCHAR(9)"))
        connection.execute(text("CREATE INDEX by_tier ON customers (tier)"))
        connection.execute(text("DROP INDEX by_tier"))
        extra.drop(connection)
    refused = ["CREATE VIEW v AS SELECT segment FROM customers", "CREATE TABLE t AS SELECT segment FROM customers"]
    if backend == "postgresql":
        refused.append("CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT segment FROM customers LIMIT 1'")
    else:
        refused.append(
            "CREATE TRIGGER g AFTER UPDATE ON customers BEGIN INSERT INTO products (title) VALUES (NEW.segment); END"
        )
    with shop.connect() as connection:
        for sql in refused:
            for access in (privacy.access("shipping", role="warehouse"), privacy.access("everything", role="clerk")):
                with access, pytest.raises((AccessDenied, UnreadableStatement)):
                    connection.execute(text(sql))
                connection.rollback()


# -- columns that are told later --------------------------------------------------------------------------------------


def test_columns_of_the_policy_are_guarded_on_models_one_does_not_edit(
    engine: Engine, make_engine: Callable[..., Engine], made: Callable[..., Privacy]
) -> None:
    class Base(DeclarativeBase):
        """A registry of its own."""

    class Lead(Base):
        __tablename__ = "leads"
        id: Mapped[int] = mapped_column(primary_key=True)
        mail: Mapped[str]
        note: Mapped[str]

    policy = Policy(
        policy={"id": "columns", "version": "1"},
        categories={"email": {}, "name": {}},
        purposes={"work": {"use": ["email"]}},
        columns={"leads.mail": "email"},
    )
    Base.metadata.create_all(engine)
    with Session(make_engine()) as session:
        session.add(Lead(mail="ann@example.com", note="n"))
        session.commit()
    privacy = made(policy, metadata=Base)
    privacy.install(engine)
    statement = select(Lead.note)
    with Session(engine) as session:
        lead = session.scalars(select(Lead)).one()
        assert lead.note == "n"
        with pytest.raises(NoAccess):
            _ = lead.mail
        with privacy.access("work"):
            assert lead.mail == "ann@example.com"
        # Annotated after statements over it were compiled and an object was loaded.
        assert session.scalars(statement).all() == ["n"]
        privacy.annotate(Lead.note, category="name", encrypt=False)
        with pytest.raises(NoAccess):
            session.scalars(statement)
        session.rollback()
        session.expunge_all()
        again = session.scalars(select(Lead)).one()
        with pytest.raises(NoAccess):
            _ = again.note
        with session.connection().engine.connect() as connection, pytest.raises(NoAccess):
            connection.execute(text("SELECT note FROM leads"))


# -- other listeners, other processes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_listener_that_changes_the_statement_is_judged_by_what_is_really_sent(
    when: str, engine: Engine, made: Callable[..., Privacy]
) -> None:
    privacy = made()

    def change(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> Any:
        return statement.replace("customers.tier", "customers.segment"), parameters

    if when == "before":
        event.listen(engine, "before_cursor_execute", change, retval=True)
    privacy.install(engine)
    world.fill(privacy, engine)
    if when == "after":
        event.listen(engine, "before_cursor_execute", change, retval=True)
    with engine.connect() as connection:
        with pytest.raises(NoAccess):
            connection.execute(select(Customer.tier))
        with privacy.access("campaigns", role="marketing"):
            assert "gold" in connection.scalars(select(Customer.tier)).all()


@pytest.mark.backends("sqlite")
def test_a_forked_child_writes_a_segment_of_its_own(shop: Engine, privacy: Privacy, log: AccessLog) -> None:
    before = {event.writer for event in log.events()}
    shop.dispose()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with privacy.access("everything", role="clerk"), shop.connect() as connection:
                code = 0 if len(connection.scalars(select(Customer.segment)).all()) == 3 else 2
            log.close()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert seen(shop) == set()
    assert len({event.writer for event in log.events()} - before) == 1
    assert log.verify().ok


@pytest.mark.parametrize("walls", [False, True], ids=["gate alone", "with walls"])
def test_engines_that_are_dropped_are_not_kept_alive(
    database: Database, made: Callable[..., Privacy], walls: bool
) -> None:
    """An application may make one for each tenant, and hundreds in a test run."""
    privacy = made()
    stop = privacy.install_all(lambda engine: engine.get_execution_options().get("tenant") is True, walls=walls)

    def tenant() -> weakref.ref[Engine]:
        engine = create_engine(database.url, execution_options={"tenant": True})
        engine.execution_options(logging_token="copy").connect().close()
        assert "engines=0" not in repr(privacy)
        engine.dispose()
        for listener in privacy._scopes._listeners:
            listener(None, None)
        return weakref.ref(engine)

    dropped = [tenant(), tenant(), tenant()]
    gc.collect()
    gc.collect()  # what went with the engines
    stop()
    assert [one() for one in dropped] == [None, None, None]
    assert "engines=0" in repr(privacy)
    assert len(privacy._scopes._listeners) == 1


@pytest.mark.parametrize("said", [{"mode": "observe"}, {"observe": ["orders"]}])
def test_a_wall_that_cannot_be_put_up_leaves_no_gate_behind(
    said: dict[str, Any], engine: Engine, made: Callable[..., Privacy]
) -> None:
    before = traces(engine)
    observing = made(**said)
    with pytest.raises(PolicyError, match="a wall cannot observe"):
        observing.install(engine, walls=True)
    assert traces(engine) == before
    with pytest.raises(PolicyError, match="not installed"):
        observing.check(engine)
    another = made()
    another.install(engine)
    another.check(engine)


def test_a_gate_that_stood_before_a_wall_failed_stays(engine: Engine, made: Callable[..., Privacy]) -> None:
    observing = made(mode="observe")
    observing.install(engine)
    with pytest.raises(PolicyError, match="a wall cannot observe"):
        observing.install(engine, walls=True)
    observing.check(engine)
