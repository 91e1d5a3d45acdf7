"""SQLite's own judge agrees: no column that its authorizer sees read or written is missing from a footprint."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sa_privacy.errors import UnreadableStatement
from tests.footprint.shop import CATALOGUE, VIEWS, Database, judge
from tests.footprint.test_text_table import BOTH, SQLITE

VIEWS_THAT_WORK = ("v_mail", "v_deep", "v_plain")


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("ATTACH ':memory:' AS crm")
    for name, columns in Database.tables.items():
        schema = "crm." if name == "contacts" else ""
        connection.execute(f"CREATE TABLE {schema}{name} ({', '.join(columns)}, UNIQUE (id))")
    for name in VIEWS_THAT_WORK:
        connection.execute(f"CREATE VIEW {name} AS {VIEWS[name].definition}")
    connection.execute("CREATE UNIQUE INDEX uq ON customers (email)")
    connection.execute("CREATE INDEX ix ON customers (phone)")
    connection.create_function("regexp", 2, lambda a, b: a == b)
    yield connection
    connection.close()


PERSONAL = {(table.table.lower(), name): column.name for table in CATALOGUE for name, column in table.columns.items()}


def seen(connection: sqlite3.Connection, sql: str) -> tuple[set[str], set[str], set[str]] | None:
    """What the authorizer says is read, written and deleted; None where SQLite does not take the statement."""
    read: set[str] = set()
    written: set[str] = set()
    deleted: set[str] = set()

    def authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        column = PERSONAL.get((str(first).lower(), str(second).lower()))
        if action == sqlite3.SQLITE_READ and column:
            read.add(column)
        elif action == sqlite3.SQLITE_UPDATE and column:
            written.add(column)
        elif action == sqlite3.SQLITE_DELETE:
            deleted.add(str(first).lower())
        return sqlite3.SQLITE_OK

    connection.set_authorizer(authorize)
    try:
        connection.execute("EXPLAIN " + sql, [None] * sql.count("?"))
    except sqlite3.Error:
        return None
    finally:
        connection.set_authorizer(None)
    return read, written, deleted


def agree(connection: sqlite3.Connection, sql: str) -> bool:
    """Checks one statement; tells whether SQLite took it."""
    found = seen(connection, sql)
    if found is None:
        return False
    try:
        footprint = judge(sql)
    except UnreadableStatement:
        return True
    read, written, deleted = found
    missing = read - footprint.reads - footprint.matches
    assert not missing, sql
    assert written <= footprint.writes, sql
    personal = {table.table.lower() for table in CATALOGUE if table.columns}
    assert {name for name in deleted if name in personal} <= {name.lower() for name in footprint.deletes}, sql
    return True


def test_sqlite_sees_no_column_that_the_tables_of_this_folder_miss(database: sqlite3.Connection) -> None:
    definitions = ("CREATE", "DROP", "ALTER")  # the authorizer sees rows go that a definition drops
    statements = [sql for sql, _ in (*BOTH, *SQLITE) if sql and ";" not in sql and not sql.startswith(definitions)]
    taken = sum(agree(database, sql) for sql in statements)
    assert taken > 120


NAMES = ["email", "name", "phone", "segment", "id", "tier", "note", "customer_id", "title", "label", "x", "rowid"]
ALIASES = ["a", "b", "customers", "orders", '"A"']


@st.composite
def _name(draw: st.DrawFn) -> str:
    column = draw(st.sampled_from(NAMES))
    spelled = draw(st.sampled_from([column, column.upper(), f'"{column}"', f"[{column}]"]))
    if draw(st.integers(0, 5)) == 0:
        return f"{draw(st.sampled_from(ALIASES))}.{spelled}"
    return spelled


@st.composite
def _expression(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.integers(0, 9 if depth else 2))
    if kind <= 1:
        return draw(_name())
    if kind == 2:
        return draw(st.sampled_from(["?", "1", "'email'", "NULL", '"email"']))
    inner = _expression(depth - 1)
    if kind == 3:
        return f"lower({draw(inner)})"
    if kind == 4:
        operator = draw(st.sampled_from(["=", "||", "<", "IS", "IS NOT", "AND", "OR", "LIKE", "+", "->>", "=="]))
        return f"{draw(inner)} {operator} {draw(inner)}"
    if kind == 5:
        return f"CASE WHEN {draw(inner)} THEN {draw(inner)} END"
    if kind == 6:
        return f"({draw(_query(depth - 1, one=True))})"
    if kind == 7:
        return f"{draw(inner)} IN ({draw(_query(depth - 1, one=True))})"
    if kind == 8:
        return f"EXISTS ({draw(_query(depth - 1))})"
    return f"{draw(inner)} {draw(st.sampled_from(['ISNULL', 'NOTNULL', 'NOT NULL', 'IS NULL', 'BETWEEN 1 AND 2']))}"


@st.composite
def _source(draw: st.DrawFn, depth: int) -> str:
    tables = [
        "customers",
        "customers",
        "customers",
        "orders",
        "products",
        "v_mail",
        "crm.contacts",
        "contacts",
        "visits",
        "cte",
    ]
    kind = draw(st.integers(0, 4 if depth else 1))
    if kind <= 2:
        table = draw(st.sampled_from(tables))
    elif kind == 3:
        table = f"({draw(_query(depth - 1))})"
    else:
        return f"({draw(_source(depth - 1))})"
    return table + draw(st.sampled_from(["", " a", " AS b", ' AS "A"', " AS customers", " 'a'"]))


@st.composite
def _query(draw: st.DrawFn, depth: int, *, one: bool = False) -> str:
    items = [
        draw(_expression(depth)) + draw(st.sampled_from(["", " AS x", " AS email", " AS id"]))
        for _ in range(1 if one else draw(st.integers(1, 3)))
    ]
    if not one and draw(st.booleans()):
        items = [draw(st.sampled_from(["*", "a.*", "customers.*"]))]
    sql = f"SELECT {draw(st.sampled_from(['', 'DISTINCT ']))}{', '.join(items)}"
    sql += f" FROM {draw(_source(depth))}"
    if draw(st.booleans()):
        join = draw(st.sampled_from([", ", " JOIN ", " LEFT JOIN ", " NATURAL JOIN ", " CROSS JOIN ", " FULL JOIN "]))
        sql += join + draw(_source(depth))
        if join.strip() in {"JOIN", "LEFT JOIN", "FULL JOIN"}:
            sql += (
                draw(st.sampled_from([" USING (id)", " USING (phone)", " ON 1"]))
                if draw(st.booleans())
                else f" ON {draw(_expression(depth))}"
            )
    if draw(st.booleans()):
        sql += f" WHERE {draw(_expression(depth))}"
    if draw(st.integers(0, 3)) == 0:
        sql += f" GROUP BY {draw(_expression(0))}"
    if draw(st.integers(0, 3)) == 0 and depth:
        sql += f" {draw(st.sampled_from(['UNION ALL', 'UNION', 'EXCEPT']))} {draw(_query(0, one=one))}"
    elif draw(st.integers(0, 3)) == 0:
        sql += f" ORDER BY {draw(_expression(0))}"
    return sql


@st.composite
def _statement(draw: st.DrawFn) -> str:
    kind = draw(st.integers(0, 9))
    if kind <= 4:
        return draw(_query(2))
    if kind == 5:
        return f"WITH cte AS ({draw(_query(1))}) {draw(_query(1))}"
    if kind == 6:
        return f"WITH RECURSIVE cte AS ({draw(_query(0))} UNION ALL {draw(_query(0))}) {draw(_query(1))}"
    if kind == 7:
        target = draw(st.sampled_from(["customers", "orders AS a", "visits"]))
        return f"UPDATE {target} SET {draw(st.sampled_from(NAMES[:6]))} = {draw(_expression(1))} FROM {draw(_source(1))} WHERE {draw(_expression(1))}"
    if kind == 8:
        return f"DELETE FROM {draw(st.sampled_from(['customers', 'orders AS a']))} WHERE {draw(_expression(1))}"
    return f"INSERT INTO customers (id, tier) {draw(_query(1))} ON CONFLICT (id) DO UPDATE SET tier = {draw(_expression(0))} WHERE {draw(_expression(0))}"


@given(sql=_statement())
@settings(max_examples=400, deadline=None)
def test_sqlite_sees_no_column_that_a_footprint_misses(sql: str, database: sqlite3.Connection) -> None:
    agree(database, sql)
