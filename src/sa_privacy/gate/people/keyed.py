"""What of a statement is about people's keys: the cells that it writes under them, and the rows that it gives to others.

Worked out once for a statement's shape, as its plan is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.footprint import Footprint, KeyPredicate

__all__ = ["Keyed"]

Bind = str | int


@dataclass(frozen=True, slots=True)
class Keyed:
    """The part of a footprint that concerns columns under people's keys.

    :param columns: those that the statement writes.
    :param tables: of the columns, and of rows that change hands.
    :param rows: the new rows of the table, each with the binds of its columns.
    :param mentions: the key predicates of each mention of the table; where there are none, all it does is insert.
    :param moves: assignments to columns that lead to a row's person: the column, and the bind of its new value.
    :param others: tables with such columns whose rows change hands with the table's.
    """

    columns: frozenset[str]
    tables: frozenset[str]
    rows: tuple[Mapping[str, Bind], ...]
    mentions: tuple[tuple[KeyPredicate, ...], ...]
    moves: tuple[tuple[str, Bind | None], ...]
    others: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """The one table that it is about."""
        return next(iter(self.tables))

    @classmethod
    def of(cls, footprint: Footprint, catalogue: Catalogue) -> Keyed | None:
        """That of a statement; None where there is none."""
        under_keys = {name for name, column in catalogue.columns.items() if column.by_subject}
        if not under_keys:
            return None
        written = {name for name, _ in footprint.stored if name in under_keys}
        holding = {catalogue.columns[name].table for name in under_keys}
        moved = {
            table for table, _, _ in footprint.moves if table in holding or _led_through(catalogue, table, holding)
        }
        tables = {catalogue.columns[name].table for name in written} | moved
        if not tables:
            return None
        others = {other for table in moved for other in _led_through(catalogue, table, holding)}
        return cls(
            frozenset(written),
            frozenset(tables),
            tuple(dict(row) for table, row in footprint.inserts if table in tables),
            tuple(predicates for table, predicates in footprint.mentions if table in tables),
            tuple((column, bind) for table, column, bind in footprint.moves if table in moved),
            tuple(sorted(others)),
        )


def _led_through(catalogue: Catalogue, table: str, holding: set[str]) -> set[str]:
    """The tables with columns under people's keys that lead to their people through rows of this one."""
    through = catalogue.by_name[table].subject
    found = set()
    for name in holding:
        subject = catalogue.by_name[name].subject
        if subject is None or name == table:
            continue
        own = through is not None and through.person and subject.kind == through.kind
        if own or any(there == table for _, there, _ in subject.steps):
            found.add(name)
    return found
