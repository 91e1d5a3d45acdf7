"""Whose rows are where: for each kind of person the tables that hold something of theirs, and the way from a row to them.

Giving data away and answering a person read the same rows by the same ways, so that none of them can leave out a table that
the other knows. The ways are the catalogue's: a new table or column of the models counts as soon as it is mapped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, FromClause, Select, Table, select

from sa_privacy.columns.annotation import annotated_tables, annotation_of
from sa_privacy.columns.catalogue import Catalogue, PersonalColumn, PersonalTable
from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.columns.own_tables import OWN_CATEGORY
from sa_privacy.columns.sqlalchemy_private import all_mappers
from sa_privacy.crypto.pseudonym import canonical

__all__ = ["AT_ONCE", "Owned", "OwnedRow", "OwnedTable", "categories_read", "in_batches", "known_tables", "same_key"]

AT_ONCE: Final = 500
"""How many people one statement asks for."""

_KEY: Final = "sa_privacy_owner"


@dataclass(frozen=True, slots=True)
class OwnedRow:
    """What one row holds of a person.

    :param owner: whose it is; compare with :func:`same_key`.
    :param identity: its primary key by column name, without parts that are personal themselves.
    :param values: what was asked for, by column name.
    """

    owner: str
    identity: Mapping[str, Any]
    values: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<OwnedRow {', '.join(self.values)}>"


@dataclass(frozen=True, slots=True)
class OwnedTable:
    """A table whose rows belong to people of one kind.

    :param name: ``"table"`` or ``"schema.table"``.
    :param kind: of the people, e.g. ``"customer"``.
    :param columns: its personal columns, in table order.
    :param steps: from a row to the one that holds the person's key: ``(column here, table there, column there)``.
    :param key: the column, at the end of the steps, that holds the person's key.
    :param single: it holds at most one row for each person, as the person's own table does.
    :param passed: the personal columns that the steps and the key are.
    :param person: its rows are the people themselves.
    """

    name: str
    kind: str
    columns: tuple[PersonalColumn, ...]
    steps: tuple[tuple[str, str, str], ...]
    key: str
    single: bool
    passed: tuple[PersonalColumn, ...] = ()
    person: bool = False
    _tables: tuple[Table, ...] = field(default=(), repr=False, compare=False)

    @property
    def table(self) -> Table:
        """As SQLAlchemy knows it, with the types that open what is sealed."""
        return self._tables[0]

    @property
    def way(self) -> tuple[Table, ...]:
        """The table, and those that the steps lead to."""
        return self._tables

    def holding(self, categories: Collection[str]) -> tuple[PersonalColumn, ...]:
        """Those of the columns that hold something of these categories."""
        return tuple(column for column in self.columns if column.category in categories)

    def plain(self) -> tuple[str, ...]:
        """The columns that are not personal and are not there to hold rows together: an order's date, its status."""
        personal = {column.column for column in self.columns}
        return tuple(
            str(column.name)
            for column in self.table.columns
            if column.name not in personal and not column.primary_key and not column.foreign_keys
        )

    def select(self, keys: Collection[object], columns: Sequence[str]) -> Select[Any]:
        """The rows of these people, whose key comes first, then the primary key, then the columns.

        :param keys: of the people, at most :data:`AT_ONCE`.
        :param columns: by name.
        """
        source: FromClause = self.table
        here: FromClause = self.table
        for (name, _, there), table in zip(self.steps, self._tables[1:], strict=True):
            after = table.alias()  # a way may pass a table twice
            source = source.join(after, _column(here, name) == _column(after, there))
            here = after
        owner = _column(here, self.key)
        order = self.identity()
        return (
            select(owner.label(_KEY), *order, *(_column(self.table, name).label(None) for name in columns))
            .select_from(source)
            .where(owner.in_(list(keys)))
            .order_by(*order)
        )

    def belonging_to(self, keys: Collection[object]) -> ColumnElement[bool]:
        """The condition for the rows of these people, over the table itself.

        :param keys: of the people, at most :data:`AT_ONCE`.
        """
        here: FromClause = self._tables[-1].alias() if self.steps else self.table
        condition: ColumnElement[bool] = _column(here, self.key).in_(list(keys))
        for at in reversed(range(len(self.steps))):
            name, _, there = self.steps[at]
            led_to = select(_column(here, there)).where(condition)
            here = self._tables[at].alias() if at else self.table  # a way may pass a table twice
            condition = _column(here, name).in_(led_to)
        return condition

    def identity(self) -> tuple[Column[Any], ...]:
        """The primary key, without parts that are personal themselves."""
        personal = {column.column for column in self.columns}
        return tuple(column for column in self.table.primary_key.columns if column.name not in personal)

    def rows(self, connection: Connection, keys: Iterable[object], columns: Sequence[str]) -> Iterator[OwnedRow]:
        """What these columns hold of these people, read through the gate like everything else.

        :param connection: of an open desk, which reads :func:`categories_read` of the columns.
        :param keys: of the people, as their own rows have them.
        :param columns: by name, personal or not.
        """
        names = [str(column.name) for column in self.identity()]
        for some in in_batches(keys):
            for found in connection.execute(self.select(some, columns)).all():  # one event for all rows
                row = tuple(found)
                identity = dict(zip(names, row[1 : 1 + len(names)], strict=True))
                yield OwnedRow(same_key(row[0]), identity, dict(zip(columns, row[1 + len(names) :], strict=True)))


