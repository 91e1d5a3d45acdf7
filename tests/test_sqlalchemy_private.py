"""What `columns/`, `gate/` and `customers/` use of SQLAlchemy without its promise. A release that changes it has to fail here.

`tests/footprint/test_sqlalchemy_private.py` does the same for `footprint/`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, MutableMapping
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from sqlalchemy import (
    Column,
    Engine,
    ForeignKey,
    String,
    Table,
    bindparam,
    column,
    create_engine,
    delete,
    event,
    exists,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine.interfaces import ExecuteStyle
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import (
    ColumnProperty,
    DeclarativeBase,
    InstanceState,
    Mapped,
    MappedAsDataclass,
    Mapper,
    Session,
    aliased,
    mapped_column,
    registry,
    relationship,
)
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.types import UserDefinedType

from sa_privacy import pii_column
from sa_privacy.columns import sqlalchemy_private as columns_private
from sa_privacy.columns.lookup_key import LookupKey
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.customers import sqlalchemy_private as customers_private
from sa_privacy.gate import sqlalchemy_private as gate_private
from sa_privacy.gate.statements.compiling import unwatch_compiler, watch_compiler

WATCHED_HERE = {
    "DEFER_FOR_STATE",
    "InstanceKey",
    "RowLogger",
    "ScannedColumn",
    "all_mappers",
    "asked_to_return",
    "by_lookup",
    "choose_eager_defaults",
    "copies_of",
    "default_compiled_cache",
    "defer_for_state",
    "expanded_binds",
    "forget_compiled",
    "forget_eager_defaults",
    "hide_rows",
    "in_greenlet",
    "info_of_connection",
    "is_flush",
    "is_moved",
    "is_multivalues_batch",
    "limit_selects",
    "listeners_come_and_go",
    "listeners_of",
    "keep_out_of_repr_and_eq",
    "notes_of_result",
    "pairs_of_relationship",
    "room_of_compiled_cache",
    "root_engine",
    "route_flushes",
    "seen_alone",
    "set_default_compiled_cache",
    "show_rows",
    "stand_for",
    "structure_of",
    "unroute_flushes",
    "unwrap_expired_loader",
    "with_conditions",
    "rows_of_batches",
    "savepoint_in_force",
    "with_schemas",
    "wrap_expired_loader",
}


Noted = Annotated[str, mapped_column(info={"x": 2})]


class Base(DeclarativeBase):
    """Tables with names of their own: a Privacy of another test guards every table that has the name of one of its."""


class Person(Base):
    __tablename__ = "private_people"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(20))
    town: Mapped[str | None] = mapped_column(String(20))


class Customer(Person):
    __tablename__ = "private_customers"
    __mapper_args__ = {"polymorphic_identity": "customer"}
    id: Mapped[int] = mapped_column(ForeignKey("private_people.id"), primary_key=True)
    tier: Mapped[str | None] = mapped_column(String(20))


@pytest.fixture
def people(engine: Engine) -> Engine:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Person(name="ann", town="Oslo"), Customer(name="bob", town="Bergen", tier="gold")])
        session.commit()
    return engine


def test_every_private_touch_of_both_rooms_is_watched_here() -> None:
    assert {*columns_private.__all__, *gate_private.__all__, *customers_private.__all__} == WATCHED_HERE


# -- columns/ ---------------------------------------------------------------------------------------------------------


def test_all_mappers_finds_every_class_and_passes_over_one_that_could_not_be_mapped() -> None:
    class Elsewhere:
        pass

    other = registry()
    mapper = other.map_imperatively(Elsewhere, Base.metadata.tables["private_people"].to_metadata(other.metadata))

    class Failing(DeclarativeBase):
        pass

    with pytest.raises(Exception, match="primary key"):

        class NoKey(Failing):
            __tablename__ = "nothing"
            name: Mapped[str]

    found = set(columns_private.all_mappers())
    assert {Person.__mapper__, Customer.__mapper__, mapper} <= found
    assert all(isinstance(one, Mapper) for one in found)


def test_a_mapper_keeps_compiled_statements_where_forget_compiled_drops_them(people: Engine) -> None:
    mapper = Person.__mapper__
    assert len(mapper._compiled_cache) > 0  # the INSERTs of the fixture
    kept = mapper._compiled_cache
    columns_private.forget_compiled(mapper.tables)
    assert mapper._compiled_cache is not kept
    assert len(mapper._compiled_cache) == 0
    with Session(people) as session:
        session.add(Person(name="again"))
        session.commit()
    assert len(mapper._compiled_cache) == 1


def test_a_scanned_column_is_told_what_was_merged_into_it_and_what_was_put_in_its_place() -> None:
    told: list[tuple[bool, bool, str | None]] = []

    class Told(columns_private.ScannedColumn):
        __slots__ = ()

        def scanned(self, given: Any, info: dict[Any, Any]) -> None:
            told.append((self.column is given, self.column.info == info, self.column.name))

    def made(**said: Any) -> Any:
        column: Any = mapped_column(String(20), nullable=True, **said)
        column.__class__ = Told
        return column

    class Models(DeclarativeBase):
        pass

    class Mixin:
        town: Mapped[str | None] = made(info={"x": 1})

    class Parent(Mixin, Models):
        __tablename__ = "parents"
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "parent"}
        kind: Mapped[str] = mapped_column(primary_key=True)
        name: Mapped[Noted] = made(info={"x": 1})

    assert sorted(told) == [(True, False, "name"), (True, True, "town")]
    told.clear()

    class Child(Parent):
        __mapper_args__ = {"polymorphic_identity": "child"}
        name: Mapped[str] = made(use_existing_column=True)

    assert told == [(False, False, "name")]


def test_dataclass_options_of_a_column_can_be_replaced() -> None:
    column: Any = mapped_column(String(20))
    columns_private.keep_out_of_repr_and_eq(column, repr_=True, compare=True)
    other: Any = mapped_column(String(20))
    columns_private.keep_out_of_repr_and_eq(other, repr_=False, compare=False)

    class Models(MappedAsDataclass, DeclarativeBase):
        pass

    class Inquiry(Models):
        __tablename__ = "inquiries"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = column
        phone: Mapped[str] = other

    assert repr(Inquiry(1, "ann", "5")).endswith("Inquiry(id=1, phone='5')")
    assert Inquiry(1, "ann", "5") == Inquiry(1, "bob", "5")
    assert Inquiry(1, "ann", "5") != Inquiry(1, "ann", "6")


def test_a_comparison_can_stand_for_that_of_two_other_things() -> None:
    """Columns in a set are the same where their comparison is true, also if it compares something else in SQL."""
    one, other = column("a", String), column("b", String)
    compared = columns_private.stand_for(func.f(one) == func.f(other), one, other)

    assert not compared
    assert columns_private.stand_for(func.f(one) == func.f(one), one, one)
    assert str(compared) == "f(a) = f(b)"


def test_the_cache_key_of_a_type_is_asked_of_static_cache_key() -> None:
    """`Encrypted` gives its own: else two fields share one compiled statement."""
    table = Base.metadata.tables["private_people"]
    keys = []
    for field in ("a", "b"):
        sealed = Encrypted(category="name", field=field)
        expression = select(table.c.name.cast(sealed))
        keys.append(expression._generate_cache_key())
        assert keys[-1] is not None
        assert sealed._static_cache_key in _flat(keys[-1].key)
    assert keys[0] != keys[1]


def _flat(key: Any) -> list[Any]:
    return [key, *(inner for part in key for inner in _flat(part))] if isinstance(key, tuple) else [key]


# -- gate/: the ORM ---------------------------------------------------------------------------------------------------


def test_a_property_marked_to_be_deferred_stays_out_of_the_select_and_loads_by_itself(people: Engine) -> None:
    prop: Any = Person.__mapper__.column_attrs["town"]
    plain = type(prop)

    class Leaving(plain):  # type: ignore[misc, valid-type]
        __slots__ = ()
        inherit_cache = True

        def setup(self, context: Any, query_entity: Any, path: Any, adapter: Any, **kwargs: Any) -> None:
            if not kwargs.get("only_load_props"):
                kwargs["memoized_populators"][self] = gate_private.DEFER_FOR_STATE
            else:
                super().setup(context, query_entity, path, adapter, **kwargs)

    prop.__class__ = Leaving
    try:
        for statement in (select(Person), select(aliased(Person))):
            ran: list[str] = []
            people.clear_compiled_cache()
            with Session(people) as session:
                event.listen(people, "before_cursor_execute", lambda *seen, ran=ran: ran.append(seen[2]))
                ann = session.scalars(statement.where(text("name = 'ann'"))).one()
                assert "town" not in ran[-1]
                assert "name" in ran[-1]
                assert "town" not in ann.__dict__
                assert ann.town == "Oslo"
                assert "town" in ran[-1]
                assert len(ran) == 2
    finally:
        prop.__class__ = plain
        people.clear_compiled_cache()
    assert isinstance(prop, ColumnProperty)


def test_an_instance_keeps_its_state_under_the_known_name_and_the_state_takes_attributes(people: Engine) -> None:
    with Session(people) as session:
        ann = session.scalars(select(Person).where(Person.name == "ann")).one()
        state = ann.__dict__[gate_private.InstanceKey]
        assert isinstance(state, InstanceState)
        state.__dict__["watched_here"] = "mark"
        session.expire(ann)
        assert ann.name == "ann"
        session.refresh(ann)
        session.expunge(ann)
        assert ann.__dict__[gate_private.InstanceKey] is state
        assert state.__dict__["watched_here"] == "mark"


def test_a_mapped_attribute_can_be_given_a_class_with_the_same_layout(people: Engine) -> None:
    attribute: Any = Person.name
    plain = type(attribute)
    asked: list[str] = []

    class Asking(plain):  # type: ignore[misc, valid-type]
        __slots__ = ()
        inherit_cache = True

        def __get__(self, instance: Any, owner: Any) -> Any:
            if instance is not None:
                asked.append(self.key)
            return super().__get__(instance, owner)

    attribute.__class__ = Asking
    try:
        with Session(people) as session:
            ann = session.scalars(select(Person).where(Person.name == "ann")).one()
            assert ann.name == "ann"
            ann.name = "anna"
            session.flush()
            assert session.scalars(select(Person.name).order_by(Person.id)).all()[0] == "anna"
            session.rollback()
        assert asked == ["name"]
    finally:
        attribute.__class__ = plain


def test_expired_attributes_of_a_class_are_loaded_by_its_managers_loader(people: Engine) -> None:
    asked: list[frozenset[str]] = []

    def wrap(plain: Callable[..., None]) -> Callable[..., None]:
        def load(state: Any, keys: Any, *rest: Any, **more: Any) -> None:
            asked.append(frozenset(keys))
            plain(state, keys, *rest, **more)

        return load

    manager = Customer.__mapper__.class_manager
    plain = manager.expired_attribute_loader
    try:
        for _ in range(2):  # the second time changes nothing
            gate_private.wrap_expired_loader(Customer.__mapper__, wrap)
        with Session(people) as session:
            bob = session.scalars(select(Customer)).one()
            session.expire(bob, ["tier"])
            assert bob.tier == "gold"
        assert asked == [frozenset({"tier"})]
        gate_private.unwrap_expired_loader(Customer.__mapper__)
        gate_private.unwrap_expired_loader(Customer.__mapper__)
        assert not hasattr(manager.expired_attribute_loader, "sa_privacy_plain")
    finally:
        manager.expired_attribute_loader = plain


def test_one_attribute_of_one_object_can_be_made_to_load_by_itself(people: Engine) -> None:
    with Session(people) as session:
        ann, bob = session.scalars(select(Person).order_by(Person.id))
        state = ann.__dict__[gate_private.InstanceKey]
        ann.__dict__.pop("town")
        gate_private.defer_for_state(Person.__mapper__, "town", state)
        assert "town" not in ann.__dict__
        assert "town" in bob.__dict__
        assert ann.town == "Oslo"
        assert ann not in session.dirty


def test_what_eager_defaults_fetch_after_a_flush_is_asked_of_the_mapper_each_time(engine: Engine) -> None:
    class Own(DeclarativeBase):
        pass

    class Visit(Own):
        __tablename__ = "private_visits"
        __mapper_args__ = {"eager_defaults": True}
        __table_args__ = {"implicit_returning": False}
        id: Mapped[int] = mapped_column(primary_key=True)
        one: Mapped[str] = mapped_column(String(10), server_default="1")
        two: Mapped[str] = mapped_column(String(10), server_default="2")

    Own.metadata.create_all(engine)
    Own.registry.configure()
    wanted = {"two"}
    choices = (lambda keys: keys & wanted), (lambda keys: keys)
    for choice in choices:
        gate_private.choose_eager_defaults(Visit.__mapper__, choice)
    with Session(engine) as session:
        for expected in ({"two"}, {"one", "two"}, set()):
            wanted.clear()
            wanted.update(expected)
            visit = Visit()
            session.add(visit)
            session.flush()
            assert {"one", "two"} & set(visit.__dict__) == expected
            assert (visit.one, visit.two) == ("1", "2")
        for choice in choices:
            gate_private.forget_eager_defaults(Visit.__mapper__, choice)
        session.add(last := Visit())
        session.flush()
        assert {"one", "two"} <= set(last.__dict__)


def test_a_statement_tells_what_it_was_itself_asked_to_return() -> None:
    statement = insert(Person).return_defaults(Person.__table__.c.id, supplemental_cols=[Person.__table__.c.name])
    assert gate_private.asked_to_return(statement) == {Person.__table__.c.name}
    assert gate_private.asked_to_return(insert(Person)) == frozenset()


def test_on_conflict_names_its_target_where_lookups_are_put_in() -> None:
    class Base(DeclarativeBase):
        pass

    class Found(Base):
        __tablename__ = "private_found"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = pii_column(category="name", lookup="exact")

    seen: list[tuple[Any, Any]] = []

    class Compiler(SQLiteCompiler):
        def visit_on_conflict_do_nothing(self, on_conflict: Any, **kwargs: Any) -> str:
            seen.append((on_conflict, gate_private.by_lookup(self, on_conflict)))
            return str(super().visit_on_conflict_do_nothing(on_conflict, **kwargs))  # type: ignore[no-untyped-call]

    dialect = sqlite.dialect()
    dialect.statement_compiler = Compiler
    offered = sqlite.insert(Found).values(id=1, name="x")
    for target in (["name", "id"], [Found.name, Found.id], None):
        str(offered.on_conflict_do_nothing(index_elements=target).compile(dialect=dialect))

    (one, by_name), (two, by_attribute), (three, without) = seen
    assert [type(each) for each in by_name.inferred_target_elements] == [LookupKey, str]
    assert type(by_attribute.inferred_target_elements[0]) is LookupKey
    assert one.inferred_target_elements == ["name", "id"]
    assert two is not by_attribute
    assert three is without


# -- gate/: the engine ------------------------------------------------------------------------------------------------


def test_an_engine_compiles_with_the_statement_compiler_of_its_dialect(people: Engine) -> None:
    """And announces itself from beginning to end, so that attributes know which engine asks."""
    plain = people.dialect.statement_compiler
    asked: list[str] = []

    def view() -> Any:
        asked.append("view")
        return SimpleNamespace(uncovered=frozenset())

    people.clear_compiled_cache()
    watch_compiler(people.dialect, view, owner="nobody")
    try:
        with people.connect() as connection:
            connection.execute(select(Person.id))
            assert len(asked) == 1
            connection.execute(select(Person.id))
            assert len(asked) == 1  # cached
        with Session(people) as session:
            session.scalars(select(Person)).all()
            assert len(asked) == 2
        str(select(Person).compile(people))
        assert len(asked) == 3
    finally:
        unwatch_compiler(people.dialect)
    assert people.dialect.statement_compiler is plain
    assert issubclass(create_engine("sqlite://").dialect.statement_compiler, SQLiteCompiler)


class Recording(MutableMapping[Any, Any]):
    def __init__(self) -> None:
        self.kept: dict[Any, Any] = {}
        self.asked = 0

    def get(self, key: Any, default: Any = None) -> Any:
        self.asked += 1
        return self.kept.get(key, default)

    def __getitem__(self, key: Any) -> Any:
        return self.kept[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.kept[key] = value

    def __delitem__(self, key: Any) -> None:
        del self.kept[key]

    def __iter__(self) -> Any:
        return iter(self.kept)

    def __len__(self) -> int:
        return len(self.kept)


def test_an_engines_compiled_cache_option_serves_core_and_orm(people: Engine) -> None:
    cache, default = Recording(), gate_private.default_compiled_cache(people)
    before = len(default)
    people.update_execution_options(compiled_cache=cache)
    with people.connect() as connection:
        connection.execute(select(Person.id))
        assert len(cache) == 1
    with Session(people) as session:
        session.scalars(select(Person)).all()
    assert len(cache) == 2
    assert cache.asked == 2
    assert all(hasattr(compiled, "__dict__") for compiled in cache.kept.values())
    assert len(default) == before
    people.update_execution_options(compiled_cache=default)
    with people.connect() as connection:
        connection.execute(select(Person.kind))
    assert len(cache) == 2
    assert len(default) == before + 1


def test_a_compiled_cache_has_the_room_that_the_engine_was_given() -> None:
    assert gate_private.room_of_compiled_cache(create_engine("sqlite://")) == 500
    assert gate_private.room_of_compiled_cache(create_engine("sqlite://", query_cache_size=7)) == 7
    assert gate_private.room_of_compiled_cache(create_engine("sqlite://", query_cache_size=0)) == 500


def test_the_default_cache_is_the_one_an_engine_uses_without_an_option() -> None:
    engine = create_engine("sqlite://")
    assert len(gate_private.default_compiled_cache(engine)) == 0
    with engine.connect() as connection:
        connection.execute(select(1))
    assert len(gate_private.default_compiled_cache(engine)) == 1


def test_the_default_compile_cache_can_be_changed_under_an_open_connection(engine: Engine) -> None:
    cache: dict[Any, Any] = {}
    with engine.connect() as connection:
        gate_private.set_default_compiled_cache(engine, cache)
        connection.execute(select(1))
        assert len(cache) == 1
        assert gate_private.default_compiled_cache(engine.execution_options(logging_token="copy")) is cache


def test_a_copy_of_an_engine_knows_what_it_was_made_of(engine: Engine) -> None:
    copy = engine.execution_options(logging_token="one").execution_options(logging_token="two")
    assert copy is not engine
    assert gate_private.root_engine(copy) is engine
    assert gate_private.root_engine(engine) is engine
    assert copy in gate_private.copies_of(engine)
    assert engine not in gate_private.copies_of(engine)


def test_a_copy_is_told_by_the_references_to_the_listeners_of_its_engine(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def searched(*_: object) -> list[object]:
        raise AssertionError("searched")

    monkeypatch.setattr("sa_privacy.gate.sqlalchemy_private.gc.get_referrers", searched)
    assert gate_private.copies_of(create_engine(engine.url)) == []
    grandchild = engine.execution_options(logging_token="one").execution_options(logging_token="two")
    with pytest.raises(AssertionError, match="searched"):
        gate_private.copies_of(engine)
    assert gate_private.root_engine(grandchild) is engine


def test_the_last_events_before_the_driver_are_given_the_context(people: Engine) -> None:
    seen: list[tuple[str, str, Any]] = []

    def do_execute(cursor: Any, statement: str, parameters: Any, context: Any) -> None:
        seen.append(("one", statement, context))

    def do_executemany(cursor: Any, statement: str, parameters: Any, context: Any) -> None:
        seen.append(("many", statement, context))

    def do_execute_no_params(cursor: Any, statement: str, context: Any) -> None:
        seen.append(("none", statement, context))

    for name, listener in (
        ("do_execute", do_execute),
        ("do_executemany", do_executemany),
        ("do_execute_no_params", do_execute_no_params),
    ):
        event.listen(people, name, listener)
    statement = select(Person.id).where(Person.name == "ann")
    with people.connect() as connection:
        for _ in range(2):
            connection.execute(statement)
        connection.execute(insert(Person), [{"kind": "person", "name": f"n{number}"} for number in range(3)])
        connection.exec_driver_sql("SELECT 1", execution_options={"no_parameters": True})
        connection.exec_driver_sql("SELECT 2")
        connection.rollback()
    assert [kind for kind, *_ in seen] == ["one", "one", "many", "none", "one"]
    first, second, many, none, driver = (context for *_, context in seen)
    assert first.compiled is second.compiled  # one object for all executions of a cached statement
    assert first.compiled.statement is statement
    assert first.statement == seen[0][1]
    assert first.compiled_parameters == [{"name_1": "ann"}]
    assert many.compiled is not None
    assert len(many.compiled_parameters) == 3
    assert none.compiled is None
    assert driver.compiled is None
    assert driver.statement == "SELECT 2"
    assert not first.isddl


def test_what_the_last_event_raises_reaches_the_caller_as_it_is(people: Engine) -> None:
    class Refused(Exception):
        pass

    def refuse(*seen: Any) -> None:
        raise Refused(len(seen))

    event.listen(people, "do_execute", refuse)
    with people.connect() as connection, pytest.raises(Refused):
        connection.execute(select(Person.id))
    with Session(people) as session:
        session.add(Person(name="x"))
        with pytest.raises(Refused):
            session.flush()


def test_batches_of_inserts_are_told_by_their_execute_style(people: Engine) -> None:
    styles: list[bool] = []

    @event.listens_for(people, "do_execute")
    def do_execute(cursor: Any, statement: str, parameters: Any, context: Any) -> None:
        styles.append(gate_private.is_multivalues_batch(context))

    with Session(people) as session:
        session.scalars(insert(Person).returning(Person.id), [{"kind": "person", "name": n} for n in "abc"]).all()
        session.scalars(select(Person.id)).all()
    assert styles == [True, False]
    assert {style.name for style in ExecuteStyle} == {"EXECUTE", "EXECUTEMANY", "INSERTMANYVALUES"}


def test_a_schema_that_is_mapped_is_moved() -> None:
    engine = create_engine("sqlite://")
    seen: list[list[bool]] = []
    names = (None, "a", "b")

    def look(_cursor: Any, _sql: Any, _parameters: Any, context: Any) -> None:
        seen.append([gate_private.is_moved(context, name) for name in names])

    event.listen(engine, "do_execute", look)
    with engine.connect() as connection:
        connection.execute(select(1))
        for moved in ({None: "main"}, {"a": "b", "b": "b"}):
            connection.execution_options(schema_translate_map=moved).execute(select(1))
    assert seen == [[False, False, False], [True, False, False], [False, True, False]]


def test_the_text_with_its_schemas_is_the_one_that_is_sent(people: Engine, backend: str) -> None:
    schema = "public" if backend == "postgresql" else "main"
    seen: list[tuple[str, str]] = []

    @event.listens_for(people, "do_execute")
    def do_execute(cursor: Any, statement: str, parameters: Any, context: Any) -> None:
        if context.compiled is not None:
            seen.append((gate_private.with_schemas(context), statement))

    with people.connect() as connection:
        translated = connection.execution_options(schema_translate_map={None: schema})
        translated.execute(select(Person.name).where(Person.id == 1))
        translated.execute(select(Person.name).where(Person.id.in_([1, 2])))
    (whole, sent), (unexpanded, listed) = seen
    assert whole == sent
    assert f"{schema}.private_people" in unexpanded
    assert "POSTCOMPILE" in unexpanded
    assert "POSTCOMPILE" not in listed
    with people.connect() as connection:
        connection.execute(select(Person.name).where(Person.id == 1))
    assert seen[-1][0] == seen[-1][1]


def test_a_context_keeps_what_batches_returned_and_what_lists_became(people: Engine) -> None:
    kept: list[Any] = []

    @event.listens_for(people, "after_cursor_execute")
    def look(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        kept.append(context)

    rows = [{"kind": "person", "name": "a"}, {"kind": "person", "name": "b"}]
    with people.begin() as connection:
        given = connection.execute(insert(Person).returning(Person.name), rows).all()
        assert [row[0] for row in gate_private.rows_of_batches(kept[-1]) or ()] == [row.name for row in given]
        assert gate_private.expanded_binds(kept[-1]) == {}
        connection.execute(insert(Person), rows)
        assert gate_private.rows_of_batches(kept[-1]) is None
        connection.execute(select(Person.name).where(Person.id.in_([7, 8])))
        [items] = gate_private.expanded_binds(kept[-1]).values()
        [values] = kept[-1].compiled_parameters
        assert [values[item] for item in items] == [7, 8]
    event.remove(people, "after_cursor_execute", look)


def test_a_fetch_strategy_can_be_wrapped_after_execution_before_anyone_saw_a_row(people: Engine) -> None:
    fetched: list[int] = []

    class Counting:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def fetchall(self, result: Any, cursor: Any) -> Any:
            rows = self.inner.fetchall(result, cursor)
            fetched.append(len(rows))
            return rows

    def after(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        if cursor.description is not None:
            context.cursor_fetch_strategy = Counting(context.cursor_fetch_strategy)

    event.listen(people, "after_cursor_execute", after)
    with Session(people) as session:
        assert len(session.scalars(select(Person)).all()) == 2
        assert session.execute(text("SELECT name FROM private_people")).all()[0].name
    assert fetched[0] == 2
    assert fetched[-1] == 2


def test_rows_are_logged_by_debug_under_the_word_row_until_they_are_hidden(
    people: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """`echo="debug"` prints rows through `Engine.logger`, and assigning `echo` makes a new one."""
    caplog.set_level(logging.DEBUG, logger="sqlalchemy.engine")

    def said() -> list[str]:
        caplog.clear()
        with people.connect() as connection:
            assert connection.execute(select(Person.name)).all()
        return [record.getMessage() for record in caplog.records]

    plain = type(people)
    try:
        people.echo = "debug"
        assert any(message.startswith("Row ") and "ann" in message for message in said())
        gate_private.hide_rows(people)
        assert isinstance(people, plain)
        for echo in ("debug", False, "debug"):
            messages = said()
            assert any(message.startswith("SELECT private_people.name") for message in messages)
            assert any(message.startswith("Row (hidden") for message in messages)
            assert not any("ann" in message for message in messages)
            people.echo = echo
        gate_private.hide_rows(people)
        gate_private.show_rows(people)
        assert type(people) is plain
        assert any("ann" in message for message in said())
    finally:
        people.echo = False


async def test_in_greenlet_says_whether_awaiting_is_possible(async_engine: AsyncEngine) -> None:
    assert gate_private.in_greenlet() is False
    async with AsyncSession(async_engine) as session:
        assert await session.run_sync(lambda inner: gate_private.in_greenlet()) is True  # noqa: ARG005
    assert gate_private.in_greenlet() is False


def test_no_greenlet_is_needed_where_nothing_is_asynchronous() -> None:
    assert gate_private.in_greenlet() is False


# -- who is asked before the driver -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["do_execute", "do_executemany", "do_execute_no_params"])
def test_listeners_are_told_in_the_order_in_which_they_are_asked(name: str, engine: Engine) -> None:
    asked: list[str] = []

    def first(*_: Any) -> None:
        asked.append("first")

    def second(*_: Any) -> bool:
        asked.append("second")
        return False

    def of_all(*_: Any) -> None:
        asked.append("of all")

    assert gate_private.listeners_of(engine.dialect, name) == []
    event.listen(engine, name, first)
    event.listen(engine, name, second)
    event.listen(Engine, name, of_all)
    try:
        told = gate_private.listeners_of(engine.dialect, name)
        assert told == [of_all, first, second]
        with engine.connect() as connection:
            if name == "do_executemany":
                connection.execute(text("CREATE TABLE ones (one INTEGER)"))
                asked.clear()
                connection.execute(text("DELETE FROM ones WHERE one = :one"), [{"one": 1}, {"one": 2}])
            elif name == "do_execute":
                asked.clear()
                connection.execute(text("SELECT 1 WHERE 1 = :one"), {"one": 1})
            else:
                asked.clear()
                connection.execution_options(no_parameters=True).exec_driver_sql("SELECT 1")
        assert asked == ["of all", "first", "second"]
    finally:
        event.remove(Engine, name, of_all)


@pytest.mark.backends("sqlite")
def test_listeners_of_a_class_may_change_while_they_are_asked(people: Engine) -> None:
    asked: list[str] = []

    def second(*_: object) -> None:
        asked.append("second")

    def first(*_: object) -> None:
        asked.append("first")
        with gate_private.listeners_come_and_go(inspect(Person), ["load", "before_insert"]):
            if event.contains(Person, "load", second):
                event.remove(Person, "load", second)
            else:
                event.listen(Person, "load", second)

    event.listen(Person, "load", first)
    try:
        for expected in (["first"], ["first", "second"], ["first"]):
            asked.clear()
            with Session(people) as session:
                session.scalars(select(Person).where(Person.name == "ann")).one()
            assert asked == expected
    finally:
        for listener in (first, second):
            if event.contains(Person, "load", listener):
                event.remove(Person, "load", listener)


def test_one_that_answers_is_the_last_that_is_asked(engine: Engine) -> None:
    asked: list[str] = []

    def answering(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        asked.append("answering")
        cursor.execute(statement, parameters)
        return True

    event.listen(engine, "do_execute", answering)
    event.listen(engine, "do_execute", lambda *_: asked.append("after"), insert=True)
    with engine.connect() as connection:
        asked.clear()
        connection.execute(text("SELECT 1")).all()
    assert asked == ["answering"], "insert=True is not heeded for these events"


# -- row rules --------------------------------------------------------------------------------------------------------


class _Ruling:
    """Limits every SELECT from `private_people` to its first row."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def select(self, statement: Any, froms: list[Any]) -> tuple[Any, list[Any]]:
        self.seen += froms
        people = [one for one in froms if "private_people" in one.name]
        return statement.where(*(one.c.id == 1 for one in people)), froms


