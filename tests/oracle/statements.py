"""Draws SQLAlchemy statements: Core and ORM queries and changes, as applications build them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    Integer,
    Text,
    column,
    delete,
    except_,
    func,
    intersect,
    lateral,
    literal,
    select,
    true,
    union,
    union_all,
    update,
    values,
)
from sqlalchemy.dialects import postgresql, sqlite

from tests.oracle.choices import Choices, part
from tests.oracle.entities import entity_query
from tests.oracle.expressions import Expressions, Level, Source
from tests.oracle.world import TABLES, VIEW_TABLES, Base, Type

__all__ = ["Statements"]

_OPERATORS: Final = (union, union_all, except_, intersect)


def of_columns(element: Any, columns: Sequence[Any], *, entity: bool = False) -> Source:
    """A source, its columns sorted by what they hold."""
    texts = [one for one in columns if isinstance(one.type, Text)]
    return Source(element, {"text": texts, "int": [c for c in columns if isinstance(c.type, Integer)]}, entity)


class Statements(Expressions):
    """Draws statements.

    :param choices: where they are drawn from.
    :param views: whether views are among the sources.
    """

    def __init__(self, choices: Choices, dialect: str, *, views: bool = True) -> None:
        super().__init__(choices, dialect)
        tables = Base.metadata.tables
        self.tables = [tables[name] for name in ("products", "tags", *TABLES)]
        self.relations = [*self.tables, *([*VIEW_TABLES.values()] if views else ())]

    def statement(self) -> Any:
        pick = self.below(14)
        if pick <= 4:
            return self.query(Level(), None, 3)
        if pick <= 8:
            return entity_query(self)
        return [self.update, self.update, self.delete, self.insert, self.insert][pick - 9]()

    # queries

    @part
    def query(self, level: Level, kinds: Sequence[Type] | None, depth: int) -> Any:
        """A query, sometimes with WITH queries of its own or a set operation."""
        level = Level([], level, list(level.ctes))
        if depth > 1 and self.chance(25):
            level.ctes.append(self.recursive(level) if self.chance(25) else self.cte(level, depth - 1))
        if depth > 1 and self.chance(15):
            kinds = kinds or [self.kind() for _ in range(1 + self.below(2))]
            # Inside parts, ORDER BY and LIMIT need brackets, which SQLite does not take.
            parts = [self.select(Level([], level, level.ctes), kinds, 1, bare=True) for _ in range(2)]
            both = self.one(_OPERATORS)(*parts)
            return both.order_by("k0") if self.chance(30) else both
        return self.select(level, kinds, depth)

    def subquery(self, outer: Level, kinds: Sequence[Type], depth: int) -> Any:
        return self.select(Level([], outer, outer.ctes), kinds, depth, bare=True, flat=True)

    @part
    def cte(self, level: Level, depth: int) -> Source:
        name = self.one(["recent", "people", "orders", "products", "x"])
        name = name if self.chance(20) else f"{name}_{len(level.ctes)}"
        made = self.query(Level([], None, level.ctes), None, depth).cte(name)
        return of_columns(made, list(made.c))

    @part
    def recursive(self, level: Level) -> Source:
        start = self.select(Level([], None, level.ctes), ["int", "text"], 1, bare=True)
        tree = start.cte(self.one(["tree", "people_tree"]), recursive=True)
        step = self.one([t for t in self.tables if any(isinstance(c.type, Text) for c in t.c)]).alias()
        text = next(c for c in step.c if isinstance(c.type, Text))
        tree = tree.union_all(select(step.c.id.label("k0"), text.label("k1")).join(tree, tree.c.k0 > step.c.id))
        return of_columns(tree, list(tree.c))

    @part
    def select(
        self, level: Level, kinds: Sequence[Type] | None, depth: int, *, bare: bool = False, flat: bool = False
    ) -> Any:
        """One SELECT.

        :param bare: without ORDER BY and LIMIT.
        :param flat: from one source, so that it fits anywhere.
        """
        came_from = self.joined(level, 0 if flat else depth)
        if kinds is None and self.chance(15):
            everything = [c for source in level.sources[:1] for found in source.columns.values() for c in found]
            return select(*everything).select_from(came_from)
        kinds = kinds or [self.kind() for _ in range(1 + self.below(3))]
        grouped = not bare and self.chance(18)
        items: list[Any] = []
        for number, kind in enumerate(kinds):
            if grouped and number:
                items.append(self.aggregate(level, kind).label(f"k{number}"))
            elif grouped:
                found = self.column(level, kind, here=True)
                items.append((literal("a", Text) if found is None else found).label("k0"))
            elif not bare and self.chance(8):
                items.append(self.window(level, kind, depth).label(f"k{number}"))
            else:
                items.append(self.expression(level, kind, depth - 1).label(f"k{number}"))
        query = select(*items).select_from(came_from)
        if self.chance(55):
            query = query.where(self.condition(level, depth - 1))
        if grouped:
            query = query.group_by(items[0].element)
            return query.having(self.aggregate(level, "int") > 1) if self.chance(40) else query
        if self.chance(12):
            query = query.distinct()
        elif not bare and self.chance(25):
            order = self.column(level, self.kind(), here=True)
            keys = [items[0], *([] if order is None else [order, order.desc().nulls_last()])]
            query = query.order_by(self.one(keys))
        return query.limit(1 + self.below(9)).offset(self.one([None, 1])) if not bare and self.chance(20) else query

    @part
    def joined(self, level: Level, depth: int) -> Any:
        first = self.source(level, depth)
        level.sources.append(first)
        came_from = first.element
        for _ in range(self.one([0, 0, 0, 1, 1, 2]) if depth > 0 else 0):
            if self.pg and self.chance(15):
                inner = lateral(self.subquery(Level(level.sources, level.outer, level.ctes), [self.kind()], 1))
                level.sources.append(of_columns(inner, list(inner.c)))
                came_from = came_from.join(inner, true())
                continue
            right = self.source(level, depth - 1)
            level.sources.append(right)
            condition = self.condition(Level(level.sources), 0)
            options = self.one([{}, {"isouter": True}, {"full": True}])
            ends = [self.column(Level([one]), "int", here=True) for one in level.sources[-2:]]
            if "full" in options and all(end is not None for end in ends):  # PostgreSQL takes equalities only
                condition = ends[0] == ends[1]
            came_from = came_from.join(right.element, condition, **options)
        return came_from

    @part
    def source(self, level: Level, depth: int) -> Source:
        """One more thing to select from."""
        # A WITH query that nothing uses is not rendered.
        if level.ctes and self.chance(60):
            return self.named_again(level, self.one(level.ctes))
        pick = self.below(10)
        if pick == 9 and depth > 1:
            inner = self.query(Level([], None, level.ctes), None, depth - 1).subquery()
            return of_columns(inner, list(inner.c))
        if pick == 8 and self.pg and self.chance(30):
            rows = values(column("a", Integer), column("b", Text), name=f"v{len(level.sources)}")
            made = rows.data([(1, "a"), (2, "b")])
            return of_columns(made, list(made.c))
        table = self.one(self.relations)
        used = {id(source.element) for outer in _levels(level) for source in outer.sources}
        if id(table) in used or level.outer is not None or self.chance(60):
            table = table.alias(self.one([None, f"orders_{len(used)}", f"email_{len(used)}"]))
        return of_columns(table, list(table.c))

    def named_again(self, level: Level, cte: Source) -> Source:
        if any(source.element is cte.element for outer in _levels(level) for source in outer.sources):
            again = cte.element.alias()
            return of_columns(again, list(again.c))
        return cte

    # changes

    def target(self) -> Any:
        return self.one(self.tables)

    def returning(self, statement: Any, source: Source) -> Any:
        if not self.chance(35):
            return statement
        if self.chance(15):
            return statement.returning(source.element)
        # No parameters: SQLAlchemy does not render them in here when it is asked for literals.
        found = self.column(Level([source]), self.kind(), here=True)
        return statement.returning(self.one([found, func.coalesce(found, found).label("r")]))

    def value(self, level: Level, into: Any, depth: int) -> Any:
        """Something to write into a column: mostly a constant, since values may not be copied between columns."""
        kind: Type = "text" if isinstance(into.type, Text) else "int"
        if self.chance(25):
            return into
        if self.chance(4):
            return self.expression(level, kind, depth)
        return self.one(["a", "b"]) if kind == "text" else self.below(9)

    @part
    def update(self) -> Any:
        table = self.target()
        target = of_columns(table, list(table.c))
        level = Level([target])
        if self.chance(30):
            other = self.one(self.relations).alias()
            level.sources.append(of_columns(other, list(other.c)))
        into = self.some([c for c in table.c if c.name != "id"] or list(table.c), 1 + self.below(2))
        statement = update(table).values({c.name: self.value(level, c, 1) for c in into})
        if len(level.sources) > 1:
            joined = self.column(Level(level.sources[1:]), "int")
            statement = statement.where(table.c.id == joined)
        if self.chance(70):
            statement = statement.where(self.condition(level, 2))
        return self.returning(statement, target)

    @part
    def delete(self) -> Any:
        table = self.target()
        target = of_columns(table, list(table.c))
        level = Level([target])
        statement = delete(table)
        if self.pg and self.chance(30):
            other = self.one(self.relations).alias()
            level.sources.append(of_columns(other, list(other.c)))
            statement = statement.where(table.c.id == self.column(Level(level.sources[1:]), "int"))
        if self.chance(70):
            statement = statement.where(self.condition(level, 2))
        return self.returning(statement, target)

    @part
    def insert(self) -> Any:
        table = self.target()
        target = of_columns(table, list(table.c))
        into = [table.c.id, *self.some([c for c in table.c if c.name != "id"], 1 + self.below(2))]
        kinds: list[Type] = ["text" if isinstance(c.type, Text) else "int" for c in into]
        dialect: Any = postgresql if self.pg else sqlite
        statement = dialect.insert(table)
        constants = {"text": "a", "int": 1}
        if self.chance(30):
            plain = self.tables[:2] if self.chance(85) else self.tables
            source = self.one(plain).alias()
            level = Level([of_columns(source, list(source.c))])
            query = select(*(self.expression(level, kind, 1) for kind in kinds)).where(self.condition(level, 1))
            statement = statement.from_select([c.name for c in into], query)
        else:
            row = {c.name: constants[kind] for c, kind in zip(into, kinds, strict=True)}
            statement = statement.values([row, row]) if self.chance(20) else statement.values(row)
        if self.chance(35):
            keys = [table.c.email] if table.name == "people" and self.chance(30) else [table.c.id]
            if self.chance(70):
                last = into[-1]
                options = [statement.excluded[last.name], constants[kinds[-1]], last]
                where = self.condition(Level([target]), 0) if self.chance(30) else None
                statement = statement.on_conflict_do_update(
                    index_elements=keys, set_={last.name: self.one(options)}, where=where
                )
            else:
                statement = statement.on_conflict_do_nothing(index_elements=keys)
        return self.returning(statement, target)


def _levels(level: Level | None) -> list[Level]:
    found = []
    while level is not None:
        found.append(level)
        level = level.outer
    return found
