"""What a SQLite database has that stands against sealing a column: read from its schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from sa_privacy.columns.own_tables import is_own_trigger
from sa_privacy.columns.sealable import names_value
from sa_privacy.jobs.finding import Finding
from sa_privacy.jobs.indexes import LOOKUP_INDEX

__all__ = ["findings"]

_STRICT = re.compile(r"(?i)\)[^()]*\bSTRICT\b[^()]*$")
_FULL_TEXT = re.compile(r"(?i)USING\s+fts\d")
_COMPUTED = (("check", r"\bCHECK\s*\(", "CHECK"), ("generated column", r"\bAS\s*\(", "GENERATED ALWAYS AS"))


def findings(connection: Connection, schema: str | None, table: str, column: str, name: str) -> Iterator[Finding]:
    """Everything about one column.

    :param name: what findings call it.
    """
    known = _Schema(connection, schema, table, column, name)
    yield from known.of_table()
    yield from known.of_references()
    for index in known.pragma("index_list", table):
        yield from known.of_index(index)
    yield from known.of_others()


class _Schema:
    """What ``sqlite_master`` and the pragmas say, looked through for one column."""

    def __init__(self, connection: Connection, schema: str | None, table: str, column: str, name: str) -> None:
        self._connection = connection
        self._place = f"{_quoted(schema)}." if schema else ""
        self._table = table.lower()
        self._column = column.lower()
        self._name = name
        self._master: list[tuple[str, str, str, str]] = [
            (row[0], row[1], row[2], row[3])
            for row in connection.exec_driver_sql(
                f"SELECT type, name, tbl_name, coalesce(sql, '') FROM {self._place}sqlite_master"
            )
        ]
        self._made = next((sql for kind, _, of, sql in self._master if kind == "table" and self._is_it(of)), "")

    def pragma(self, what: str, of: str) -> list[dict[str, Any]]:
        """The rows of a pragma."""
        rows = self._connection.exec_driver_sql(f"PRAGMA {self._place}{what}({_quoted(of)})").mappings()
        return [dict(row) for row in rows]

    def _is_it(self, table: str) -> bool:
        return table.lower() == self._table

    def _found(self, kind: str, what: str, *, forbids: bool = True) -> Finding:
        return Finding(self._name, kind, what, forbids)

    def of_table(self) -> Iterator[Finding]:
        """What its own declaration says of the column."""
        for row in self.pragma("table_xinfo", self._table):
            if row["name"].lower() != self._column:
                continue
            if row["pk"]:
                yield self._found("primary key", "PRIMARY KEY")
            if row["dflt_value"] is not None:
                yield self._found("server default", "DEFAULT")
            if _STRICT.search(self._made) and row["type"].upper() not in {"BLOB", "ANY"}:
                yield self._found("strict table", "STRICT")
        for kind, opening, what in _COMPUTED:
            if any(names_value(said, self._column) for said in _parenthesised(self._made, opening)):
                yield self._found(kind, what)

    def of_references(self) -> Iterator[Finding]:
        """Foreign keys from it, and to it."""
        for kind, other, _, _ in self._master:
            for row in self.pragma("foreign_key_list", other) if kind == "table" else ():
                if self._is_it(other) and row["from"].lower() == self._column:
                    yield self._found("foreign key", f"refers to {row['table']}")
                if self._is_it(row["table"]) and str(row["to"]).lower() == self._column:
                    yield self._found("foreign key", f"{other}.{row['from']} refers to it")

    def of_index(self, index: dict[str, Any]) -> Iterator[Finding]:
        """What an index of the table makes of the column."""
        said = str(index["name"])
        if index["origin"] == "pk":
            return
        columns = {str(row["name"]).lower() for row in self.pragma("index_xinfo", said) if row["key"]}
        sql = next((sql for kind, name, _, sql in self._master if kind == "index" and name == said), "")
        if self._column in columns:
            yield self._found("unique" if index["unique"] else "index", said, forbids=False)
        elif names_value(sql.partition("(")[2], self._column) and not LOOKUP_INDEX.search(sql):
            yield self._found("expression index", said)

    def of_others(self) -> Iterator[Finding]:
        """Triggers, views and full-text tables."""
        for kind, other, of, sql in self._master:
            if kind == "trigger" and self._is_it(of):
                if not is_own_trigger(other):
                    yield self._found("trigger", other, forbids=False)
            elif not _mentions(sql, self._table) or not (_mentions(sql, self._column) or "*" in sql):
                continue
            elif kind == "view":
                yield self._found("view", other, forbids=False)
            elif kind == "table" and _FULL_TEXT.search(sql):
                yield self._found("text search", other)


def _quoted(name: str | None) -> str:
    doubled = str(name).replace('"', '""')
    return f'"{doubled}"'


def _mentions(sql: str, name: str) -> bool:
    return re.search(rf'(?i)(?<!\w)"?{re.escape(name)}"?(?!\w)', sql) is not None


def _parenthesised(sql: str, opening: str) -> Iterator[str]:
    """What stands in the parentheses after each match of `opening`."""
    for found in re.finditer(opening, sql, flags=re.IGNORECASE):
        depth, quote = 1, ""
        for end in range(found.end(), len(sql)):
            sign = sql[end]
            if quote:
                quote = "" if sign == quote else quote
            elif sign in "'\"":
                quote = sign
            else:
                depth += (sign == "(") - (sign == ")")
            if not depth:
                yield sql[found.end() : end]
                break
