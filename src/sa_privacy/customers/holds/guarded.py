"""The tables whose rows can be held, and what of a row a hold keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Enum, String, Table, UniqueConstraint

from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.columns.own_tables import OWN_CATEGORY
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.columns.subject_frame import KEY_TABLE
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.columns.subject_sealed import SubjectEncrypted
from sa_privacy.customers.owned import Owned, OwnedTable, known_tables

__all__ = ["Guarded", "guarded_tables", "is_sealed"]


@dataclass(frozen=True)
class Guarded:
    """A table whose rows can be held.

    :param name: ``"table"`` or ``"schema.table"``.
    :param owned: whose its rows are; None where nobody said.
    :param personal: its personal columns.
    :param fixed: the columns that tell its rows apart, and lead from row to row to the person.
    :param told_once: columns that do not change once something stands in them.
    :param opens: of the table of people's keys, the tables with cells under them.
    """

    name: str
    table: Table
    owned: OwnedTable | None
    personal: tuple[Column[Any], ...]
    fixed: tuple[Column[Any], ...]
    told_once: tuple[Column[Any], ...] = ()
    opens: tuple[Guarded, ...] = ()
    keys: bool = False
    """It is the table of people's keys, whose rows say themselves whose they are."""

    @property
    def under_keys(self) -> tuple[Column[Any], ...]:
        """The columns that hold cells under people's keys."""
        return tuple(column for column in self.personal if isinstance(column.type, SubjectEncrypted))

    @property
    def values(self) -> tuple[Column[Any], ...]:
        """The columns that do not change under a hold that freezes. A key may be wrapped anew."""
        return () if self.keys else self.personal

    @property
    def emptiable(self) -> tuple[Column[Any], ...]:
        """Personal columns in which an empty text says as little as NULL."""
        return tuple(c for c in self.personal if isinstance(c.type, String) and not isinstance(c.type, Enum))

    def unique(self) -> Iterator[tuple[Any, ...]]:
        """What no two rows have in common, as expressions over the table's columns.

        Always in the same order: SQLAlchemy keeps constraints and indexes in sets, and triggers are compared by their texts.
        """
        if self.table.primary_key.columns:
            yield tuple(self.table.primary_key.columns)
        constraints = [one for one in self.table.constraints if isinstance(one, UniqueConstraint)]
        for constraint in sorted(constraints, key=lambda one: [column.name for column in one.columns]):
            yield tuple(constraint.columns)
        for column in self.table.columns:
            if column.unique:
                yield (column,)
        indexes = [one for one in self.table.indexes if one.unique]
        for index in sorted(indexes, key=lambda one: (str(one.name), one.columns.keys())):
            yield tuple(index.expressions)


def guarded_tables(live: LiveCatalogue) -> dict[str, Guarded]:
    """By name, every table of the application that holds something personal or belongs to people, and that of their keys."""
    catalogue, known, owned = live.current(), known_tables(live), Owned(live)
    of_people = {one.name: one for kind in _kinds(live) for one in owned.tables(kind)}
    found: dict[str, Guarded] = {}
    for here in catalogue:
        table = known.get(here.name)
        if table is None or any(column.category == OWN_CATEGORY for column in here.columns.values()):
            continue
        fixed = {str(column.name) for column in table.primary_key.columns} | catalogue.led_to.get(here.name, set())
        if here.subject is not None:
            fixed.add(here.subject.key or here.subject.steps[0][0])
        columns = [column for column in table.columns if column.computed is None]
        found[here.name] = Guarded(
            here.name,
            table,
            of_people.get(here.name),
            tuple(column for column in columns if str(column.name).lower() in here.columns),
            tuple(column for column in columns if column.name in fixed),
        )
    if live.own:
        c, sealed = SUBJECT_KEYS.c, tuple(one for _, one in sorted(found.items()) if one.owned and one.under_keys)
        told = ((c.wrapped,), (c.id, c.kind), (c.subject,))
        found[KEY_TABLE] = Guarded(KEY_TABLE, SUBJECT_KEYS, None, *told, sealed, keys=True)
    return dict(sorted(found.items()))


def _kinds(live: LiveCatalogue) -> list[str]:
    return sorted({kind for _, kind in live.current().holders.values()})


def is_sealed(column: Column[Any]) -> bool:
    """Whether cells are stored in it."""
    return isinstance(column.type, Encrypted)
