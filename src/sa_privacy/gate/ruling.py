"""Puts row rules into a statement while it is compiled.

Every SELECT that SQLAlchemy renders passes here, whatever it is part of: entity and relationship loads, EXISTS, counts,
subqueries, WITH queries, unions, INSERT FROM SELECT, Core and ORM. So do the targets of UPDATE and DELETE. Conditions go
where they leave out rows as if these did not exist: into WHERE, or into the ON of an outer join whose other side stays.

What is not reached here (text, the other tables of an UPDATE, a full join, an upsert) is not limited; the gate counts, and
refuses it (:mod:`sa_privacy.gate.row_law`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Boolean, ColumnElement, Join, TableClause, and_
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.selectable import AliasedReturnsRows, FromGrouping

from sa_privacy.errors import UnreadableStatement
from sa_privacy.footprint.lexer import Dialect, cut
from sa_privacy.gate.sqlalchemy_private import with_conditions

if TYPE_CHECKING:
    from sa_privacy.gate.limits import Limit, Limits

__all__ = ["RULING", "RowCondition", "Ruling", "unruled"]

#: Where a compiled statement says which rules were put into it.
RULING = "sa_privacy_ruling"

#: Words that begin or continue more than an expression.
_CLAUSES: Final = frozenset(
    [
        "select",
        "from",
        "where",
        "join",
        "on",
        "using",
        "union",
        "intersect",
        "except",
        "having",
        "group",
        "order",
        "limit",
        "offset",
        "fetch",
        "for",
        "window",
        "with",
        "values",
        "returning",
        "into",
        "set",
    ]
)

_unruled: ContextVar[bool] = ContextVar("sa_privacy.unruled", default=False)


class unruled:  # noqa: N801 - used as a function
    """Compiles without rules inside the block, to judge what the application itself asks for."""

    def __enter__(self) -> None:
        self._token = _unruled.set(True)

    def __exit__(self, *_: object) -> None:
        _unruled.reset(self._token)


class RowCondition(ColumnElement[bool]):
    """A rule's condition for one mention of a table. Its own subqueries stand for themselves: nothing limits them, and
    they see nothing of the statement around them but the row.
    """

    __visit_name__ = "sa_privacy_row_condition"
    inherit_cache = False
    type = Boolean()
    _from_objects: list[Any] = []  # noqa: RUF012 - it brings no table into a statement

    def __init__(self, condition: ColumnElement[bool], mention: Any) -> None:
        self.condition = condition
        self.mention = mention

    def self_group(self, against: Any = None) -> Any:
        return self


class Ruling:
    """The rules of one compilation, and what became of them.

    :param limits: the conditions for the access in force.
    :param value: gives the value of a parameter of a rule, as the statement is executed.
    :ivar structure: of the conditions: who executes the statement must have the same.
    :ivar given: how many mentions of each table got its condition.
    :ivar asks: the tables that these conditions ask, where no schema says which is meant.
    :ivar open_text: SQL text in the statement could change what stands around it, the conditions too.
    :ivar thrown_away: something was rendered that is not in the statement, so that `given` may be too high.
    """

    __slots__ = ("_find", "_limits", "_value", "asks", "given", "open_text", "structure", "thrown_away")

    def __init__(self, limits: Limits, value: Callable[[str, int], Any]) -> None:
        self._limits: dict[str, Limit] | None = dict(limits.of)
        self._find = limits.catalogue.find
        self._value: Callable[[str, int], Any] | None = value
        self.structure = limits.structure
        self.given: Counter[str] = Counter()
        self.asks: set[str] = set()
        self.open_text = False
        self.thrown_away = False

    @staticmethod
    def now(limits: Limits | None, value: Callable[[str, int], Any]) -> Ruling | None:
        """That of a compilation which begins; None where no rule holds."""
        return None if limits is None or _unruled.get() else Ruling(limits, value)

    def done(self) -> None:
        """The statement is compiled: lets go of the access that it was compiled for, which others share it with."""
        self._limits = None
        self._value = None

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

    def text(self, fragment: str, dialect: Any) -> None:
        """SQL text stands in the statement as the application wrote it: it must not reach beyond its place."""
        if self._limits is not None and not _is_closed(fragment, dialect):
            self.open_text = True

    def names_of_types(self, names: Iterable[str], dialect: Any) -> None:
        """So do the names of types, as they say themselves; ``TIMESTAMP WITH TIME ZONE`` is none the worse."""
        if not all(_is_closed(name, dialect, clauses=frozenset()) for name in names):
            self.open_text = True

    def _limited(self, element: Any) -> tuple[Any, list[RowCondition]]:
        """An element of FROM with what can stand in its own joins, and the conditions that have to stand around it."""
        if isinstance(element, FromGrouping):
            inside, left = self._limited(element.element)
            return (element if inside is element.element else FromGrouping(inside)), left
        if not isinstance(element, Join):
            return element, self._of(element)
        before = Counter(self.given)
        left_side, around = self._limited(element.left)
        right_side, within = self._limited(element.right)
        if element.full:
            if around or within:
                self.given = before  # rows of either side may stand alone: no place leaves them out
            return element, []
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
        if not isinstance(table, TableClause) or self._limits is None or self._value is None:
            return []
        found = [self._limits[one.name] for one in self._find(_schema(table), table.name) if one.name in self._limits]
        if any(limit.fault is not None or limit.hides(mention) for limit in found):
            return []
        self.given.update(limit.rules.table for limit in found)
        self.asks.update(*(limit.shape.asks for limit in found))
        return [RowCondition(limit.at(mention, self._value), mention) for limit in found]


def _is_closed(fragment: str, dialect: Any, clauses: frozenset[str] = _CLAUSES) -> bool:
    """Whether a piece of SQL text stays an expression wherever it stands: brackets in pairs, nothing commented out or left
    open, no clause of its own but inside of brackets.
    """
    name: Dialect = "postgresql" if dialect.name == "postgresql" else "sqlite"
    if "--" in fragment or "/*" in fragment:
        return False
    try:
        tokens = cut(fragment, name, dialect.paramstyle)
    except UnreadableStatement:
        return False
    depth = 0
    for token in tokens:
        if token.kind == "o" and token.text in "()":
            depth += 1 if token.text == "(" else -1
        if depth < 0 or token.text == ";" or (depth == 0 and token.kind == "w" and token.raw in clauses):
            return False
    return depth == 0


def _schema(table: Any) -> str | None:
    return getattr(table, "schema", None)
