"""Nothing gets into a sealed column but what the column's own type has sealed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal,
    null,
    select,
    table,
    text,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import Encrypted, SealedColumn, pii_column
from tests.columns.support import is_cell, make_privacy, protected, stored

SECRET = b"SECRET"


class Base(DeclarativeBase):
    """Registry of this module."""


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None] = pii_column(category="email")
    phone: Mapped[str | None] = pii_column(category="phone")
    tier: Mapped[str | None]


class Letter(Base):
    __tablename__ = "letters"
    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[bytes | None]


T: Any = Customer.__table__
#: A copy that knows nothing of the seal, as reflection makes it.
BARE = table("customers", column("id", Integer), column("email", LargeBinary), column("tier", String))


def upsert(connection: Connection) -> Any:
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(T)


def sql(statement: str) -> Callable[[Connection], object]:
    return lambda connection: connection.exec_driver_sql(statement)


def attribute(connection: Connection) -> None:
    with Session(connection) as session:
        session.add(Customer(email=func.lower("SECRET")))
        session.commit()


def _offering(connection: Connection) -> Any:
    statement = upsert(connection).values(id=1, tier="x")
    return statement.on_conflict_do_update(index_elements=["id"], set_={"email": statement.excluded.tier})


PLAIN: dict[str, Callable[[Connection], object]] = {
    "a function": lambda c: c.execute(insert(T).values(email=func.lower("SECRET"))),
    "a function of an attribute": attribute,
    "a literal": lambda c: c.execute(insert(T).values(email=literal(SECRET, LargeBinary))),
    "a parameter of another type": lambda c: c.execute(
        insert(T).values(email=bindparam("q", type_=LargeBinary)), {"q": SECRET}
    ),
    "a parameter that brings its own type": lambda c: c.execute(insert(T).values(email=bindparam("q", "SECRET"))),
    "a parameter sealed for another column": lambda c: c.execute(insert(T).values(email=literal("x", T.c.phone.type))),
    "a cast": lambda c: c.execute(insert(T).values(email=cast(SECRET, LargeBinary))),
    "a coerced value": lambda c: c.execute(insert(T).values(email=type_coerce(SECRET, LargeBinary))),
    "a text in an expression": lambda c: c.execute(insert(T).values(email=text("'SECRET'"))),
    "one row of several": lambda c: c.execute(insert(T).values([{"email": "x"}, {"email": func.lower("SECRET")}])),
    "an update": lambda c: c.execute(update(T).values(email=func.lower("SECRET"))),
    "an update by text": lambda c: c.execute(text("UPDATE customers SET email = :e"), {"e": SECRET}),
    "an update of several columns": sql("UPDATE customers SET (tier, email) = ('x', 'SECRET')"),
    "an upsert": lambda c: c.execute(
        upsert(c)
        .values(id=1, email="x")
        .on_conflict_do_update(index_elements=["id"], set_={"email": literal(SECRET, LargeBinary)})
    ),
    "a copy of the table": lambda c: c.execute(insert(BARE), {"email": SECRET}),
    "a reflected table": lambda c: c.execute(
        insert(Table("customers", MetaData(), autoload_with=c)), [{"email": SECRET}, {"email": SECRET}]
    ),
    "a query": lambda c: c.execute(insert(T).from_select(["email"], select(Letter.body))),
    "another column": lambda c: c.execute(update(T).values(email=T.c.tier)),
    "another column of what was offered": lambda c: c.execute(_offering(c)),
    "SQL of the driver": sql("INSERT INTO customers (email) VALUES ('SECRET')"),
    "SQL of the driver without names": sql("INSERT INTO customers VALUES (7, 'SECRET', NULL, NULL)"),
    "SQL of the driver with rows": sql("INSERT INTO customers (email) VALUES (NULL), ('SECRET')"),
    "SQL of the driver with a query": sql("INSERT INTO customers (email) SELECT 'SECRET'"),
    "SQL with a parameter": lambda c: c.execute(text("INSERT INTO customers (email) VALUES (:e)"), {"e": SECRET}),
}


@pytest.mark.parametrize("name", PLAIN)
def test_anything_else_is_refused_before_it_is_stored_also_in_maintenance(
    name: str, engine: Engine, make_engine: Callable[..., Engine]
) -> None:
    with protected(engine, Base):
        with engine.begin() as connection:
            connection.execute(insert(T), {"id": 1, "email": "kept"})
            connection.execute(insert(Letter), {"body": SECRET})
        with engine.begin() as connection, pytest.raises(SealedColumn) as refused:
            PLAIN[name](connection)
    assert refused.value.columns == ("customers.email",)
    assert refused.value.hint
    assert "SECRET" not in str(refused.value)
    (cell,) = stored(make_engine(), "customers", "email")
    assert is_cell(cell)


def typed(connection: Connection) -> None:
    own = bindparam("e", type_=T.c.email.type)
    connection.execute(
        text("INSERT INTO customers (email, tier) VALUES (:e, :t)").bindparams(own), {"e": "x", "t": "t"}
    )


def keep_own(connection: Connection) -> None:
    statement = upsert(connection).values(id=1, email="x")
    offered = statement.on_conflict_do_update(index_elements=["id"], set_={"email": statement.excluded.email})
    for _ in range(2):
        connection.execute(offered)


def by_orm(connection: Connection) -> None:
    with Session(connection) as session:
        session.add_all([Customer(email="x"), Customer(email="x", tier="t"), Customer(email=None)])
        session.flush()
        session.execute(insert(Customer), [{"email": "x"}, {"email": "x"}])
        session.scalars(insert(Customer).returning(Customer), [{"email": "x"}, {"email": "x"}]).all()
        session.execute(update(Customer).where(Customer.id == 1).values(email="x"))
        session.execute(update(Customer), [{"id": 2, "email": "x"}])
        session.commit()


SEALED: dict[str, Callable[[Connection], object]] = {
    "parameters": lambda c: c.execute(insert(T), [{"email": "x"}, {"email": None}]),
    "values": lambda c: c.execute(insert(T).values(email="x")),
    "rows of values": lambda c: c.execute(insert(T).values([{"email": "x"}, {"email": "x"}])),
    "a parameter without a type": lambda c: c.execute(insert(T).values(email=bindparam("q")), {"q": "x"}),
    "a literal of the column's type": lambda c: c.execute(insert(T).values(email=literal("x", T.c.email.type))),
    "numbered rows": lambda c: c.execute(
        insert(T).returning(T.c.id, sort_by_parameter_order=True), [{"email": "x"}] * 3
    ),
    "an upsert of what was offered": keep_own,
    "the ORM": by_orm,
    "a text with the column's type": typed,
    "NULL": lambda c: c.execute(update(T).values(email=None)),
    "NULL as SQL": lambda c: c.execute(update(T).values(email=null())),
    "NULL by text": sql("UPDATE customers SET email = NULL, tier = 'x'"),
    "NULL of a new row by text": sql("INSERT INTO customers (email, tier) VALUES (NULL, 'x')"),
    "other columns by text": sql("INSERT INTO customers (tier) VALUES ('x')"),
    "itself": sql("UPDATE customers SET email = email"),
}


@pytest.mark.parametrize("name", SEALED)
@pytest.mark.parametrize("translated", [False, True], ids=["as declared", "another schema"])
def test_what_the_type_seals_and_null_are_stored(
    name: str, engine: Engine, make_engine: Callable[..., Engine], *, translated: bool
) -> None:
    schema = {"schema_translate_map": {None: "public" if engine.dialect.name == "postgresql" else "main"}}
    with protected(engine, Base), engine.connect() as connection:
        SEALED[name](connection.execution_options(**schema) if translated else connection)
        connection.commit()
    cells = [cell for cell in stored(make_engine(), "customers", "email") if cell is not None]
    assert all(is_cell(cell) for cell in cells)
    assert bool(cells) is ("NULL" not in name and name not in {"other columns by text", "itself"})


@pytest.mark.parametrize(
    "made",
    [{"default": func.lower("SECRET")}, {"default": text("'SECRET'")}, {"onupdate": func.lower("SECRET")}],
    ids=["default", "default text", "onupdate"],
)
def test_a_default_that_the_database_works_out_is_refused_when_it_is_used(
    made: dict[str, Any], engine: Engine, make_engine: Callable[..., Engine]
) -> None:
    metadata = MetaData()
    filled = Table(
        "customers",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("tier", String(5)),
        Column("email", Encrypted(category="email"), **made),
    )
    change = update(filled).values(tier="b") if "onupdate" in made else insert(filled).values(tier="a")
    with protected(engine, metadata), engine.begin() as connection:
        connection.execute(insert(filled), {"tier": "a", "email": None})
        with pytest.raises(SealedColumn):
            connection.execute(change)
    assert stored(make_engine(), "customers", "email") == [None]


def test_explain_says_so_too(engine: Engine) -> None:
    with protected(engine, Base) as privacy:
        asked = privacy.explain(update(T).values(email=func.lower("x")), engine=engine)
        assert not asked.allowed
        assert asked.denials == ("customers.email is sealed",)
        assert privacy.explain(update(T).values(email="x"), engine=engine).allowed


async def test_an_async_engine_refuses_it_too(async_engine: AsyncEngine) -> None:
    privacy = make_privacy(Base)
    privacy.install(async_engine)
    try:
        with privacy.access("all", role="staff", actor="x"):
            async with async_engine.begin() as connection:
                await connection.run_sync(Base.metadata.create_all)
                await connection.execute(insert(T), [{"email": "x"}, {"email": "y"}])
                with pytest.raises(SealedColumn):
                    await connection.execute(insert(BARE), {"email": SECRET})
                assert (await connection.scalars(select(T.c.email).order_by(T.c.id))).all() == ["x", "y"]
    finally:
        privacy.close()
