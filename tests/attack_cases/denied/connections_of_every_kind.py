"""Statements on every connection that SQLAlchemy hands out, in every kind of transaction."""

from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.ext.horizontal_shard import ShardedSession, set_shard_id
from sqlalchemy.orm import Session, sessionmaker

from tests.attack_cases.case import Case
from tests.attack_cases.ways import refused
from tests.attack_cases.world import Base, Customer

EMAIL = select(Customer.email)
PEOPLE = Base.metadata.tables["customers"]
SQL = "SELECT email FROM customers"


def asked(case: Case, connection: Connection) -> list[Any]:
    return case.each(
        lambda: connection.execute(EMAIL).all(),
        lambda: connection.scalars(text(SQL)).all(),
        lambda: connection.exec_driver_sql(SQL).all(),
    )


def of_an_engine(case: Case) -> object:
    with case.engine.connect() as connection:
        return asked(case, connection)


def of_a_session(case: Case) -> object:
    with Session(case.engine) as session:
        return asked(case, session.connection())


OPTIONS: tuple[dict[str, Any], ...] = (
    {"isolation_level": "AUTOCOMMIT"},
    {"logging_token": "x"},
    {"compiled_cache": {}},
)


def copies(case: Case) -> object:
    loot = []
    for options in OPTIONS:
        with case.engine.execution_options(**options).connect() as connection:
            loot += asked(case, connection)
        with case.engine.connect() as connection:
            loot += asked(case, connection.execution_options(**options))
    return loot


def bound(case: Case) -> object:
    def looked(session: Session) -> list[Any]:
        return case.each(
            lambda: session.scalars(EMAIL).all(),
            lambda: session.connection(bind_arguments={"mapper": Customer}).execute(EMAIL).all(),
        )

    loot = []
    for thing in (Base, Customer, PEOPLE):
        with sessionmaker(binds={thing: case.engine})() as session:
            loot += looked(session)
    for bind in ("bind_mapper", "bind_table"):
        with Session() as session:
            getattr(session, bind)({"bind_mapper": Customer, "bind_table": PEOPLE}[bind], case.engine)
            loot += looked(session)
    return loot


def sharded(case: Case) -> object:
    with ShardedSession(
        shard_chooser=lambda *_, **__: "one",
        identity_chooser=lambda *_, **__: ["one"],
        execute_chooser=lambda *_, **__: ["one", "two"],
        shards={"one": case.engine, "two": case.engine.execution_options(logging_token="two")},
    ) as session:
        return case.each(
            lambda: session.scalars(EMAIL).all(), lambda: session.scalars(EMAIL.options(set_shard_id("two"))).all()
        )


def streamed(case: Case) -> object:
    with case.engine.connect().execution_options(stream_results=True, max_row_buffer=1) as connection:
        return case.each(
            lambda: [list(part) for part in connection.execute(EMAIL).partitions(1)],
            lambda: [tuple(row) for row in connection.execution_options(yield_per=1).exec_driver_sql(SQL)],
        )


def saved(case: Case) -> object:
    loot = []
    with Session(case.engine) as session:
        for end in ("commit", "rollback"):
            with case.access("campaigns"):
                savepoint = session.begin_nested()
                assert session.scalars(EMAIL).all()
            loot += case.each(lambda: session.scalars(EMAIL).all())
            getattr(savepoint, end)()
            loot += case.each(lambda: session.scalars(EMAIL).all())
    return loot


paths = {
    "driver SQL": refused(of_an_engine),
    "the connection of a session": refused(of_a_session),
    "copies of an engine, AUTOCOMMIT": refused(copies),
    "streamed rows": refused(streamed),
    "savepoints": refused(saved),
    "binds of a session": refused(bound),
    "horizontal sharding": refused(sharded),
}
