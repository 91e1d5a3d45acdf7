"""Which rows refer to which: the foreign keys of the tables, and what relationships use as such where there are none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table

from sa_privacy.columns.sqlalchemy_private import all_mappers
from sa_privacy.customers.sqlalchemy_private import pairs_of_relationship

__all__ = ["Graph", "Reference", "identity_of"]


@dataclass(frozen=True, slots=True)
class Reference:
    """Rows of one table that name rows of another, or of the same.

    :param child: the table that refers.
    :param columns: its columns that do.
    :param parent: the table referred to.
    :param targets: the columns there, in the same order.
    :param optional: the link can be cut: every row may do without it.
    """

    child: Table
    columns: tuple[Column[Any], ...]
    parent: Table
    targets: tuple[Column[Any], ...]
    optional: bool

    def __str__(self) -> str:
        return f"{self.child.fullname}.{','.join(str(column.name) for column in self.columns)}"


class Graph:
    """The references between tables.

    :param tables: all that are looked after, by full name, personal or not: rows of any may hang on rows of a person.
    """

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self.tables = dict(tables)
        self._into: dict[str, list[Reference]] = {}
        seen: set[tuple[str, tuple[str, ...], str]] = set()
        for reference in (*self._by_constraint(), *self._by_relationship()):
            key = (reference.child.fullname, tuple(str(c.name) for c in reference.columns), reference.parent.fullname)
            if key not in seen:
                seen.add(key)
                self._into.setdefault(reference.parent.fullname, []).append(reference)

    def into(self, table: Table) -> tuple[Reference, ...]:
        """The references to rows of a table."""
        return tuple(self._into.get(table.fullname, ()))

    def out_of(self, table: Table) -> tuple[Reference, ...]:
        """The references from rows of a table."""
        return tuple(one for some in self._into.values() for one in some if one.child is table)

    def goes_on_from(self, table: Table) -> Reference | None:
        """The reference by which a row is the rest of one in another table, as with joined inheritance: by its whole key."""
        own = identity_of(table)
        rest = (one for one in self.out_of(table) if one.parent is not table and one.columns == own)
        return next((one for one in rest if one.targets == identity_of(one.parent)), None)

    def moves(self, reference: Reference) -> bool:
        """Whether rows can lead elsewhere by a reference: it is no part of a key by which others refer to them."""
        own = set(reference.columns) & set(identity_of(reference.child))
        return not any(own & set(one.targets) for one in self.into(reference.child))

    def children_first(self, tables: Collection[str]) -> tuple[tuple[str, ...], tuple[Reference, ...]]:
        """An order in which rows can go, and the references that have to be cut before.

        A reference that goes round in a circle is cut, if it can be. Where none in the circle can, the database decides:
        the constraint may be deferred.
        """
        left = sorted(tables)
        cut: list[Reference] = []
        order: list[str] = []
        while left:
            held = {name: self._held_by(name, left, cut) for name in left}
            free = [name for name in left if not held[name]]
            if not free:
                loose = [one for name in left for one in held[name] if one.optional]
                if loose:
                    cut.append(loose[0])
                    continue
                free = left[:1]
            order += free
            left = [name for name in left if name not in free]
        return tuple(order), tuple(cut)

    def _held_by(self, name: str, tables: Collection[str], cut: Sequence[Reference]) -> list[Reference]:
        """The references to rows of a table, from others of these."""
        return [
            one
            for one in self._into.get(name, ())
            if one.child.fullname != name and one.child.fullname in tables and one not in cut
        ]

    def _by_constraint(self) -> Iterator[Reference]:
        for child in self.tables.values():
            for constraint in sorted(child.foreign_key_constraints, key=lambda one: sorted(one.column_keys)):
                parent = self.tables.get(constraint.elements[0].target_fullname.rpartition(".")[0])
                if parent is None:
                    continue
                columns = tuple(element.parent for element in constraint.elements)
                names = [element.target_fullname.rpartition(".")[2] for element in constraint.elements]
                targets = tuple(_column(parent, name) for name in names)
                yield Reference(child, columns, parent, targets, _is_optional(columns))

    def _by_relationship(self) -> Iterator[Reference]:
        """What relationships synchronise, a foreign key or not."""
        for mapper in all_mappers():
            if not any(self.tables.get(t.fullname) is t for t in mapper.tables if isinstance(t, Table)):
                continue
            for relationship in mapper.relationships:
                for pairs in pairs_of_relationship(relationship):
                    found = self._of_pairs(pairs)
                    if found is not None:
                        yield found

    def _of_pairs(self, pairs: Sequence[tuple[Column[Any], Column[Any]]]) -> Reference | None:
        if not pairs:
            return None
        parent: Any = pairs[0][0].table
        child: Any = pairs[0][1].table
        if any(self.tables.get(table.fullname) is not table for table in (parent, child)):
            return None
        targets, columns = tuple(one for one, _ in pairs), tuple(one for _, one in pairs)
        return Reference(child, columns, parent, targets, _is_optional(columns))


def identity_of(table: Table) -> tuple[Column[Any], ...]:
    """What tells one row of a table from the others: its primary key; all its columns where it has none, as tables
    between two others may.
    """
    return tuple(table.primary_key.columns or table.columns)


def _is_optional(columns: Collection[Column[Any]]) -> bool:
    """Whether a link can be cut: one of its columns may be NULL, and is no part of what the row is told apart by."""
    return any(column.nullable and not column.primary_key for column in columns)


def _column(table: Table, name: str) -> Column[Any]:
    """The column of this key or name."""
    found = table.columns.get(name)
    return found if found is not None else next(column for column in table.columns if column.name == name)
