"""The tables of a plan: what is personal in them, and which rights each role has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from sa_privacy.columns.catalogue import Catalogue, PersonalColumn
from sa_privacy.ledger import OWN_TABLES, is_append_only
from sa_privacy.walls.limits import is_own_table, read_by_frames
from sa_privacy.walls.parts import Relation, Right, WallRole
from sa_privacy.walls.reach import Reach
from sa_privacy.walls.shapes import TableShape

__all__ = ["ROWS", "Tables"]

#: What a role may do with the rows of a table.
ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE")


class Tables:
    """The tables, and what is personal in them."""

    def __init__(self, catalogue: Catalogue, shapes: tuple[TableShape, ...], schema: str) -> None:
        self._schema, self._catalogue = schema, catalogue
        self.shapes = shapes
        self._known = {(t.schema or schema, t.table): {c.lower() for c in t.all_columns} for t in catalogue}
        self._columns: dict[TableShape, dict[str, PersonalColumn]] = {}
        self._deletes: dict[TableShape, tuple[str, ...]] = {}
        self._own: set[TableShape] = set()
        for shape in shapes:
            found = catalogue.find(shape.schema, shape.table)
            self._columns[shape] = {key: column for table in found for key, column in table.columns.items()}
            self._deletes[shape] = tuple(table.name for table in found if table.columns)
            if any(is_own_table(table) for table in found):
                self._own.add(shape)

    def thing(self, shape: TableShape) -> Relation:
        return shape.schema or self._schema, shape.table

    @property
    def personal(self) -> tuple[Relation, ...]:
        return tuple(self.thing(shape) for shape in self.shapes if self._columns[shape])

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(
            f"{shape.name}.{column.name}"
            for shape in self.shapes
            if self._columns[shape]
            for column in shape.columns
            if self._is_unknown(shape, column.name)
        )

    def _is_unknown(self, shape: TableShape, column: str) -> bool:
        known = self._known.get(self.thing(shape))
        return bool(known) and column.lower() not in (known or ()) and column.lower() not in self._columns[shape]

    def nullable(self) -> tuple[str, ...]:
        """Personal columns that a new row may leave NULL."""
        return tuple(
            personal.name
            for shape in self.shapes
            for column in shape.columns
            if column.nullable and shape not in self._own
            if (personal := self._columns[shape].get(column.name.lower())) is not None
        )

    def readable(self, rights: Collection[Right], grantees: Collection[str]) -> frozenset[tuple[str, str, str]]:
        """The ``(schema, table, column)`` that these may read."""
        held = [right for right in rights if right.privilege == "SELECT" and right.grantee in grantees]
        whole = {right.thing for right in held if not right.column}
        found = {(*right.thing, right.column) for right in held if right.column}
        found |= {
            (*self.thing(shape), column.name)
            for shape in self.shapes
            if self.thing(shape) in whole
            for column in shape.columns
        }
        return frozenset(found)

    def rights(self, role: WallRole, grantees: Iterable[str]) -> Iterator[Right]:
        for shape in self.shapes:
            for grantee in grantees:
                if role.maintenance:
                    yield from self._everything(shape, grantee)
                elif shape in self._own:
                    yield from (
                        self._ledger(shape, grantee) if role.ledgers else self._frames(shape, role.reach, grantee)
                    )
                elif role.purposes or role.ledgers:
                    yield from self._covered(shape, role.reach, grantee)
                else:
                    yield from self._plain(shape, grantee)

    def _everything(self, shape: TableShape, grantee: str) -> Iterator[Right]:
        if shape in self._own:  # the desk writes them as this role; for other tables, the base role may draw numbers
            yield from self._used(shape, grantee)
        for privilege in (*ROWS, "TRUNCATE"):
            yield Right("table", self.thing(shape), grantee, privilege)

    def _ledger(self, shape: TableShape, grantee: str) -> Iterator[Right]:
        """What the desk does with the library's own tables: in a ledger, it changes and deletes nothing."""
        yield from self._used(shape, grantee)
        table = OWN_TABLES.tables.get(shape.name)
        kept = table is not None and is_append_only(table)
        for privilege in ("SELECT", "INSERT") if kept else ROWS:
            yield Right("table", self.thing(shape), grantee, privilege)

    def _frames(self, shape: TableShape, reach: Reach, grantee: str) -> Iterator[Right]:
        """What comes along with columns under people's keys."""
        read = read_by_frames(self._catalogue, reach.visible)
        for column in shape.columns:
            if f"{shape.name}.{column.name}" in read:
                yield Right("table", self.thing(shape), grantee, "SELECT", column.name)
                yield Right("schema", (self.thing(shape)[0], ""), grantee, "USAGE")

    def _used(self, shape: TableShape, grantee: str) -> Iterator[Right]:
        yield Right("schema", (self.thing(shape)[0], ""), grantee, "USAGE")
        for place, name in shape.sequences:
            for privilege in ("USAGE", "SELECT"):
                yield Right("sequence", (place or self._schema, name), grantee, privilege)

    def _plain(self, shape: TableShape, grantee: str) -> Iterator[Right]:
        thing = self.thing(shape)
        yield from self._used(shape, grantee)
        personal = self._columns[shape]
        if not personal:
            for privilege in ROWS:
                yield Right("table", thing, grantee, privilege)
            return
        for column in shape.columns:
            if column.name.lower() not in personal:
                if not self._is_unknown(shape, column.name):
                    for privilege in ("SELECT", "INSERT", "UPDATE"):
                        yield Right("table", thing, grantee, privilege, column.name)
            elif column.nullable:  # an ORM INSERT names it, with a NULL that nobody gave
                yield Right("table", thing, grantee, "INSERT", column.name)

    def _covered(self, shape: TableShape, reach: Reach, grantee: str) -> Iterator[Right]:
        thing = self.thing(shape)
        for column in shape.columns:
            personal = self._columns[shape].get(column.name.lower())
            if personal is None:
                continue
            if personal.name in reach.visible:
                yield Right("table", thing, grantee, "SELECT", column.name)
            if personal.name in reach.writes:
                yield Right("table", thing, grantee, "INSERT", column.name)
                yield Right("table", thing, grantee, "UPDATE", column.name)
        if any(name in reach.deletes for name in self._deletes[shape]):
            yield Right("table", thing, grantee, "DELETE")
