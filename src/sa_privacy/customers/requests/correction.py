"""Correcting what is wrong in a person's own row, through the gate. The values stand nowhere but in the row itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ClauseElement, Connection, inspect, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, ProgrammingError, StatementError
from sqlalchemy.orm import Session

from sa_privacy.columns.catalogue import PersonalColumn
from sa_privacy.columns.sealed import SealFailed
from sa_privacy.customers.owned import Owned, OwnedRow, OwnedTable, categories_read, same_key
from sa_privacy.errors import RequestRefused
from sa_privacy.ledger import Desk, find_person

__all__ = ["correct_row"]


def correct_row(
    desk: Desk,
    owned: Owned,
    session: Session | Connection,
    subject: tuple[str, str],
    changes: Mapping[str, object],
    row: object,
) -> None:
    """Writes new values into one row of a person.

    :param subject: kind and key.
    :param changes: ``"table.column"`` and the new value.
    :param row: its primary key; None where they have one row in the table.
    :raises RequestRefused: a column is not personal, or not of the same table; or there is no such row of theirs.
    """
    table = _table(owned, subject[0], changes)
    columns = {name.rpartition(".")[2]: value for name, value in changes.items()}
    changed = [column for column in table.columns if column.column in columns]
    if any(hasattr(value, "__clause_element__") or isinstance(value, ClauseElement) for value in columns.values()):
        raise RequestRefused("what is corrected is a plain value, not an expression.", hint="give the value itself.")
    leading = {table.key} if not table.steps else {table.steps[0][0]}
    if leading & columns.keys():
        raise RequestRefused("whose a row is, is no matter of correction.", hint="leave that column out.")
    reads = categories_read(table, ())
    writes = {column.category for column in changed}
    with desk.open(session, reads=reads, writes=writes, subjects=[subject]) as connection:
        person = find_person(desk, connection, subject)
        found = _row(list(table.rows(connection, [person.key], ())), row)
        keys = [column == found.identity[str(column.name)] for column in table.identity()]
        if not keys:
            raise RequestRefused(
                f"a row of {table.name} cannot be told from the others.",
                hint="correct it in the application, and answer the request.",
            )
        values = {column: columns[str(column.name)] for column in table.table.columns if column.name in columns}
        with _taken(changed):
            written = connection.execute(update(table.table).where(*keys).values(values)).rowcount
        if written != 1:
            raise RequestRefused("the row has gone a moment ago.", hint="begin the transaction again.")
    if isinstance(session, Session):
        _expire(session, table, found, columns)


@contextmanager
def _taken(changed: Iterable[PersonalColumn]) -> Iterator[None]:
    """Says so where a column does not take its new value: of a wrong type, too long, none where there must be one, taken.

    :raises RequestRefused: it does not.
    """
    try:
        yield
    except (StatementError, SealFailed) as error:
        if isinstance(error, DBAPIError) and not _is_about_values(error):
            raise
        names = tuple(column.name for column in changed)
        raise RequestRefused(
            f"{', '.join(names)}: a new value is not one that the column takes.",
            hint="a value of the column's own type, that its constraints allow; nothing was changed.",
            columns=names,
        ) from None


def _is_about_values(error: DBAPIError) -> bool:
    """Whether a database refuses what it was given, and would again: SQLSTATE of the classes 22 and 23, or its kind."""
    state = getattr(error.orig, "sqlstate", None) or ""
    refused = isinstance(error, (IntegrityError, DataError, ProgrammingError, InterfaceError))
    return not error.connection_invalidated and (refused or state[:2] in ("22", "23"))


def _table(owned: Owned, kind: str, changes: Mapping[str, object]) -> OwnedTable:
    """The one table of the columns."""
    if not isinstance(changes, Mapping):
        raise RequestRefused("what is to be changed is not said.", hint='{"customers.address": "..."}.')
    known = {column.name: table for table in owned.tables(kind) for column in table.columns}
    tables = {known[name].name: known[name] for name in changes if name in known}
    if not changes or not known.keys() >= changes.keys() or len(tables) != 1:
        raise RequestRefused(
            "what is corrected are personal columns of one table of the person's.",
            hint=f"of {', '.join(sorted(known))}.",
        )
    return next(iter(tables.values()))


def _row(rows: list[OwnedRow], wanted: object) -> OwnedRow:
    """The row that is meant."""
    if wanted is None:
        found = rows if len(rows) == 1 else []
    else:
        key = tuple(wanted) if isinstance(wanted, (list, tuple)) else (wanted,)
        found = [row for row in rows if [*map(same_key, row.identity.values())] == [*map(same_key, key)]]
    if not found:
        raise RequestRefused(
            "there is no such row of this person's, or there are several.",
            hint="row=...: the primary key of the row, as the file shows it.",
        )
    return found[0]


def _expire(session: Session, table: OwnedTable, row: OwnedRow, columns: Mapping[str, object]) -> None:
    """What the session holds of the row is out of date."""
    for instance in list(session):
        mapper: Any = inspect(instance).mapper
        if table.table not in mapper.tables:
            continue
        identity = [
            mapper.get_property_by_column(column).key
            for column in table.identity()
            if column in mapper.columns.values()
        ]
        state = inspect(instance)
        if [same_key(state.dict.get(name)) for name in identity] == [*map(same_key, row.identity.values())]:
            names = [prop.key for prop in mapper.column_attrs if any(column.name in columns for column in prop.columns)]
            session.expire(instance, names)