class _RulingCompiler(SQLiteCompiler):
    sa_privacy_ruling: Any = None

    def __init__(self, *args: Any, ruling: Any = None, **kwargs: Any) -> None:
        self.sa_privacy_ruling = ruling
        super().__init__(*args, **kwargs)


gate_private.limit_selects(_RulingCompiler)


def _ruled(statement: Any, ruling: Any) -> str:
    dialect = sqlite.dialect()
    dialect.statement_compiler = _RulingCompiler
    return str(_RulingCompiler(dialect, statement, ruling=ruling))


def test_every_select_that_is_rendered_can_be_limited(people: Engine) -> None:
    table: Any = Person.__table__
    inner = select(table.c.id).where(table.c.town == "Oslo")
    for statement, times in (
        (select(table.c.name), 1),
        (select(Person), 1),
        (select(column("x")).where(exists(inner)), 1),
        (select(inner.subquery().c.id), 1),
        (select(inner.cte().c.id), 1),
        (inner.union_all(select(table.c.id)), 2),
        (insert(table).from_select(["name"], select(table.c.name)), 1),
        (update(table).values(town="x").where(table.c.id.in_(select(aliased(Person).id))), 1),
    ):
        ruling = _Ruling()
        assert _ruled(statement, ruling).count("id = ?") == times, str(statement)
        assert len(ruling.seen) >= times  # subqueries stand in a FROM, too
        assert "id = ?" not in _ruled(statement, None)