def in_batches(keys: Iterable[Any]) -> Iterator[list[Any]]:
    """Things in lists of :data:`AT_ONCE`."""
    pending: list[Any] = []
    for key in keys:
        pending.append(key)
        if len(pending) == AT_ONCE:
            yield pending
            pending = []
    if pending:
        yield pending


def categories_read(table: OwnedTable, columns: Iterable[PersonalColumn]) -> frozenset[str]:
    """What a desk has to read so that these columns of a table can be: their categories, and those of the way."""
    return frozenset(column.category for column in (*columns, *table.passed))


def same_key(key: object) -> str:
    """One text for a key, whatever type it came in: 7 and "7" are one person."""
    try:
        return canonical(key)
    except (TypeError, ValueError):  # a value of the application's own
        return str(key)


class Owned:
    """Finds the tables of people of a kind.

    :param live: the catalogue of the moment.
    """

    def __init__(self, live: LiveCatalogue) -> None:
        self._live = live
        self._known: tuple[Catalogue, dict[str, tuple[OwnedTable, ...]]] | None = None

    def tables(self, kind: str) -> tuple[OwnedTable, ...]:
        """The tables that hold something of people of this kind: their own first, then by name."""
        catalogue = self._live.current()
        if self._known is None or self._known[0] is not catalogue:
            self._known = (catalogue, _all_owned(catalogue, self._live))
        return self._known[1].get(kind, ())

    def nobodys(self) -> tuple[PersonalColumn, ...]:
        """The personal columns of tables of which nobody said whose they are: they are given to nobody, and no person
        asking for their data is shown them.
        """
        catalogue = self._live.current()
        loose = [table for table in catalogue if table.name not in catalogue.holders]
        return tuple(c for table in loose for c in table.columns.values() if c.category != OWN_CATEGORY)


def _all_owned(catalogue: Catalogue, live: LiveCatalogue) -> dict[str, tuple[OwnedTable, ...]]:
    known = known_tables(live)
    found: dict[str, list[OwnedTable]] = {}
    for table in catalogue:
        if table.name in catalogue.holders and table.name in known:
            owned = _owned(table, catalogue, known)
            found.setdefault(owned.kind, []).append(owned)
    people = {table.name for table in catalogue if table.subject is not None and table.subject.person}
    own = {name for name in people if known.get(name) is not None and not _goes_on(known[name])}
    return {
        kind: tuple(sorted(tables, key=lambda one: (one.name not in own, not one.single, one.name)))
        for kind, tables in found.items()
    }


def _goes_on(table: Table) -> bool:
    """Whether its rows are the rest of rows of another table, as with joined inheritance."""
    return any(column.foreign_keys for column in table.primary_key.columns)


def _owned(table: PersonalTable, catalogue: Catalogue, known: Mapping[str, Table]) -> OwnedTable:
    """One table, with the shortest way to a row that holds the person's key."""
    steps: list[tuple[str, str, str]] = []
    here = table
    passed: list[str] = []
    while here.subject is not None and here.subject.key is None:
        step = here.subject.steps[0]
        steps.append(step)
        passed += [f"{here.name}.{step[0]}", f"{step[1]}.{step[2]}"]
        here = catalogue.by_name[step[1]]
    holder, kind = catalogue.holders[table.name]
    key = holder.rpartition(".")[2]
    order = {name.lower(): at for at, name in enumerate(table.all_columns)}
    return OwnedTable(
        table.name,
        kind,
        tuple(sorted(table.columns.values(), key=lambda column: order.get(column.column.lower(), len(order)))),
        tuple(steps),
        key,
        not steps and [column.name for column in known[table.name].primary_key.columns] == [key],
        tuple(catalogue.columns[name] for name in dict.fromkeys([*passed, holder]) if name in catalogue.columns),
        table.subject is not None and table.subject.person,
        (known[table.name], *(known[there] for _, there, _ in steps)),
    )


def known_tables(live: LiveCatalogue) -> dict[str, Table]:
    """By name, of several of the same name the one that knows most of its columns."""
    mapped = [table for mapper in all_mappers() for table in mapper.tables if isinstance(table, Table)]
    collections = {table.metadata for table in (*annotated_tables(), *mapped)} | set(live.metadata or ())
    found: dict[str, Table] = {}
    for table in (table for collection in collections for table in collection.tables.values()):
        if live.looks_after(table):
            other = found.get(str(table.fullname))
            if other is None or _told(table) > _told(other):
                found[str(table.fullname)] = table
    return found


def _told(table: Table) -> tuple[int, int]:
    said = sum(1 for column in table.columns if annotation_of(column) is not None)
    return said, len(table.primary_key.columns)


def _column(source: FromClause, name: str) -> Any:
    """The column of this name in the database, whatever its key."""
    return next(column for column in source.c if column.name == name)
