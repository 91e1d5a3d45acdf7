"""Whether a column holds cells: asked of the database, without a key."""

from __future__ import annotations

from sqlalchemy import Connection, text

from sa_privacy.columns.stored import cell_condition
from sa_privacy.integrations.alembic.stored import on_table

__all__ = ["column_type", "has_cells"]


def has_cells(connection: Connection, table: str, column: str, schema: str | None) -> bool:
    """Whether there is a cell in a column."""
    if column_type(connection, table, column, schema) not in {None, "bytea"}:
        return False
    quoted = connection.dialect.identifier_preparer.quote(column)
    return _any(connection, table, schema, cell_condition(quoted, connection.dialect))


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
