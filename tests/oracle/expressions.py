"""Draws SQLAlchemy expressions over whatever columns there are: of tables, aliases, entities, subqueries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Text,
    all_,
    and_,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    not_,
    or_,
    tuple_,
)

from tests.oracle.choices import Choices, part
from tests.oracle.world import Type

__all__ = ["Expressions", "Level", "Source"]


@dataclass(frozen=True)
class Source:
    """Something to select from.

    :param element: what FROM takes: a table, an alias, an entity.
    :param columns: its columns, by what they hold.
    :param entity: whether `element` is a mapped class, or an alias of one.
    """

    element: Any
    columns: dict[Type, list[Any]]
    entity: bool = False


@dataclass
class Level:
    """The sources of one query, and the query around it."""

    sources: list[Source] = field(default_factory=list)
    outer: Level | None = None
    ctes: list[Source] = field(default_factory=list)


class Expressions:
    """Draws expressions and conditions."""

    def __init__(self, choices: Choices, dialect: str) -> None:
        self.choices = choices
        self.below, self.chance, self.one, self.some = choices.below, choices.chance, choices.one, choices.some
        self.pg = dialect == "postgresql"

    def subquery(self, outer: Level, kinds: Sequence[Type], depth: int) -> Any:
        """A query of these kinds of columns, inside another; the part that draws queries provides it."""
        raise NotImplementedError

    def kind(self) -> Type:
        kinds: tuple[Type, Type] = ("text", "int")
        return self.one(kinds)

    def column(self, level: Level, kind: Type, *, here: bool = False) -> Any:
        """A column of this level, or now and then of the one around it; None where there is none."""
        while not here and level.outer is not None and level.outer.sources and self.chance(20):
            level = level.outer
        found = [column for source in level.sources for column in source.columns[kind]]
        return self.one(found) if found else None

    def constant(self, kind: Type) -> Any:
        if kind == "int":
            return literal(self.below(9))
        return self.one([literal("a"), bindparam(None, "b", Text), literal_column("'email'", Text)])

    @part
    def expression(self, level: Level, kind: Type, depth: int) -> Any:
        if depth <= 0 or not self.chance(55):
            column = None if self.chance(12) else self.column(level, kind)
            return self.constant(kind) if column is None else column

        def one(wanted: Type = kind) -> Any:
            return self.expression(level, wanted, depth - 1)

        pick = self.below(9)
        if pick == 0:
            return one().concat(one()) if kind == "text" else one() + one()
        if pick == 1:
            return func.lower(one()) if kind == "text" else func.length(one("text"))
        if pick == 2:
            return func.coalesce(one(), one())
        if pick == 3:
            return case((self.condition(level, depth - 1), one()), else_=one())
        if pick == 4:
            return self.subquery(level, [kind], depth - 1).limit(1).scalar_subquery()
        if pick == 5:
            return cast(one("int"), Text) if kind == "text" else func.abs(one())
        if pick == 6:
            return func.nullif(one(), one())
        if pick == 7:
            return case({"a": one()}, value=one("text"), else_=one())
        return func.replace(one(), "a", one()) if kind == "text" else -one()

    @part
    def aggregate(self, level: Level, kind: Type) -> Any:
        argument = self.column(level, kind, here=True)
        argument = self.constant(kind) if argument is None else argument
        names = ["max", "min"] if kind == "text" else ["max", "min", "count", "sum", "count(*)"]
        name = self.one(names)
        call = func.count() if name == "count(*)" else getattr(func, name)(argument)
        if name != "count(*)" and self.chance(15):
            call = getattr(func, name)(argument.distinct())
        return call.filter(self.condition(Level(level.sources), 0)) if self.chance(15) else call

    @part
    def window(self, level: Level, kind: Type, depth: int) -> Any:
        call = getattr(func, self.one(["max", "lag", "first_value"]))(self.expression(level, kind, depth - 2))
        part = self.column(level, "text") if self.chance(50) else None
        order = self.column(level, "int")
        frame = {"rows": (-1, 0)} if self.chance(30) and order is not None else {}
        return call.over(partition_by=part, order_by=order, **frame)

    @part
    def condition(self, level: Level, depth: int) -> Any:
        kind = self.kind()

        def one() -> Any:
            return self.expression(level, kind, depth - 1)

        pick = self.below(12 if depth > 0 else 5)
        if pick == 0:
            return self.one([one().is_(None), one().is_not(None)])
        if pick == 1:
            text = self.expression(level, "text", depth - 1)
            return self.one([text.like("a%"), text.startswith("a", autoescape=True), text.ilike("a")])
        if pick == 2:
            return self.one([one().in_(["a", "b"] if kind == "text" else [1, 2]), one().not_in([])])
        if pick <= 4:
            return self.one([one() == one(), one() != one(), one() < one(), one().is_distinct_from(one())])
        if pick == 5:
            join = self.one([and_, or_])
            return join(self.condition(level, depth - 1), self.condition(level, depth - 1))
        if pick == 6:
            return not_(self.condition(level, depth - 1))
        if pick == 7:
            query = self.subquery(level, [kind], depth - 1)
            return self.one([one().in_(query), one().not_in(query)])
        if pick == 8:
            query = self.subquery(level, ["int"], depth - 1)
            return self.one([query.exists(), exists(query.subquery()), ~query.exists()])
        if pick == 9:
            return one().between(one(), one())
        if pick == 10:
            pair = tuple_(self.expression(level, "text", 0), self.expression(level, "int", 0))
            return self.one([pair.in_([("a", 1)]), pair == tuple_(literal("a"), literal(1))])
        if self.pg:
            query = self.subquery(level, [kind], depth - 1)
            return one() == self.one([any_, all_])(query.scalar_subquery())
        return one() > self.subquery(level, [kind], depth - 1).limit(1).scalar_subquery()