def test_conditions_stand_beside_what_was_asked_not_within() -> None:
    people: Any = Person.__table__
    one = people.c.id == 1
    for statement in (select(people.c.id), update(people).values(town="x"), delete(people)):
        asked = statement.where(text("town = 'x' OR 1 = 1")).where(people.c.name == "ann")
        limited = str(gate_private.with_conditions(asked, [one]).compile(dialect=sqlite.dialect()))
        assert limited.endswith("WHERE (town = 'x' OR 1 = 1 AND private_people.name = ?) AND private_people.id = ?")
        alone = str(gate_private.with_conditions(statement, [one]).compile(dialect=sqlite.dialect()))
        assert alone.endswith("WHERE private_people.id = ?")
        assert "private_people.id = ?" not in str(asked.compile(dialect=sqlite.dialect()))


def test_a_subquery_can_be_compiled_as_if_it_stood_alone() -> None:
    people = Person.__table__
    other = people.alias("p")

    class Alone(_RulingCompiler):
        def visit_grouping(self, grouping: Any, asfrom: Any = False, **kwargs: Any) -> str:
            with gate_private.seen_alone(self, other):
                return str(self.process(grouping.element, **kwargs))

    dialect = sqlite.dialect()
    asked = select(people.c.name).where(people.c.id == other.c.id).scalar_subquery()
    statement = select(other.c.id, people.c.id).where(Grouping(asked.is_not(None)))
    within = str(Alone(dialect, statement))
    assert "SELECT private_people.name" in within
    assert within.count("FROM private_people \nWHERE private_people.id = p.id") == 1
    with pytest.raises(InvalidRequestError, match="auto-correlation"):
        str(SQLiteCompiler(dialect, statement))


