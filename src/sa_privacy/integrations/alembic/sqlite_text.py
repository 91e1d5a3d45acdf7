"""Reading SQLite's own record of a table or index: the statement that made it."""

from __future__ import annotations

import re
from typing import Any, Final

from sqlalchemy import Connection

__all__ = ["NAME", "bracketed", "recorded", "unquoted"]

NAME: Final = r'"(?:[^"]|"")+"|`[^`]+`|\[[^\]]+\]|\w+'
_TOKEN: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/|[(),]""", re.DOTALL)


def recorded(connection: Connection, kind: str, table: str, schema: str | None) -> dict[str, str]:
    """The statements that made a table's ``"index"``es or ``"trigger"``s, or the ``"table"``, by name, in their order."""
    quote = connection.dialect.identifier_preparer.quote
    prefix = "" if schema is None else f"{quote(schema)}."
    found = connection.exec_driver_sql(
        f"SELECT name, sql FROM {prefix}sqlite_master "  # noqa: S608 - a quoted name
        "WHERE type = ? AND tbl_name = ? COLLATE NOCASE AND sql IS NOT NULL ORDER BY rowid",
        (kind, table),
    )
    rows: list[Any] = list(found)
    return {str(name): str(sql) for name, sql in rows}


def bracketed(sql: str) -> list[tuple[int, int]]:
    """Where the items of the first list in brackets begin and end; empty where there is none."""
    items, depth, start = list[tuple[int, int]](), 0, 0
    for token in _TOKEN.finditer(sql):
        sign = token[0]
        if sign == "(":
            depth += 1
            start = token.end() if depth == 1 else start
        elif sign == "," and depth == 1:
            items.append((start, token.start()))
            start = token.end()
        elif sign == ")":
            depth -= 1
            if depth == 0:
                return [*items, (start, token.start())]
    return []


def unquoted(name: str) -> str:
    """A name as it is, from how it stands in SQL."""
    if name.startswith('"'):
        return name[1:-1].replace('""', '"')
    return name[1:-1] if name.startswith(("`", "[")) else name
