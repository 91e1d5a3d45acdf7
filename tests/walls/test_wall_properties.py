"""Whatever the policy: each wall lets through what the policy opens, and no more, but for what is listed as not walled."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table

from sa_privacy import Policy
from sa_privacy.columns.catalogue import Catalogue, PersonalColumn, PersonalTable
from sa_privacy.walls import WallRole, shapes_of
from sa_privacy.walls.ddl import identifier
from sa_privacy.walls.reach import alone
from sa_privacy.walls.sqlite import Bars, Pane
from tests.support.databases import Database, postgresql_database
from tests.support.draws import draws
from tests.support.postgres import Server
from tests.walls.owner import dropped, raised

CATEGORIES = ("name", "email", "note")
PURPOSES = ("ship", "mail", "sign_in")
TABLES = ("people", "letters")
COLUMNS = ("a", "b", "c")
VERBS = ("read", "match", "write")

some = st.lists(st.sampled_from(CATEGORIES), unique=True, max_size=2)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[str, Any], dict[tuple[str, str], tuple[str | None, list[str] | None, bool]]]:
    """A policy document, and for each column its category (None: not personal), its purposes, and whether it is nullable."""
    purposes: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(PURPOSES), unique=True, min_size=1)):
        said: dict[str, Any] = {verb: chosen for verb in VERBS if (chosen := draw(some))}
        said["delete"] = draw(st.lists(st.sampled_from(TABLES), unique=True))
        purposes[name] = {key: value for key, value in said.items() if value} or {"read": [CATEGORIES[0]]}
    document = {
        "policy": {"id": "random", "version": "1"},
        "categories": {name: {} for name in CATEGORIES},
        "purposes": purposes,
        "roles": {"clerk": {"purposes": list(purposes)}, "engineer": {"maintenance": True}},
    }
    narrowed = st.one_of(st.none(), st.lists(st.sampled_from(list(purposes)), unique=True, min_size=1))
    columns = {
        (table, name): (draw(st.sampled_from([None, *CATEGORIES])), draw(narrowed), draw(st.booleans()))
        for table in TABLES
        for name in COLUMNS
    }
    return document, columns


def built(columns: dict[tuple[str, str], tuple[str | None, list[str] | None, bool]]) -> tuple[Catalogue, MetaData]:
    """The catalogue and the tables."""
    metadata, tables, plain = MetaData(), [], set()
    for table in TABLES:
        Table(
            table,
            metadata,
            Column("id", Integer, primary_key=True),
            *(Column(name, String(10), nullable=columns[table, name][2]) for name in COLUMNS),
        )
        found = {
            name: PersonalColumn(f"{table}.{name}", table, name, category, None if only is None else frozenset(only))
            for name in COLUMNS
            for category, only, _ in [columns[table, name]]
            if category is not None
        }
        if found:
            tables.append(PersonalTable(table, None, table, found, ("id", *COLUMNS)))
        else:
            plain.add((None, table))
    return Catalogue(tuple(tables), frozenset(plain)), metadata


class Said:
    """What the document says, read without the library."""

    def __init__(self, document: dict[str, Any], columns: Any, purposes: tuple[str, ...], *, everything: bool) -> None:
        self.document, self.columns, self.purposes, self.everything = document, columns, purposes, everything

    def opens(self, verb: str, table: str, column: str) -> bool:
        category, only, _ = self.columns[table, column]
        if category is None or self.everything:
            return True
        return any(
            category in self.document["purposes"][purpose].get(verb, ()) and (only is None or purpose in only)
            for purpose in self.purposes
        )

    def deletes(self, table: str) -> bool:
        if self.everything or all(self.columns[table, name][0] is None for name in COLUMNS):
            return True
        return any(table in self.document["purposes"][purpose].get("delete", ()) for purpose in self.purposes)


def statements(said: Said, not_walled: frozenset[str], *, inserts: bool) -> Iterator[tuple[str, bool]]:
    """Statements, and whether the wall must let them through."""
    for table in TABLES:
        yield f"EXPLAIN SELECT count(*) FROM {table}", True
        yield f"EXPLAIN DELETE FROM {table} WHERE id = 1", said.deletes(table)
        for name in COLUMNS:
            seen = said.opens("read", table, name)
            if f"{table}.{name}" in not_walled:
                assert seen != said.opens("match", table, name)
                seen = True
            yield f"EXPLAIN SELECT {name} FROM {table}", seen
            yield f"EXPLAIN SELECT id FROM {table} WHERE {name} = 'x'", seen
            writes = said.opens("write", table, name)
            yield f"EXPLAIN UPDATE {table} SET {name} = 'x'", writes
            if inserts:
                nullable = said.columns[table, name][2]
                yield f"EXPLAIN INSERT INTO {table} (id, {name}) VALUES (1, 'x')", writes or nullable


def check(run: Callable[[str], bool], said: Said, not_walled: frozenset[str], *, inserts: bool) -> None:
    for sql, allowed in statements(said, not_walled, inserts=inserts):
        assert run(sql) is allowed, f"{sql}: {'refused' if allowed else 'let through'} for {said.purposes}"


@pytest.fixture(scope="module")
def owner(postgresql_server: Server) -> Iterator[tuple[Database, Engine]]:
    with postgresql_database(postgresql_server) as database:
        yield database, database.engine()


@given(world=worlds())
@settings(max_examples=draws(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_role_of_postgresql_may_do_what_its_purpose_may(world: Any, owner: tuple[Database, Engine]) -> None:
    document, columns = world
    database, engine = owner
    policy = Policy(**document)
    catalogue, metadata = built(columns)
    metadata.create_all(engine)
    try:
        plan = raised(engine, policy, catalogue, metadata, logins=[]).plan
        with psycopg.connect(_dsn(database), autocommit=True) as connection:

            def run(sql: str) -> bool:
                try:
                    connection.execute(sql)
                except psycopg.errors.InsufficientPrivilege:
                    return False
                return True

            for role in plan.roles:
                connection.execute(f"SET ROLE {identifier(role.name)}")
                said = Said(document, columns, role.purposes, everything=role.maintenance)
                check(run, said, listed(plan.not_walled, role), inserts=True)
                connection.execute("RESET ROLE")
    finally:
        dropped(engine)
        metadata.drop_all(engine)


def listed(not_walled: Any, role: WallRole) -> frozenset[str]:
    """The columns that the plan says it cannot wall for a role."""
    kinds = ("match", "read")
    return frozenset(name for one in not_walled if one.role == role.name and one.kind in kinds for name in one.what)


def _dsn(database: Database) -> str:
    query = database.url.query
    return f"host={query['host']} port={query['port']} user={database.url.username} dbname={database.url.database}"


@given(world=worlds())
@settings(max_examples=draws(100))
def test_the_authorizer_of_sqlite_lets_through_what_a_purpose_may(world: Any) -> None:
    document, columns = world
    policy = Policy(**document)
    catalogue, metadata = built(columns)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for table in metadata.sorted_tables:
        connection.execute(f"CREATE TABLE {table.name} (id INTEGER PRIMARY KEY, {', '.join(COLUMNS)})")

    def run(sql: str) -> bool:
        try:
            connection.execute(sql)
        except sqlite3.DatabaseError as error:
            assert "prohibited" in str(error) or "not authorized" in str(error), error
            return False
        return True

    grants: list[Any] = [None, policy.grant([], ["engineer"], maintenance=True)]
    grants += [alone(policy, purpose) for purpose in policy.purposes]
    pane = Pane(connection, Bars(catalogue, None))
    for grant in grants:
        pane.bars = Bars(catalogue, grant)
        pane.arm()
        purposes = () if grant is None else grant.purposes
        said = Said(document, columns, purposes, everything=grant is not None and grant.everything)
        either = frozenset(
            name
            for name, column in catalogue.columns.items()
            if grant is not None
            and not grant.everything
            and grant.covers("read", column.category, column.purposes)
            is not grant.covers("match", column.category, column.purposes)
        )
        check(run, said, either, inserts=False)
    connection.close()


def test_the_shapes_of_these_models_have_every_column() -> None:
    _, metadata = built({(table, name): (None, None, True) for table in TABLES for name in COLUMNS})
    assert [len(shape.columns) for shape in shapes_of([metadata])] == [4, 4]