def test_the_structure_of_a_condition_is_equal_whatever_its_values() -> None:
    people = Person.__table__.alias("p")

    def made(town: str, ids: list[int]) -> Any:
        asked = select(Customer.__table__.c.id).where(Customer.__table__.c.tier == town)
        return (people.c.town == town) & people.c.id.in_(ids) & people.c.id.in_(asked)

    one, values = gate_private.structure_of(made("Oslo", [1, 2]))
    other, others = gate_private.structure_of(made("Bergen", []))
    assert one == other
    assert [bind.effective_value for bind in values] == ["Oslo", [1, 2], "Oslo"]
    assert [bind.effective_value for bind in others] == ["Bergen", [], "Bergen"]
    assert gate_private.structure_of(people.c.town == "x")[0] != one

    class Uncached(UserDefinedType[Any]):
        cache_ok = False

    unlike, found = gate_private.structure_of(people.c.town == bindparam("x", "y", Uncached()))
    assert unlike != gate_private.structure_of(people.c.town == bindparam("x", "y", Uncached()))[0]
    assert [bind.value for bind in found] == ["y"]


def test_what_a_flush_has_compiled_is_kept_apart_for_each_set_of_rules(people: Engine) -> None:
    limits: list[Any] = [None]
    owner = SimpleNamespace(limits=lambda: limits[0])
    nothing: Any = SimpleNamespace(uncovered=frozenset(), personal=lambda _: ())
    watch_compiler(people.dialect, lambda: nothing, owner)
    mapper: Any = Person.__mapper__
    gate_private.route_flushes(Customer.__mapper__)
    seen: list[tuple[int, bool]] = []
    event.listen(
        people,
        "before_cursor_execute",
        lambda *said: seen.append((id(said[4].compiled), gate_private.is_flush(said[4]))) if said[4].isupdate else None,
    )
    try:
        for number, rules in enumerate([None, None, "a", "b", "a"]):
            limits[0] = None if rules is None else SimpleNamespace(catalogue=1, structure=rules)
            with Session(people) as session:
                session.get_one(Person, 1).town = f"town {number}"
                session.commit()
        assert all(flush for _, flush in seen)
        assert len({compiled for compiled, _ in seen}) == 3
        assert seen[0] == seen[1]
        assert seen[2] == seen[4]
        with people.begin() as connection:
            connection.execute(update(Person).values(town="x"))
        assert seen[-1][1] is False
    finally:
        gate_private.unroute_flushes(mapper)
        unwatch_compiler(people.dialect)
    assert type(mapper._compiled_cache).__name__ == "LRUCache"


