"""The catalogue: which tables and columns hold personal data, and whose.

Tables are found by schema and name, not by identity, so that a reflected, automapped or schema-translated copy of a
protected table is as protected as the original.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.types import TypeEngine

__all__ = ["Catalogue", "PersonalColumn", "PersonalTable", "SubjectPath"]


@dataclass(frozen=True, slots=True)
class PersonalColumn:
    """One personal column.

    :param name: ``"table.column"`` or ``"schema.table.column"``; the one spelling used in footprints, errors, events.
    :param category: the policy's category.
    :param purposes: narrows the purposes that the policy allows for the category; None leaves them all.
    :param sealed: the stored value is a cell.
    :param field: the logical field id that seals are bound to.
    :param searchable: it is sealed, and its cells have lookup slots.
    :param by_subject: it is sealed under the keys of the people whose rows they are.
    """

    name: str
    table: str
    column: str
    category: str
    purposes: frozenset[str] | None = None
    sealed: bool = False
    field: str = ""
    searchable: bool = False
    by_subject: bool = False


@dataclass(frozen=True, slots=True)
class SubjectPath:
    """How a row leads to the person it belongs to.

    :param kind: the kind of subject, e.g. ``"customer"``.
    :param key: the column of this very table that holds the subject's key (its own key, or the foreign key to the
        person), or None where the way is longer than one step.
    :param steps: for longer ways, the foreign keys to follow: ``(column here, table there, column there)``.
    :param type: of the person's own key: what the application calls it may be another value than the database holds.
    :param person: this very row is the person.
    """

    kind: str
    key: str | None
    steps: tuple[tuple[str, str, str], ...] = ()
    type: TypeEngine[Any] | None = field(default=None, compare=False, repr=False)
    person: bool = field(default=False, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PersonalTable:
    """A table that holds personal columns, or belongs to a data subject.

    :param name: ``"table"`` or ``"schema.table"``.
    :param columns: the personal columns by lower-case column name.
    :param all_columns: every column name of the table as mapped, in table order (a database may have more).
    """

    name: str
    schema: str | None
    table: str
    columns: Mapping[str, PersonalColumn] = field(default_factory=dict)
    all_columns: tuple[str, ...] = ()
    subject: SubjectPath | None = None


class Catalogue:
    """An immutable snapshot of all tables with personal data that one policy looks after.

    :param tables: the tables that hold personal data or belong to a data subject.
    :param plain: ``(schema, table)`` of tables known to hold none.
    """

    def __init__(
        self, tables: tuple[PersonalTable, ...] = (), plain: frozenset[tuple[str | None, str]] = frozenset()
    ) -> None:
        self.tables = tables
        self.columns: dict[str, PersonalColumn] = {c.name: c for t in tables for c in t.columns.values()}
        self._by_name: dict[str, list[PersonalTable]] = {}
        for table in tables:
            self._by_name.setdefault(table.table.lower(), []).append(table)
        #: By full name.
        self.by_name: dict[str, PersonalTable] = {table.name: table for table in tables}
        #: For each table that belongs to data subjects, the column that holds the subject's key at the end of the way,
        #: and the kind of subject: ``order_items`` lead to ``("orders.customer_id", "customer")``.
        self.holders: dict[str, tuple[str, str]] = {
            table.name: holder for table in tables if (holder := self._holder(table, ())) is not None
        }
        #: Of what type the keys of people are, by kind.
        self.key_types: dict[str, TypeEngine[Any]] = {
            table.subject.kind: table.subject.type
            for table in tables
            if table.subject is not None and table.subject.type is not None
        }
        #: For each table, the columns that others lead to on the way to their subject.
        self.led_to: dict[str, set[str]] = {}
        for table in tables:
            for _, there, column in table.subject.steps if table.subject is not None else ():
                self.led_to.setdefault(there, set()).add(column)
        #: What other rooms have worked out of it, each under a name of its own: it goes when the catalogue goes.
        self.worked_out: dict[Hashable, Any] = {}
        self._plain = frozenset(((s.lower() if s else None), t.lower()) for s, t in plain)

    def __iter__(self) -> Iterator[PersonalTable]:
        return iter(self.tables)

    def _holder(self, table: PersonalTable, seen: tuple[str, ...]) -> tuple[str, str] | None:
        subject = table.subject
        if subject is None or table.name in seen:
            return None
        if subject.key is not None:
            return f"{table.name}.{subject.key}", subject.kind
        after = self.by_name.get(subject.steps[0][1]) if subject.steps else None
        return None if after is None else self._holder(after, (*seen, table.name))

    def find(self, schema: str | None, table: str) -> tuple[PersonalTable, ...]:
        """The tables a mention may mean; several where it cannot be told apart, none where it is not personal.

        A mention counts whatever its case. An exact schema wins; a schema nobody declared may be a translation of
        any, so it means them all.
        """
        candidates = self._by_name.get(table.lower())
        if not candidates:
            return ()
        wanted = schema.lower() if schema else None
        exact = tuple(t for t in candidates if (t.schema.lower() if t.schema else None) == wanted)
        if exact:
            return exact
        if (wanted, table.lower()) in self._plain:
            return ()
        return tuple(candidates)

    def without(self, tables: Collection[str]) -> Catalogue:
        """The same, as if these tables were known to hold nothing personal."""
        left_out = {(table.schema, table.table) for table in self.tables if table.name in tables}
        return Catalogue(tuple(t for t in self.tables if t.name not in tables), self._plain | left_out)

    def is_plain(self, schema: str | None, table: str) -> bool:
        """Whether the mapped metadata knows this very table, and knows it to hold nothing personal."""
        return ((schema.lower() if schema else None), table.lower()) in self._plain and not self.find(schema, table)

    def owns(self, schema: str | None, table: str) -> bool:
        """Whether a mention of the table needs judging."""
        return bool(self.find(schema, table))
