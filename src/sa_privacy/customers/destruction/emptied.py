"""What the library has emptied where the row itself does not show it: a sealed value looks like any other, and so does one
that was drawn because values are unique.

Each mark names a row and what of it is empty; a row of people with a mark of its own is nobody's: a shell, or what was left
of somebody. Nothing leads from a mark to a person.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    String,
    Table,
    and_,
    cast,
    delete,
    exists,
    insert,
    literal,
    not_,
    select,
)

from sa_privacy.columns.own_tables import OWN_TABLES, own_column
from sa_privacy.customers.destruction.graph import identity_of
from sa_privacy.customers.destruction.rows import in_batches, matching

__all__ = ["EMPTIED", "NOBODYS", "forget_rows", "forget_where", "is_marked", "mark", "row_key"]

EMPTIED: Final = Table(
    "sa_privacy_emptied",
    OWN_TABLES,
    own_column("table_name", String(200), primary_key=True),
    own_column("row_key", String(400), primary_key=True),
    own_column("schedule", String(200), primary_key=True),
    own_column("column_name", String(200), primary_key=True),
)
"""One row for each row and column that a schedule has emptied unseen; with no schedule and column, for a row that is nobody's."""

NOBODYS: Final = ("", "")
"""What a mark says of a row that is nobody's, instead of a schedule and a column."""

_BETWEEN: Final = "\x1f"


def row_key(table: Table) -> ColumnElement[str]:
    """What tells a row apart, as one text."""
    first, *rest = identity_of(table)
    text: Any = cast(first, String)
    for column in rest:
        text = text + literal(_BETWEEN) + cast(column, String)
    return text  # type: ignore[no-any-return]


def is_marked(table: Table, schedule: str, column: str) -> ColumnElement[bool]:
    """The condition for rows of a table with a mark."""
    here = EMPTIED.c
    return (
        exists(select(literal(1)).select_from(EMPTIED))
        .where(
            here.table_name == table.fullname,
            here.row_key == row_key(table),
            here.schedule == schedule,
            here.column_name == column,
        )
        .correlate(table)
    )


def mark(
    connection: Connection, table: Table, keys: Collection[tuple[Any, ...]], what: Sequence[tuple[str, str]]
) -> None:
    """Marks rows.

    :param connection: of a desk that is open for everything.
    :param what: schedule and column, or :data:`NOBODYS`.
    """
    identity = identity_of(table)
    for some in in_batches(keys, len(identity)):
        for schedule, column in what:
            rows = select(literal(table.fullname), row_key(table), literal(schedule), literal(column)).where(
                matching(identity, some), not_(is_marked(table, schedule, column))
            )
            connection.execute(insert(EMPTIED).from_select([one.name for one in EMPTIED.columns], rows))


def forget_rows(connection: Connection, table: Table, keys: Collection[tuple[Any, ...]]) -> None:
    """Takes back the marks of rows that go: their keys may come again."""
    if not table.primary_key.columns:
        return  # nothing is marked there
    identity = identity_of(table)
    for some in in_batches(keys, len(identity)):
        going = select(row_key(table)).where(matching(identity, some))
        connection.execute(delete(EMPTIED).where(EMPTIED.c.table_name == table.fullname, EMPTIED.c.row_key.in_(going)))


def forget_where(
    connection: Connection, table: Table, schedule: str, columns: Sequence[Column[Any]], condition: ColumnElement[bool]
) -> None:
    """Takes back what a schedule has marked of the rows for which a condition holds."""
    here = EMPTIED.c
    theirs = and_(
        here.table_name == table.fullname,
        here.schedule == schedule,
        here.column_name.in_([str(column.name) for column in columns]),
    )
    if not columns or connection.execute(select(here.row_key).where(theirs).limit(1)).first() is None:
        return
    gone = select(row_key(table)).where(condition)
    connection.execute(delete(EMPTIED).where(theirs, here.row_key.in_(gone)))
