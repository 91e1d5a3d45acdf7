"""Key predicates: which mentions of a table a statement pins to a bound value, for every row it reaches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from sqlglot import exp

from sa_privacy.footprint.model import KeyPredicate
from sa_privacy.footprint.scope import Node, Source

__all__ = ["Pins", "conjuncts"]

Bind = tuple[str | int, bool]


class Pins:
    """Gathers ``column = :value`` and ``column = column`` from conditions that hold for all rows, and follows them.

    :param bind_of: the bind of a placeholder, and whether it is a list.
    """

    def __init__(self, bind_of: Callable[[exp.Expr], Bind | None]) -> None:
        self.bind_of = bind_of
        self.values: dict[Node, set[Bind]] = {}
        self.implies: dict[Node, set[Node]] = {}
        #: What holds only where the row that an outer join may leave out is there.
        self.perhaps: dict[Node, set[Node]] = {}
        #: ``x IN (SELECT m ...)``: of the rows behind ``m``, those count that hold what ``x`` is.
        self.counted: dict[Node, set[Node]] = {}
        #: What the one column of a subquery is that stands in ``x IN (SELECT ...)``, by the id of the IN.
        self.members: dict[int, Node] = {}

    def condition(
        self, node: exp.Expr | None, locate: Callable[[exp.Expr], Node | None], bound: Collection[int]
    ) -> None:
        """Takes in a condition that holds for every row of the sources in ``bound`` (by id) that is reached."""
        for part in conjuncts(node):
            if isinstance(part, exp.EQ):
                self._equal(_plain(part.this), _plain(part.expression), locate, bound)
            elif isinstance(part, exp.In) and part.args.get("query"):
                member, value = self.members.get(id(part)), locate(_plain(part.this))
                if member is not None and value is not None and value[0][0] in bound:
                    self.equal(member, value, bound)
                    self.counted.setdefault(value, set()).add(member)
            elif isinstance(part, exp.In):
                items = part.expressions
                bind = self.bind_of(items[0]) if len(items) == 1 else None
                if bind is not None:
                    self.pin(locate(_plain(part.this)), bind, bound)

    def _equal(
        self,
        left: exp.Expr,
        right: exp.Expr,
        locate: Callable[[exp.Expr], Node | None],
        bound: Collection[int],
    ) -> None:
        for one, other in ((left, right), (right, left)):
            if not isinstance(one, exp.Column):
                continue
            bind = self.bind_of(other)
            if bind is None and isinstance(other, exp.Any):
                bind = self.bind_of(_plain(other.this))
                bind = (bind[0], True) if bind else None
            elif bind is not None and bind[1]:
                bind = None  # a list where one value belongs
            if bind is not None:
                self.pin(locate(one), bind, bound)
            elif isinstance(other, exp.Column):
                self.equal(locate(other), locate(one), bound)

    def pin(self, node: Node | None, bind: Bind, bound: Collection[int]) -> None:
        if node is not None and node[0][0] in bound:
            self.values.setdefault(node, set()).add(bind)

    def equal(self, known: Node | None, other: Node | None, bound: Collection[int]) -> None:
        """What pins ``known`` pins ``other`` too, if the condition binds the source of ``other``."""
        if known is not None and other is not None:
            held = self.implies if other[0][0] in bound else self.perhaps
            held.setdefault(known, set()).add(other)

    def settle(self) -> None:
        """Follows all equalities to the end."""
        for node in [*self.implies]:
            # A column of a derived table is pinned where the column behind it is.
            for start in range(1, len(node[0])):
                self.implies.setdefault((node[0][start:], node[1]), set()).add(node)
        open_nodes = [*self.values]
        while open_nodes:
            node = open_nodes.pop()
            for other in self.implies.get(node, ()):
                have = self.values.setdefault(other, set())
                if not self.values[node] <= have:
                    have |= self.values[node]
                    open_nodes.append(other)

    def of(self, source: Source, table_at: int) -> tuple[KeyPredicate, ...]:
        """The key predicates of one mention, after :meth:`settle`."""
        table = source.tables[table_at]
        found = {
            KeyPredicate(source.index.full(table, column), bind, many)
            for (path, column), binds in self.values.items()
            if path == (source.key,)
            for bind, many in binds
        }
        return tuple(sorted(found, key=lambda p: (p.column, str(p.bind), p.many)))


def conjuncts(node: exp.Expr | None) -> Iterator[exp.Expr]:
    """What a condition asks that must hold, one by one."""
    pending = [node]
    while pending:
        part = pending.pop()
        if isinstance(part, exp.And):
            pending += [part.expression, part.this]
        elif isinstance(part, exp.Paren):
            pending.append(part.this)
        elif part is not None:
            yield part


def _plain(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren):
        node = node.this
    return node
