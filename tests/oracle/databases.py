"""The databases as judges: SQLite's authorizer, and PostgreSQL's privileges."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import psycopg

from tests.oracle.grants import EVERYTHING, Opened
from tests.oracle.world import PERSONAL, PROTECTED, TABLES, VIEWS

__all__ = ["Asked", "Judge", "PostgresqlJudge", "SqliteJudge", "asked_by_sqlite"]


class Judge(Protocol):
    """A database that is asked what a statement needs, and runs nothing."""

    def takes(self, sql: str) -> bool:
        """Whether the database takes the statement at all."""

    def permits(self, sql: str, opened: Opened) -> bool:
        """Whether it would run it for someone to whom just this is opened. It takes the statement, or raises."""

    def cannot_tell(self, sql: str, claims: Opened, opened: Opened) -> bool:
        """Whether what is claimed beyond what is opened is nothing that this database could object to."""


# -- SQLite -------------------------------------------------------------------------------------------------------


@dataclass
class Asked:
    """What SQLite's authorizer asked for: personal columns by full name, and tables."""

    reads: set[str] = field(default_factory=set)
    updates: set[str] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)


def asked_by_sqlite(
    connection: sqlite3.Connection, sql: str, personal: Mapping[str, str], parameters: list[Any] | None = None
) -> Asked | None:
    """What the authorizer asks for while the statement is prepared; None where SQLite does not take it.

    :param personal: the full names of personal columns, by their lower-case form.
    """
    asked = Asked()

    def authorize(action: int, first: str | None, second: str | None, database: str | None, _: str | None) -> int:
        table = f"{first}" if database in {None, "main", "temp"} else f"{database}.{first}"
        column = personal.get(f"{table}.{second}".lower())
        if action == sqlite3.SQLITE_READ and column:
            asked.reads.add(column)
        elif action == sqlite3.SQLITE_UPDATE and column:
            asked.updates.add(column)
        elif action == sqlite3.SQLITE_DELETE:
            asked.deletes.add(table.lower())
        return sqlite3.SQLITE_OK

    connection.set_authorizer(authorize)
    try:
        connection.execute("EXPLAIN " + sql, parameters or [])
    except sqlite3.Error:
        return None
    finally:
        connection.set_authorizer(None)
    return asked


class SqliteJudge:
    """Asks the authorizer. It is not told which columns an INSERT fills, or a join goes by in USING and NATURAL."""

    _personal: Final = {name.lower(): name for name in PERSONAL}

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._last: tuple[str, Asked | None] = ("", None)

    def asked(self, sql: str) -> Asked | None:
        if self._last[0] != sql:
            self._last = (sql, asked_by_sqlite(self.connection, sql, self._personal))
        return self._last[1]

    def takes(self, sql: str) -> bool:
        return self.asked(sql) is not None

    def permits(self, sql: str, opened: Opened) -> bool:
        asked = self.asked(sql)
        assert asked is not None, sql
        deletes = asked.deletes & set(PROTECTED)
        return opened.covers("r", asked.reads) and opened.covers("w", asked.updates) and opened.may_delete(deletes)

    def cannot_tell(self, sql: str, claims: Opened, opened: Opened) -> bool:
        letters = {part[0] for part in claims.parts - opened.parts}
        silent = {*("w" if "INSERT" in sql else ""), *("r" if " USING (" in sql or "NATURAL JOIN" in sql else "")}
        return letters <= silent


# -- PostgreSQL ---------------------------------------------------------------------------------------------------


class PostgresqlJudge:
    """Has the server check the privileges of a role that holds exactly what is opened, made when first needed."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.made: dict[frozenset[str], str] = {}
        self._run("CREATE ROLE plain", "GRANT USAGE ON SCHEMA crm TO plain")
        self._run(f"GRANT SELECT ON {', '.join(VIEWS)} TO plain")
        for part in sorted(EVERYTHING.parts):
            self._run(f"CREATE ROLE {part}")
        for table, columns in TABLES.items():
            for column in columns:
                category = PERSONAL.get(f"{table}.{column}")
                readers, writers = (f"r_{category}", f"w_{category}") if category else ("plain", "plain")
                self._run(f'GRANT SELECT ("{column}") ON {table} TO {readers}')
                self._run(f'GRANT INSERT ("{column}"), UPDATE ("{column}") ON {table} TO {writers}')
            owner = f"d_{table.replace('.', '_')}" if table in PROTECTED else "plain"
            self._run(f"GRANT DELETE ON {table} TO {owner}")

    def takes(self, sql: str) -> bool:
        try:
            self._run("EXPLAIN " + sql)
        except psycopg.Error:
            return False
        return True

    def permits(self, sql: str, opened: Opened) -> bool:
        self._run(f"SET ROLE {self._having(opened.parts | _offered(sql))}")
        try:
            self._run("EXPLAIN " + sql)
        except psycopg.errors.InsufficientPrivilege:
            return False
        finally:
            self._run("RESET ROLE")
        return True

    def cannot_tell(self, sql: str, claims: Opened, opened: Opened) -> bool:
        return claims.parts - opened.parts <= _offered(sql)

    def _having(self, parts: frozenset[str]) -> str:
        if parts not in self.made:
            name = self.made[parts] = f"having_{len(self.made)}"
            self._run(f"CREATE ROLE {name}", f"GRANT {', '.join(['plain', *sorted(parts)])} TO {name}")
        return self.made[parts]

    def _run(self, *statements: str) -> None:
        for statement in statements:
            self.connection.execute(statement.encode())

    def close(self) -> None:
        """Gives up the roles: they belong to the server, and outlive the database."""
        for role in (*self.made.values(), "plain", *EVERYTHING.parts):
            self._run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def _offered(sql: str) -> frozenset[str]:
    """Columns of ``excluded``: PostgreSQL asks to read them, though their values are those the statement brought."""
    names = re.findall(r'\bexcluded\."?(\w+)', sql)
    table = re.search(r"INSERT INTO (\S+)", sql)
    full = [f"{table[1]}.{name}" for name in names] if table else []
    return frozenset(f"r_{PERSONAL[name]}" for name in full if name in PERSONAL)
