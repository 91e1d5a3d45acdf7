"""SQLite's own judge agrees with the tables of this folder: nothing that its authorizer asks for is missing in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from sa_privacy.errors import UnreadableStatement
from tests.footprint.shop import CATALOGUE, VIEWS, Database, judge
from tests.footprint.test_text_table import BOTH, SQLITE
from tests.oracle.databases import asked_by_sqlite

PERSONAL = {name.lower(): name for name in CATALOGUE.columns}
PROTECTED = {table.name.lower() for table in CATALOGUE if table.columns}


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("ATTACH ':memory:' AS crm")
    for name, columns in Database.tables.items():
        schema = "crm." if name == "contacts" else ""
        connection.execute(f"CREATE TABLE {schema}{name} ({', '.join(columns)}, UNIQUE (id))")
    for name in ("v_mail", "v_deep", "v_plain"):
        connection.execute(f"CREATE VIEW {name} AS {VIEWS[name].definition}")
    connection.execute("CREATE UNIQUE INDEX uq ON customers (email)")
    connection.execute("CREATE INDEX ix ON customers (phone)")
    connection.create_function("regexp", 2, lambda a, b: a == b)
    yield connection
    connection.close()


def test_sqlite_asks_for_no_column_that_the_tables_of_this_folder_miss(database: sqlite3.Connection) -> None:
    definitions = ("CREATE", "DROP", "ALTER")  # the authorizer sees rows go that a definition drops
    taken = 0
    for sql in (sql for sql, _ in (*BOTH, *SQLITE) if sql and ";" not in sql and not sql.startswith(definitions)):
        asked = asked_by_sqlite(database, sql, PERSONAL, [None] * sql.count("?"))
        if asked is None:
            continue
        taken += 1
        try:
            footprint = judge(sql)
        except UnreadableStatement:
            continue
        assert asked.reads <= footprint.reads | footprint.matches, sql
        assert asked.updates <= footprint.writes, sql
        assert asked.deletes & PROTECTED <= {name.lower() for name in footprint.deletes}, sql
    assert taken > 120
