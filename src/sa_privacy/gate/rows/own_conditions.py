"""What makes a row the subject's, as SQL: for what SQLAlchemy builds, and for questions to the database."""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Column, ColumnElement, MetaData, Select, Table, bindparam, select

from sa_privacy.access import Access
from sa_privacy.columns.annotation import annotated_tables
from sa_privacy.columns.catalogue import Catalogue, PersonalTable
from sa_privacy.columns.sqlalchemy_private import all_mappers
from sa_privacy.gate.people.key_types import as_own_type
from sa_privacy.gate.people.people import OWNER_BIND
from sa_privacy.gate.rows.own_rows import key_of

__all__ = ["OwnRows", "Theirs", "ask_for_own_keys", "condition_of_person", "own_condition", "table_named"]

#: What is said of a person: takes the stored column that holds their key, and the expression for it.
Theirs = Callable[[Any, Any], Any]


class OwnRows(NamedTuple):
    """That a row is the subject's.

    :param key: the parameter in it that holds the subject's key.
    """

    condition: ColumnElement[bool]
    key: BindParameter[Any]


def own_condition(
    table: Table, columns: Any, known: PersonalTable, catalogue: Catalogue, access: Access
) -> OwnRows | None:
    """That a row of `table` is the subject's; None where they have none there, or where the way to them cannot be told.

    :param columns: the table, or an alias of it.
    :param known: what the catalogue knows of the table.
    """
    key = key_of(access, known.subject.kind, catalogue) if known.subject is not None else None
    if key is None:
        return None
    asked: list[BindParameter[Any]] = []

    def is_theirs(stored: Column[Any], here: Any) -> Any:
        asked.append(_bound(stored, key))
        return here == asked[0]

    condition = condition_of_person(table, columns, known, catalogue, is_theirs)
    return OwnRows(condition, asked[0]) if condition is not None else None


def condition_of_person(
    table: Table, columns: Any, known: PersonalTable, catalogue: Catalogue, theirs: Theirs
) -> ColumnElement[bool] | None:
    """What `theirs` says of the person that a row of `table` leads to, however far; None where the way cannot be told.

    :param columns: the table, or an alias of it.
    :param theirs: takes the column of the table that holds the person's key, and the expression for it.
    """
    subject = known.subject
    if subject is None or not (subject.key or subject.steps):
        return None
    here = _column(columns, subject.key or subject.steps[0][0])
    if here is None:
        return None
    if subject.key is not None:
        stored = _column(table, subject.key)
        return None if stored is None else theirs(stored, here)
    name, there, key = subject.steps[0]
    column = _column(table, name)
    after = next((fk.column.table for fk in column.foreign_keys), None) if column is not None else None
    if not isinstance(after, Table) or after.fullname != there:
        after = table.metadata.tables.get(there)
    if after is None or there not in catalogue.by_name:
        return None
    rows = after.alias()  # of its own, so that nothing around it is correlated with it
    value = _column(rows, key)
    condition = condition_of_person(after, rows, catalogue.by_name[there], catalogue, theirs)
    if value is None or condition is None:
        return None
    return here.in_(select(value).where(condition).correlate(None))  # type: ignore[no-any-return]


def _own_values(table: Table, name: str, catalogue: Catalogue, access: Access) -> Select[Any] | None:
    rows = table.alias()
    value = _column(rows, name)
    found = (own_condition(table, rows, known, catalogue, access) for known in catalogue.find(table.schema, table.name))
    own = next((one for one in found if one is not None), None)
    return None if value is None or own is None else select(value).where(own.condition).correlate(None)


def _column(columns: Any, name: str) -> Any:
    """The column of this name in the database, whatever its key."""
    return next((column for column in columns.c if column.name == name), None)


def _bound(column: Column[Any], key: object) -> BindParameter[Any]:
    """The key as the column's own type, since applications often hold keys as text."""
    return bindparam(OWNER_BIND, as_own_type(key, column.type), type_=column.type, unique=True)


def ask_for_own_keys(
    context: Any, catalogue: Catalogue, metadata: Collection[MetaData] | None, access: Access
) -> Callable[[str, str, Collection[Any]], Collection[Any]]:
    """Asks the database, in the transaction of the statement that waits, which rows are the subject's.

    :param context: of the statement that waits.
    :param metadata: the MetaData collections looked after; None means all.
    """

    def ask(name: str, key: str, wanted: Collection[Any]) -> Collection[Any]:
        written = getattr(getattr(context.compiled, "statement", None), "table", None)
        table = table_named(name, metadata, near=written)
        keys = _own_values(table, key, catalogue, access) if table is not None else None
        if keys is None:
            return ()
        value = keys.selected_columns[0]
        found: Collection[Any] = context.root_connection.scalars(keys.where(value.in_(list(wanted)))).all()
        return found

    return ask


def table_named(name: str, metadata: Collection[MetaData] | None, *, near: object = None) -> Table | None:
    """The table of that name that the models show.

    :param metadata: the MetaData collections looked after; None means all.
    :param near: a table whose MetaData is asked first.
    """
    mapped = (table for mapper in all_mappers() for table in mapper.tables if isinstance(table, Table))
    collections = [table.metadata for table in chain(annotated_tables(), mapped)]
    first = [near.metadata] if isinstance(near, Table) else []
    for collection in dict.fromkeys([*first, *collections]):
        table = collection.tables.get(name)
        if table is not None and (metadata is None or collection in metadata):
            return table
    return None
