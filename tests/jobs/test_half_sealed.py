"""While a column is being sealed, searches find people in both forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Date, Engine, Integer, Select, String, bindparam, func, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column

from sa_privacy import Keyring, Lookup, Privacy, SealedColumn, lookup_key, pii_column
from sa_privacy.crypto.cell import is_cell
from sa_privacy.jobs import seal
from tests.jobs.world import FAR, maintaining, raw


def stripped(value: str) -> str:
    """A normaliser that no database knows."""
    return value.strip()


class Base(DeclarativeBase):
    """Registry of these models."""


class Person(Base):
    """As the new release declares it."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None] = pii_column(String(320), category="email", lookup=Lookup("casefold", shared="email"))
    code: Mapped[str | None] = pii_column(String(20), category="other", lookup="exact")
    born: Mapped[date | None] = pii_column(Date, category="other", lookup="exact")
    size: Mapped[int | None] = pii_column(Integer, category="other", lookup="exact")
    nick: Mapped[str | None] = pii_column(String(20), category="name", lookup=stripped)
    other: Mapped[str | None] = pii_column(String(320), category="email", lookup=Lookup("casefold", shared="email"))


COLUMNS = [f"people.{name}" for name in ("email", "code", "born", "size", "nick", "other")]
CREATE = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(320), code VARCHAR(20), born DATE, size INTEGER, "
    "nick VARCHAR(20), other VARCHAR(320))"
)
ROWS = (
    "(1, 'Ann@example.org', 'A1', '2000-01-31', 170, 'ann', 'x')",
    "(2, 'bob@example.org', 'a1', '2001-02-03', -5, 'bob', 'y')",
    "(3, 'ÉTÉ@example.org', 'B2', NULL, 0, 'e', 'z')",
    "(4, NULL, NULL, NULL, NULL, NULL, NULL)",
)


@pytest.fixture
def application(engine: Engine, make_engine: Callable[..., Engine]) -> Iterator[tuple[Engine, Privacy]]:
    """The new release beside plain rows; people 5 and 6 were written by it, and 2 was changed."""
    with engine.begin() as connection:
        connection.exec_driver_sql(CREATE)
        for row in ROWS:
            connection.exec_driver_sql(f"INSERT INTO people VALUES {row}")
        if engine.dialect.name == "postgresql":  # as the job does when it begins
            for name in COLUMNS:
                column = name.partition(".")[2]
                change = f"ALTER {column} TYPE BYTEA USING convert_to({column}::text, 'UTF8')"
                connection.exec_driver_sql(f"ALTER TABLE people {change}")
    with maintaining(Keyring.generate(), metadata=Base.metadata, accept=dict.fromkeys(COLUMNS, FAR)) as privacy:
        protected = make_engine()
        privacy.install(protected)
        with Session(protected) as session:
            session.add(Person(id=5, email="CID@example.org", code="C3", born=date(2002, 3, 4), size=6, nick="cid"))
            session.add(Person(id=6, email="dee@example.org", code="A1", born=date(2000, 1, 31), size=170, nick="dee"))
            bob = session.get_one(Person, 2)
            bob.email, bob.code, bob.born, bob.size = "BOB@example.org", "a1", date(2001, 2, 4), -6
            session.commit()
        yield protected, privacy


WANTED: dict[str, tuple[Select[Any], set[int]]] = {
    "plain": (select(Person.id).where(Person.email == "ANN@example.org"), {1}),
    "sealed": (select(Person.id).where(Person.email == "cid@EXAMPLE.org"), {5}),
    "lower": (select(Person.id).where(func.lower(Person.email) == "ann@example.org"), {1}),
    "not equal": (select(Person.id).where(Person.email != "ann@example.org"), {2, 3, 5, 6}),
    "distinct": (select(Person.id).where(Person.email.is_distinct_from("ann@example.org")), {2, 3, 4, 5, 6}),
    "not distinct": (select(Person.id).where(Person.email.is_not_distinct_from("ann@example.org")), {1}),
    "in": (select(Person.id).where(Person.email.in_(["ann@example.org", "cid@example.org", "x"])), {1, 5}),
    "not in": (select(Person.id).where(Person.email.not_in(["ann@example.org", "cid@example.org"])), {2, 3, 6}),
    "in nothing": (select(Person.id).where(Person.email.in_(bindparam("e", [], expanding=True))), set()),
    "case counts": (select(Person.id).where(Person.code == "A1"), {1, 6}),
    "a date": (select(Person.id).where(Person.born == date(2000, 1, 31)), {1, 6}),
    "a changed date": (select(Person.id).where(Person.born.in_([date(2001, 2, 3), date(2001, 2, 4)])), {2}),
    "numbers": (select(Person.id).where(Person.size.in_([170, 0, -6])), {1, 2, 3, 6}),
    "none": (select(Person.id).where(Person.email.is_(None)), {4}),
    "several": (select(Person.id).where(Person.email != "x", (Person.code == "A1") | (Person.size == 0)), {1, 3, 6}),
    "an alias": (select((p := aliased(Person)).id).where(p.email == "ANN@example.org"), {1}),
    "a subquery": (
        select(func.count()).select_from(
            select(Person.id)
            .where(Person.email == "ANN@example.org")
            .union(select(Person.id).where(Person.code == "A1"))
            .subquery()
        ),
        {2},
    ),
}


@pytest.mark.parametrize("name", WANTED)
def test_both_forms_are_found(application: tuple[Engine, Privacy], name: str) -> None:
    engine, _ = application
    statement, expected = WANTED[name]
    with Session(engine) as session:
        assert set(session.scalars(statement)) == expected
    plain = {key for key, email in raw(engine, "id, email", "people") if email is not None and not is_cell(email)}
    assert plain == {1, 3}, "the rows of this test are half sealed"


def test_letters_are_folded_as_far_as_the_database_can(application: tuple[Engine, Privacy]) -> None:
    """Its lower() may know ASCII alone, as SQLite's does: such plain values are found as they were before."""
    engine, _ = application
    with Session(engine) as session:
        for typed in ("ÉTÉ@example.org", "ÉtÉ@EXAMPLE.org"):
            assert set(session.scalars(select(Person.id).where(Person.email == typed))) == {3}


@pytest.mark.parametrize(
    "statement",
    [
        select(Person.id).where(Person.nick == "ann"),
        select(Person.id).where(Person.email == Person.other),
        select(func.count()).group_by(lookup_key(Person.email)),
        select(Person.id).where(Person.email.in_(select(Person.other))),
    ],
    ids=["a callable", "two columns", "the key", "a query"],
)
def test_what_would_miss_somebody_is_refused(application: tuple[Engine, Privacy], statement: Select[Any]) -> None:
    engine, _ = application
    with Session(engine) as session, pytest.raises(SealedColumn, match="is being sealed"):
        session.execute(statement)


def test_once_all_is_sealed_the_same_searches_use_the_index(
    application: tuple[Engine, Privacy], make_engine: Callable[..., Engine]
) -> None:
    engine, privacy = application
    seal(make_engine(), privacy, COLUMNS)
    with Session(engine) as session:
        for statement, expected in WANTED.values():
            assert set(session.scalars(statement)) == expected
    keys = privacy.keys
    with maintaining(keys, metadata=Base.metadata) as sealed:
        after = make_engine()
        sealed.install(after)
        with Session(after) as session:
            for statement, expected in WANTED.values():
                assert set(session.scalars(statement)) == expected
            assert session.scalar(text("SELECT count(*) FROM people")) == 6