def test_the_savepoint_in_force_has_the_name_that_the_event_tells_and_later_ones_have_higher_numbers() -> None:
    told: list[str] = []
    with create_engine("sqlite://").connect() as connection, connection.begin():
        event.listen(connection, "rollback_savepoint", lambda _, name, __: told.append(name))
        assert customers_private.savepoint_in_force(connection) is None
        names = []
        for _ in range(11):
            savepoint = connection.begin_nested()
            names.append(customers_private.savepoint_in_force(connection))
            with connection.begin_nested() as later:
                later.rollback()
            savepoint.rollback()
            assert told[-1] == names[-1]
    numbers = [int(str(name).rpartition("_")[2]) for name in told]
    assert numbers == sorted(numbers, key=lambda number: (number + 1) // 2)
    assert len(set(numbers)) == 22


def test_the_pairs_of_a_relationship_name_what_is_referred_to_first_whichever_side_has_the_relationship() -> None:
    class Apart(DeclarativeBase):
        pass

    between = Table(
        "apart_between",
        Apart.metadata,
        Column("left_id", ForeignKey("apart_left.id"), primary_key=True),
        Column("right_id", ForeignKey("apart_right.id"), primary_key=True),
    )

    class Right(Apart):
        __tablename__ = "apart_right"
        id: Mapped[int] = mapped_column(primary_key=True)
        of_id: Mapped[int] = mapped_column(ForeignKey("apart_left.id"))
        of: Mapped[Any] = relationship("Left", back_populates="rights")
        seen: Mapped[Any] = relationship("Left", viewonly=True)

    class Left(Apart):
        __tablename__ = "apart_left"
        id: Mapped[int] = mapped_column(primary_key=True)
        rights: Mapped[list[Right]] = relationship(back_populates="of")
        others: Mapped[list[Right]] = relationship(secondary=between)

    Apart.registry.configure()
    left, right = Left.__table__.c, Right.__table__.c
    pairs = customers_private.pairs_of_relationship
    relationships = {**dict(inspect(Left).relationships), **dict(inspect(Right).relationships)}
    assert pairs(relationships["rights"]) == pairs(relationships["of"]) == [[(left.id, right.of_id)]]
    assert pairs(relationships["others"]) == [[(left.id, between.c.left_id)], [(right.id, between.c.right_id)]]
    assert pairs(relationships["seen"]) == []


def test_a_statement_leads_to_the_info_of_its_dbapi_connection_also_after_that_was_replaced() -> None:
    engine = create_engine("sqlite://")
    contexts: list[Any] = []
    event.listen(engine, "before_cursor_execute", lambda *said: contexts.append(said[4]))
    with engine.connect() as connection:
        connection.info["mine"] = 1
        connection.execute(select(1))
        assert gate_private.info_of_connection(contexts[-1]) is connection.info
        connection.rollback()
        connection.invalidate()
        connection.execute(select(1))
        assert gate_private.info_of_connection(contexts[-1]) is connection.info
        assert "mine" not in gate_private.info_of_connection(contexts[-1])
        connection.rollback()
        connection.detach()
        connection.execute(select(1))
        assert gate_private.info_of_connection(contexts[-1]) is connection.info
