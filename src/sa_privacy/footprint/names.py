"""The catalogue, arranged for looking names up in SQL text."""

from __future__ import annotations

from collections.abc import Iterable

from sa_privacy.columns.catalogue import Catalogue, PersonalColumn, PersonalTable
from sa_privacy.footprint.lexer import Dialect, fold
from sa_privacy.footprint.relations import Relation

__all__ = ["Index", "index_of"]


class Index:
    """Look-ups over one catalogue that the judge needs again and again.

    :ivar interesting: lower-case names of protected tables and personal columns: a statement may not mention one in a
        place that the judge did not visit.
    :ivar elsewhere: whether ``SET search_path`` could make a mention mean another table than the catalogue thinks.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.interesting = frozenset(
            word
            for table in catalogue
            if table.columns
            for word in (table.table.lower(), *(column.column.lower() for column in table.columns.values()))
        )
        self.elsewhere = any(
            table.schema is not None and table not in catalogue.find(None, table.table) for table in catalogue
        )
        self._spelling: dict[int, dict[str, str]] = {
            id(table): {_short(name.lower()): name for name in (*_personal(table), *table.all_columns)}
            for table in catalogue
        }
        self._exact: dict[int, frozenset[str]] = {
            id(table): frozenset(_short(name) for name in table.all_columns) for table in catalogue
        }
        self._leading: dict[str, frozenset[str]] = _leading(catalogue)
        self._long = [t for t in catalogue if len(t.table.encode()) > 63]

    def find(self, schema: str | None, name: str) -> tuple[PersonalTable, ...]:
        """The catalogue's tables that a mention may mean. PostgreSQL cuts names at 63 bytes, and so does this."""
        found = self.catalogue.find(schema, name)
        if not found and self._long:
            found = tuple(t for t in self._long if _short(t.table).lower() == name.lower())
        return found

    def spelling(self, table: PersonalTable, column: str) -> str | None:
        """The column's name as the catalogue spells it, or None where the mapping does not know the column."""
        return self._spelling[id(table)].get(column.lower())

    def full(self, table: PersonalTable, column: str) -> str:
        """``"table.column"`` as the catalogue spells it."""
        return f"{table.name}.{self.spelling(table, column) or column}"

    def personal(self, table: PersonalTable, column: str) -> PersonalColumn | None:
        spelled = self.spelling(table, column)
        return table.columns.get(spelled.lower()) if spelled else None

    def sure(self, table: PersonalTable, column: str, dialect: Dialect) -> bool:
        """Whether the database, too, takes the name for a column of the table that the mapping knows."""
        if dialect == "sqlite":
            return column in self._spelling[id(table)]
        return column in self._exact[id(table)]

    def leads(self, table: PersonalTable, column: str) -> bool:
        """Whether the column says whose a row is, of this table or of one that leads through it."""
        return column.lower() in self._leading[table.name]

    def carried(self, relation: Relation) -> frozenset[str]:
        """The personal columns whose values a table holds because its foreign keys refer to them."""
        columns = (
            self.personal(table, column)
            for schema, name, column in relation.refers
            for table in self.find(schema, name)
        )
        return frozenset(column.name for column in columns if column is not None)

    def whole(self, tables: Iterable[PersonalTable]) -> frozenset[str]:
        """All personal columns of the tables."""
        return frozenset(column.name for table in tables for column in table.columns.values())


def _leading(catalogue: Catalogue) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {table.name: set() for table in catalogue}
    for table in catalogue:
        if table.subject is None:
            continue
        if table.subject.key is not None:
            found[table.name].add(table.subject.key.lower())
        for at, (here, there, column) in enumerate(table.subject.steps):
            if at == 0:
                found[table.name].add(here.lower())
            if there in found:
                found[there].add(column.lower())
    return {name: frozenset(columns) for name, columns in found.items()}


def _personal(table: PersonalTable) -> list[str]:
    return [column.column for column in table.columns.values()]


def _short(name: str) -> str:
    return fold(name, "postgresql", quoted=True)


def index_of(catalogue: Catalogue) -> Index:
    """The index of a catalogue, made once."""
    found: Index | None = catalogue.worked_out.get(Index)
    if found is None:
        found = catalogue.worked_out[Index] = Index(catalogue)
    return found
