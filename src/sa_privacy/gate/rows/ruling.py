"""Puts row rules into a statement while it is compiled.

Every SELECT that SQLAlchemy renders passes here, whatever it is part of: entity and relationship loads, EXISTS, counts,
subqueries, WITH queries, unions, INSERT FROM SELECT, Core and ORM. So do the targets of UPDATE and DELETE. Conditions go
where they leave out rows as if these did not exist: into WHERE, or into the ON of an outer join whose other side stays.

What is not reached here (text, the other tables of an UPDATE, a full join, an upsert) is not limited. Each condition is
marked in the text, so that the judge sees in the finished statement which mentions have theirs, and the gate refuses it
where one has none (:mod:`sa_privacy.gate.rows.row_law`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, Boolean, ColumnElement, Join, TableClause, and_, column
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.selectable import AliasedReturnsRows, FromGrouping

from sa_privacy.footprint import Marks
from sa_privacy.gate.sqlalchemy_private import with_conditions

if TYPE_CHECKING:
    from sa_privacy.gate.rows.limits import Limit, Limits, LimitsInForce

__all__ = ["RULING", "RowCondition", "Ruling"]

#: Where a compiled statement says which rules were put into it.
RULING = "sa_privacy_ruling"


class RowCondition(ColumnElement[bool]):
    """A rule's condition for one mention of a table. Its own subqueries stand for themselves: nothing limits them, and
    they see nothing of the statement around them but the row.
    """

    __visit_name__ = "sa_privacy_row_condition"
    inherit_cache = False
    type = Boolean()
    _from_objects: list[Any] = []  # noqa: RUF012 - it brings no table into a statement

    def __init__(self, condition: ColumnElement[bool], mention: Any, marks: Marks, table: str) -> None:
        self.condition = condition
        self.mention = mention
        self.marks = marks
        self.column: Any = column(marks.new(table))
        self.column.table = mention

    def self_group(self, against: Any = None) -> Any:
        return self


class Ruling:
    """The rules of one compilation, and what became of them.

    :param limits: the conditions for the access in force.
    :param in_force: gives the values of rules' parameters, as the statement is executed.
    :ivar structure: of the conditions: who executes the statement must have the same.
    :ivar marks: those around the conditions that were put in.
    :ivar asks: the tables that these conditions ask, where no schema says which is meant.
    :ivar beside: the schemas of tables they ask that are not those of the tables they limit.
    :ivar owners: for tables of which one's own rows alone are reached, the parameter that holds the person's key, and the names
        of the tables that the condition asks.
    """

    __slots__ = ("_find", "_in_force", "_limits", "_marked", "asks", "beside", "marks", "owners", "structure")

    def __init__(self, limits: Limits, in_force: LimitsInForce) -> None:
        self._limits: dict[str, Limit] | None = dict(limits.of)
        self._find = limits.catalogue.find
        self._in_force: LimitsInForce | None = in_force
        self._marked = ""
        self.structure = limits.structure
        self.marks = Marks()
        self.asks: set[str] = set()
        self.beside: set[str | None] = set()
        self.owners: dict[str, tuple[BindParameter[Any], frozenset[str]]] = {}

    @staticmethod
    def now(limits: Limits | None, in_force: LimitsInForce) -> Ruling | None:
        """That of a compilation which begins; None where no rule holds."""
        return None if limits is None else Ruling(limits, in_force)

    def done(self, compiler: Any) -> None:
        """The statement is compiled: takes the marks out of what will be sent, and lets go of the access that it was
        compiled for, which others share it with.
        """
        self._limits = None
        self._in_force = None
        if self.marks.tables:
            self._marked = compiler.string
            if not (compiler.isinsert and compiler.for_executemany):  # which is taken apart again, comments and all
                compiler.string = self.marks.without(compiler.string)

    def marked(self, compiled: Any) -> str | None:
        """The text of a compiled statement with the marks in it, to be judged in its place; None where there are none."""
        if self._marked and compiled.string in (self._marked, self.marks.without(self._marked)):
            return self._marked
        return None  # it has none, or somebody has changed it since

    def select(self, select: Any, froms: list[Any]) -> tuple[Any, list[Any]]:
        """A SELECT with the conditions in it, and what it selects from."""
        limited, conditions = [], []
        for element in froms:
            one, left = self._limited(element)
            limited.append(one)
            conditions += left
        return (with_conditions(select, conditions) if conditions else select), limited

    def target(self, statement: Any) -> Any:
        """An UPDATE or DELETE with the condition of its target in it."""
        conditions = self._of(statement.table)
        return with_conditions(statement, conditions) if conditions else statement

    def _limited(self, element: Any) -> tuple[Any, list[RowCondition]]:
        """An element of FROM with what can stand in its own joins, and the conditions that have to stand around it."""
        if isinstance(element, FromGrouping):
            inside, left = self._limited(element.element)
            return (element if inside is element.element else FromGrouping(inside)), left
        if not isinstance(element, Join):
            return element, self._of(element)
        left_side, around = self._limited(element.left)
        right_side, within = self._limited(element.right)
        if element.full:
            return element, []  # rows of either side may stand alone: no place leaves them out
        onclause: Any = element.onclause
        if element.isouter:
            if within:
                onclause = and_(Grouping(onclause), *within)
        else:
            around = around + within
        if left_side is element.left and right_side is element.right and onclause is element.onclause:
            return element, around
        return Join(left_side, right_side, onclause, isouter=element.isouter), around

    def _of(self, mention: Any) -> list[RowCondition]:
        """The condition for one mention of a table: an element of FROM, or the target of a change."""
        table = mention
        while isinstance(table, AliasedReturnsRows):
            table = table.element
        if not isinstance(table, TableClause) or self._limits is None or self._in_force is None:
            return []
        found = [self._limits[one.name] for one in self._find(_schema(table), table.name) if one.name in self._limits]
        if any(limit.fault is not None or limit.hides(mention) for limit in found):
            return []
        self.asks.update(*(limit.shape.asks for limit in found))
        self.beside.update(*(limit.shape.beside for limit in found))
        marks = self.marks
        conditions = [limit.at(mention, self._in_force, self.owners) for limit in found]
        return [
            RowCondition(condition, mention, marks, limit.rules.table)
            for limit, condition in zip(found, conditions, strict=True)
        ]


def _schema(table: Any) -> str | None:
    return getattr(table, "schema", None)
