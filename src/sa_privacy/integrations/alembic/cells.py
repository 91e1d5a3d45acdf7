"""Whether a column holds cells: asked of the database, without a key."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.engine import Dialect

from sa_privacy.crypto.cell import NONCE_BYTES, SLOTS_BYTES, SUITE_PLAIN, SUITE_SLOTS, TAG_BYTES, VERSION
from sa_privacy.integrations.alembic.stored import on_table

__all__ = ["column_type", "has_cells", "is_cell"]

#: The first two bytes of each suite's cells, and the length of the shortest.
_SUITES: Final = tuple(
    (bytes((VERSION, suite)).hex(), 6 + slots + NONCE_BYTES + TAG_BYTES)
    for suite, slots in ((SUITE_PLAIN, 0), (SUITE_SLOTS, SLOTS_BYTES))
)


def is_cell(quoted: str, dialect: Dialect) -> str:
    """The condition that a value is a cell.

    :param quoted: the column, as it stands in SQL; BYTEA on PostgreSQL.
    """
    starts = [
        f"substr({quoted}, 1, 2) = " + (f"'\\x{start}'::bytea" if dialect.name == "postgresql" else f"x'{start}'")
        for start, _ in _SUITES
    ]
    either = " OR ".join(
        f"({start} AND length({quoted}) >= {least})" for start, (_, least) in zip(starts, _SUITES, strict=True)
    )
    return f"({either})" if dialect.name == "postgresql" else f"(typeof({quoted}) = 'blob' AND ({either}))"


def has_cells(connection: Connection, table: str, column: str, schema: str | None) -> bool:
    """Whether there is a cell in a column."""
    if column_type(connection, table, column, schema) not in {None, "bytea"}:
        return False
    quoted = connection.dialect.identifier_preparer.quote(column)
    return _any(connection, table, schema, is_cell(quoted, connection.dialect))


def column_type(connection: Connection, table: str, column: str, schema: str | None) -> str | None:
    """How a column stands in PostgreSQL, without lengths; None on SQLite, where any column takes any value."""
    if connection.dialect.name != "postgresql":
        return None
    found = connection.execute(
        text(
            "SELECT format_type(atttypid, NULL) FROM pg_catalog.pg_attribute "
            "WHERE attrelid = to_regclass(:of) AND attname = :name AND NOT attisdropped"
        ),
        {"of": on_table(connection.dialect, table, schema), "name": column},
    ).scalar()
    return str(found)


def _any(connection: Connection, table: str, schema: str | None, condition: str) -> bool:
    of = on_table(connection.dialect, table, schema)
    asked = text(f"SELECT EXISTS (SELECT 1 FROM {of} WHERE {condition})".replace(":", "\\:"))  # noqa: S608 - quoted names
    return bool(connection.execute(asked).scalar_one())
