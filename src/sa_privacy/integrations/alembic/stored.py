"""The lookup indexes that a database really has. Reflection does not tell: SQLite's leaves out every index over an expression."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, text
from sqlalchemy.engine import Dialect

from sa_privacy.columns.lookup_key import SLOT_BYTES, SLOTS
from sa_privacy.integrations.alembic.lookups import LookedUp, LookupIndex, Part
from sa_privacy.integrations.alembic.sqlite_text import NAME, bracketed, recorded, unquoted

__all__ = ["StoredIndex", "StoredLookup", "indexes_in", "lookups_in", "on_table"]


def _bytes(digits: str) -> str:
    return rf"(?:x'{digits}'|'\\x{digits}'(?:::bytea)?)"


#: The versions and suites that have slots.
_HEADS: Final = rf"(?:in\s*\(|=\s*any\s*\(\s*array\s*\[)\s*{_bytes('0102')}\s*,\s*{_bytes('0104')}\s*\]?\s*\)"
#: The lookup key of a column, as both databases show it.
_SLOT: Final = re.compile(
    rf"(?is)\(*\s*case\s+when\s+\(?\s*substr(?:ing)?\s*\(\s*(?P<column>{NAME})\s*,\s*1\s*,\s*2\s*\)\s*{_HEADS}"
    rf"\s*\)?\s+then\s+nullif\s*\(\s*substr(?:ing)?\s*\(\s*(?P=column)\s*,\s*(?P<start>{'|'.join(map(str, SLOTS))})"
    rf"\s*,\s*{SLOT_BYTES}\s*\)\s*,\s*{_bytes('0' * 2 * SLOT_BYTES)}\s*\)\s*(?:else\s+null(?:::bytea)?\s*)?end\s*\)*"
)
_POSTGRESQL: Final = """
SELECT c.relname::text, i.indisunique, i.indisvalid,
       ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(1, i.indnkeyatts) AS k),
       pg_get_expr(i.indpred, i.indrelid)
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = to_regclass(:of) ORDER BY 1
"""


@dataclass(frozen=True)
class StoredIndex:
    """One index of a database that was made by a statement.

    :param slot: which lookup slot it is over; None: over none, or over both.
    :param where: the condition of a partial index.
    :param sql: what made it (SQLite).
    """

    name: str
    columns: tuple[Part, ...]
    slot: int | None
    unique: bool
    valid: bool = True
    where: str | None = None
    sql: str = ""


@dataclass(frozen=True)
class StoredLookup:
    """Both indexes of a lookup, or what is there of them.

    :param names: those that are there.
    :param complete: both are, and they are alike.
    """

    index: LookupIndex
    names: frozenset[str]
    complete: bool


def on_table(dialect: Dialect, table: str, schema: str | None) -> str:
    """A table's name as it stands in SQL."""
    quote = dialect.identifier_preparer.quote
    return quote(table) if schema is None else f"{quote(schema)}.{quote(table)}"


def lookups_in(connection: Connection, table: str, schema: str | None = None) -> dict[str, StoredLookup]:
    """The lookups of a table, by name."""
    stored = {index.name: index for index in indexes_in(connection, table, schema) if index.slot is not None}
    found, seconds = {}, set[str]()
    for index in [one for one in stored.values() if one.slot == 0]:
        made = LookupIndex(
            index.name, table, index.columns, index.unique, schema, _options(connection.dialect.name, index.where)
        )
        second = stored.get(made.names[1])
        names = {index.name}
        complete = second is not None and _alike(index, second)
        if second is not None and second.slot == 1:
            names.add(second.name)
        seconds |= names
        found[index.name] = StoredLookup(made, frozenset(names), complete)
    for index in [one for one in stored.values() if one.name not in seconds]:  # its first half is missing
        name = index.name.removesuffix("_2")
        made = LookupIndex(name, table, index.columns, index.unique, schema)
        found.setdefault(name, StoredLookup(made, frozenset([index.name]), complete=False))
    return found


def indexes_in(connection: Connection, table: str, schema: str | None = None) -> Iterator[StoredIndex]:
    """The indexes of a table, without those that stand for constraints on SQLite."""
    if connection.dialect.name == "postgresql":
        rows = connection.execute(text(_POSTGRESQL), {"of": on_table(connection.dialect, table, schema)}).all()
        for name, unique, valid, parts, where in rows:
            yield _stored(name, list(parts), unique=unique, valid=valid, where=where)
    elif connection.dialect.name == "sqlite":
        yield from _of_sqlite(connection, table, schema)


def _of_sqlite(connection: Connection, table: str, schema: str | None) -> Iterator[StoredIndex]:
    for name, sql in sorted(recorded(connection, "index", table, schema).items()):
        items = bracketed(sql)
        unique = re.match(r"(?is)\s*create\s+unique\b", sql) is not None
        behind = sql[items[-1][1] + 1 :] if items else ""
        where = re.sub(r"(?is)^\s*where\s+", "", behind).strip() or None
        yield _stored(name, [sql[start:end] for start, end in items], unique=unique, where=where, sql=sql)


def _stored(name: str, parts: list[str], **said: Any) -> StoredIndex:
    columns = list[Part]()
    slots = set[int]()
    for part in parts:
        found = _SLOT.fullmatch(part.strip())
        if found is not None:
            columns.append(LookedUp(unquoted(found["column"])))
            slots.add(SLOTS.index(int(found["start"])))
        elif re.fullmatch(NAME, part.strip()):
            columns.append(unquoted(part.strip()))
        else:
            columns.append(text(part.strip().replace(":", "\\:")))
    return StoredIndex(name, tuple(columns), slots.pop() if len(slots) == 1 else None, **said)


def _alike(one: StoredIndex, other: StoredIndex) -> bool:
    same = LookupIndex("", "", one.columns, one.unique).is_like(LookupIndex("", "", other.columns, other.unique))
    return other.slot == 1 and same and one.valid and other.valid


def _options(dialect: str, where: str | None) -> dict[str, Any]:
    return {} if where is None else {f"{dialect}_where": text(where.replace(":", "\\:"))}
