"""Judges expressions: which columns stand in them, and whether they stand there bare.

The world is closed. A kind of node that is not named here is refused, so that no column can hide in one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar, Final

from sqlglot import exp

from sa_privacy.footprint.functions import AGGREGATES, NEVER, known, may_be_set
from sa_privacy.footprint.lexer import unreadable
from sa_privacy.footprint.scope import EMPTY, NOTHING_OUT, Out, Rows, Scope, Source, merged
from sa_privacy.footprint.work import Asked, Use, Work, function_name, name_of, only

__all__ = ["Expressions", "children"]

# Nodes whose value is computed from all that stands in them.
_COMPUTED: Final = frozenset(
    {
        *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.IntDiv, exp.Pow, exp.DPipe, exp.Neg, exp.Not, exp.Sqrt),
        *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.And, exp.Or),
        *(exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseNot, exp.BitwiseLeftShift),
        *(exp.BitwiseRightShift, exp.Like, exp.ILike, exp.SimilarTo, exp.RegexpLike, exp.RegexpILike, exp.Glob),
        *(exp.Match, exp.Escape, exp.Between, exp.Overlaps, exp.Adjacent, exp.Distance, exp.Any, exp.All),
        *(exp.Case, exp.If, exp.AtTimeZone, exp.Array, exp.Tuple, exp.Bracket, exp.Slice, exp.Variadic),
        *(exp.JSONExtract, exp.JSONExtractScalar, exp.JSONBExtract, exp.JSONBExtractScalar, exp.JSONBContains),
        *(exp.JSONBContainsAllTopKeys, exp.JSONBContainsAnyTopKeys, exp.JSONBContainsTopKey, exp.JSONBDeleteAtPath),
        *(exp.ArrayContainsAll, exp.ArrayContainedBy, exp.ArrayOverlaps, exp.MatchAgainst, exp.JSONBPathExists),
        *(exp.ExtendsLeft, exp.ExtendsRight, exp.StartsWith, exp.Cbrt, exp.Distinct),
    }
)
_CHAINS: Final = frozenset({exp.And, exp.Or, exp.DPipe, exp.Add})
_CONSTANTS: Final = frozenset(
    {
        *(exp.Literal, exp.Null, exp.Boolean, exp.HexString, exp.BitString, exp.ByteString),
        *(exp.DataType, exp.JSONPath),
    }
)


def children(node: exp.Expr) -> Iterator[exp.Expr]:
    """The nodes right under a node."""
    for value in node.args.values():
        if isinstance(value, exp.Expr):
            yield value
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, exp.Expr):
                    yield item


def _operands(node: exp.Expr) -> Iterator[exp.Expr]:
    """The operands; a long chain of the same operator is walked without recursion."""
    kind, chain = type(node), []
    while kind in _CHAINS and type(node.this) is kind:
        chain.append(node.expression)
        node = node.this
    yield from children(node)
    yield from reversed(chain)


class Expressions:
    """The part of the judge that reads expressions."""

    def __init__(self, asked: Asked, work: Work) -> None:
        self.asked, self.work = asked, work
        self.dialect, self.index = asked.dialect, asked.index

    def query(self, node: exp.Expr, outer: Scope, use: Use) -> Rows:
        """The rows of a query; the part of the judge that reads queries provides it."""
        raise NotImplementedError

    def relation(self, schema: str | None, name: str, alias: str) -> Source:
        """The source for a table or view; provided like :meth:`query`."""
        raise NotImplementedError

    def name(self, node: object) -> str:
        return name_of(node, self.work.spelled)

    def expr(self, node: exp.Expr, scope: Scope, use: Use) -> Out:
        """Notes the columns of an expression for ``use`` and tells what its value is made of."""
        kind = type(node)
        if isinstance(node, exp.Column):
            return self.column(node, scope, use)
        if kind is exp.Placeholder:
            binds = self.work.binds_of(node)
            return Out(binds=binds.rows) if binds is not None and not binds.many else NOTHING_OUT
        if kind in _CONSTANTS:
            return NOTHING_OUT
        if kind is exp.Paren:
            return self.expr(node.this, scope, use)
        if kind in _COMPUTED:
            return self.computed(node, scope, use)
        handler = self._HANDLERS.get(kind)
        if handler is None:
            raise unreadable(f"the construct {kind.__name__} is not read")
        return handler(self, node, scope, use)

    def computed(self, node: exp.Expr, scope: Scope, use: Use) -> Out:
        """A value computed from everything that stands in the node."""
        lineage = EMPTY
        for child in _operands(node):
            out = self.expr(child, scope, use)
            self.work.take(out)
            lineage |= out.lineage
        return Out(lineage=lineage)

    def match(self, node: exp.Expr, scope: Scope) -> None:
        """An expression that decides about rows, their order or their groups."""
        self.work.match(self.expr(node, scope, "match"))

    # names

    def column(self, node: exp.Column, scope: Scope, use: Use) -> Out:
        only(node, "this", "table", "db", "catalog")
        table = node.args.get("table")
        if isinstance(node.this, exp.Star):
            return self.whole(self.sources(node, scope), use)
        name = self.name(node.this)
        if name in self.asked.marks:
            return NOTHING_OUT
        if table is None:
            return self.bare_name(name, scope, use)
        sources = self.sources(node, scope, name)
        out = replace(merged(self.attribute(source, name, use) for source in sources), name=name)
        return out if all(source.written for source in sources) else self.used(out, use)

    def sources(self, node: exp.Column, scope: Scope, column: str | None = None) -> list[Source]:
        """The sources that a qualified name speaks of.

        PostgreSQL takes the innermost table of that name. SQLite looks further out while the column is not there.
        """
        table = self.name(node.args["table"])
        schema = node.args.get("db")
        found: list[Source] = []
        for level in scope.qualified(table, self.name(schema) if schema else None):
            found += level
            hits = [source.column(column) for source in level] if column is not None else []
            if column is None or self.dialect != "sqlite" or any(hit is not None and hit.sure for hit in hits):
                break
        if not found:
            raise unreadable(f'cannot tell what "{table}" stands for')
        return found

    def marked(self, node: exp.Expr) -> str | None:
        """The table that a mark limits; None where this is none."""
        if not self.asked.marks or not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
            return None
        return self.asked.marks.get(self.name(node.this)) if node.args.get("table") else None

    def used(self, out: Out, use: Use) -> Out:
        self.work.use(out.lineage, use)
        return out

    def attribute(self, source: Source, name: str, use: Use) -> Out:
        hit = source.column(name)
        if source.written and hit is not None:
            return replace(hit.out, node=None, bare=None, new=True)
        if hit is not None:
            return hit.out
        if self.dialect == "sqlite":
            return NOTHING_OUT
        # PostgreSQL takes x.f for f(x) where x has no such column.
        self.work.unnamed = True
        if source.rows is not None or source.known is not None:
            self.known_function(name, name)
        return self.whole([source], use) if source.tables or source.rows else NOTHING_OUT

    def bare_name(self, name: str, scope: Scope, use: Use) -> Out:
        outs, sure = scope.unqualified(name)
        if not sure:
            outs += [self.whole([s], use) for s in scope.named(name)]
        if not outs and name.lower() in self.index.interesting:
            self.work.loose.append((name, use))
        return self.used(replace(merged(outs), name=name) if outs else Out(name), use)

    def whole(self, sources: list[Source], use: Use) -> Out:
        """A whole row as one value."""
        lineage = EMPTY.union(*(source.personal for source in sources))
        self.work.use(lineage, use)
        self.work.inside |= lineage
        return Out(lineage=lineage)

    # functions

    def function(self, node: exp.Anonymous, scope: Scope, use: Use) -> Out:
        name = node.this if isinstance(node.this, str) else self.name(node.this)
        if name == "ALL":  # sqlglot's view of "= ALL (array)": what is called is respelled, so this is the keyword
            return self.computed(node, scope, use)
        return self.call(function_name(name, self.work.spelled), None, node.expressions, scope, use)

    def call(self, name: str, schema: str | None, args: list[exp.Expr], scope: Scope, use: Use) -> Out:
        full = f"{schema}.{name}" if schema else name
        plain = name if schema in {None, "pg_catalog"} else full
        self.known_function(full, plain)
        if name == "set_config":
            self.setting(args)
        if name in {"substr", "substring"} and len(args) == 3:
            slot = self.slot(args, scope, use)
            if slot is not None:
                return slot
        lineage = EMPTY
        here = not args
        for arg in args:
            if isinstance(arg, exp.Star):
                here = True
                if name != "count":
                    lineage |= self.whole(scope.sources, use).lineage
                continue
            out = self.expr(arg, scope, use)
            here = here or any(out.node is not None and out.node[0][0] == source.key for source in scope.sources)
            self.work.take(out)
            lineage |= out.lineage
        self.look_around(plain, scope, here=here)
        return Out(name, lineage)

    def look_around(self, function: str, scope: Scope, *, here: bool) -> None:
        """Notes of what rows a function looks at: an aggregate of columns of an outer level is one of that level."""
        level: Scope | None = scope
        while level is not None:
            if function in AGGREGATES:
                level.groups = True
            elif not known(function, self.dialect):
                level.mixes = True  # declared, and perhaps an aggregate
            level = None if here else level.parent

    def slot(self, args: list[exp.Expr], scope: Scope, use: Use) -> Out | None:
        """The lookup slot that ``substr`` takes out of a cell, if it does."""
        value, start, length = args
        if not all(isinstance(arg, exp.Literal) and not arg.is_string for arg in (start, length)):
            return None
        return self.work.slot_of(self.expr(value, scope, use), start.this, length.this)

    def known_function(self, full: str, plain: str) -> None:
        """Refuses a function that is neither known nor declared; notes what a declared one touches."""
        touches = self.asked.declarations.functions.get(full.lower())
        simple = full.lower().rpartition(".")[2]
        if simple.startswith(NEVER):
            raise unreadable(
                f"the function {full} runs SQL, or reads tables or files, that the statement does not show",
                hint="read the tables with a query of their own",
            )
        if touches is not None:
            self.work.use(touches, "read")
            self.work.reach(name.rpartition(".")[0] for name in touches)
        elif known(plain, self.dialect) or plain == "set_config":
            if plain == full:  # with pg_catalog in front it can be no other
                self.work.calls.add(plain)
        else:
            raise unreadable(
                f"the function {full} may read anything",
                hint=f'say what it touches: privacy.declare(function="{full.lower()}", touches=[...])',
            )

    def setting(self, args: list[exp.Expr]) -> None:
        """``set_config`` may change settings of the application, not who acts or how SQL is read."""
        first = args[0] if args else None
        if not isinstance(first, exp.Literal) or not first.is_string or not may_be_set(self.name(first)):
            raise unreadable(
                "set_config may not change roles, search_path, the reading of strings or sa_privacy's settings"
            )

    def dot(self, node: exp.Dot, scope: Scope, use: Use) -> Out:
        """``schema.function(...)``, ``(row).column`` or ``(row).*``."""
        right = node.expression
        if isinstance(right, exp.Anonymous):
            parts = list(self.path(node.this))
            called = right.this if isinstance(right.this, str) else self.name(right.this)
            return self.call(function_name(called, self.work.spelled), parts[-1], right.expressions, scope, use)
        if not isinstance(right, (exp.Identifier, exp.Star)):
            raise unreadable("a name of the statement cannot be read")
        name = self.name(right) if isinstance(right, exp.Identifier) else None
        base = node.this.unnest()
        sources: list[Source] = []
        if isinstance(base, exp.Column) and not base.args.get("table") and not isinstance(base.this, exp.Star):
            sources = scope.named(self.name(base.this))
        for source in sources:
            if name is not None:
                self.attribute(source, name, use)  # refuses what is no column: (row).f may be f(row)
        if name is not None and not sources and not isinstance(base, exp.Anonymous):
            self.known_function(name, name)
            self.work.unnamed = True
        # The databases count the whole row, whichever column is taken from it.
        out = self.whole(sources, use) if sources else self.expr(node.this, scope, use)
        self.work.take(out)
        return Out(name, out.lineage)

    def path(self, node: exp.Expr) -> Iterator[str]:
        if isinstance(node, exp.Dot):
            yield from self.path(node.this)
            yield self.name(node.expression)
        elif isinstance(node, exp.Column):
            for part in ("catalog", "db", "table", "this"):
                if node.args.get(part):
                    yield self.name(node.args[part])
        else:
            yield self.name(node)

    # forms of their own

    def null_test(self, node: exp.Is, scope: Scope, use: Use) -> Out:
        if not isinstance(node.expression, exp.Null):
            return self.computed(node, scope, use)
        self.expr(node.this, scope, use)  # and does not take it: a cell is there or is not
        return NOTHING_OUT

    def subquery(self, node: exp.Expr, scope: Scope, use: Use) -> Out:
        rows = self.query(node, scope, use)
        return rows.outs[0] if rows.exact and len(rows.outs) == 1 else rows.all

    def exists(self, node: exp.Exists, scope: Scope, use: Use) -> Out:
        only(node, "this")
        self.query(node.this, scope, "match")
        return NOTHING_OUT

    def membership(self, node: exp.In, scope: Scope, use: Use) -> Out:
        only(node, "this", "expressions", "query", "field")
        left = self.expr(node.this, scope, use)
        self.work.take(left)
        lineage = left.lineage
        for item in node.expressions:
            out = self.expr(item, scope, use)
            self.work.take(out)
            lineage |= out.lineage
        if node.args.get("query"):
            rows = self.query(node.args["query"], scope, "match")
            self.work.match(rows.all)
            member = rows.outs[0].node if rows.exact and len(rows.outs) == 1 else None
            if member is not None:
                self.work.pins.members[id(node)] = member
        place = node.args.get("field")
        if place is not None:
            lineage |= self.listed(place, scope, use)
        return Out(lineage=lineage)

    def listed(self, place: exp.Expr, scope: Scope, use: Use) -> frozenset[str]:
        """SQLite's ``x IN table``; elsewhere an expression."""
        if self.dialect != "sqlite" or not isinstance(place, (exp.Column, exp.Literal)):
            out = self.expr(place, scope, use)
            self.work.take(out)
            return out.lineage
        parts = list(self.path(place))
        source = self.relation(parts[-2] if len(parts) > 1 else None, parts[-1], parts[-1])
        return self.whole([source], "match").lineage

    def cast(self, node: exp.Cast, scope: Scope, use: Use) -> Out:
        only(node, "this", "to")
        out = self.expr(node.this, scope, use)
        self.work.take(out)
        return Out(out.name, out.lineage, binds=out.binds if node.to.is_type("bigint") else ())

    def collate(self, node: exp.Collate, scope: Scope, use: Use) -> Out:
        out = self.expr(node.this, scope, use)
        self.work.take(out)
        return Out(lineage=out.lineage)

    def window(self, node: exp.Window, scope: Scope, use: Use) -> Out:
        only(node, "this", "partition_by", "order", "spec", "alias", "over")
        scope.mixes = True
        out = NOTHING_OUT if isinstance(node.this, exp.Identifier) else self.expr(node.this, scope, use)
        for part in node.args.get("partition_by") or ():
            self.match(part, scope)
        order = node.args.get("order")
        if order is not None:
            self.ordering(order, scope)
        spec = node.args.get("spec")
        if spec is not None:
            for part in children(spec):
                self.match(part, scope)
        return Out(out.name, out.lineage)

    def ordering(self, node: exp.Expr, scope: Scope) -> None:
        """An ORDER BY inside a window or an aggregate: no ordinals, no output names."""
        for ordered in node.expressions:
            self.match(ordered.this if isinstance(ordered, exp.Ordered) else ordered, scope)

    def ordered_argument(self, node: exp.Order, scope: Scope, use: Use) -> Out:
        """``string_agg(x ORDER BY y)``."""
        self.ordering(node, scope)
        return self.expr(node.this, scope, use) if node.this else NOTHING_OUT

    def filtered(self, node: exp.Filter, scope: Scope, use: Use) -> Out:
        out = self.expr(node.this, scope, use)
        self.match(node.expression.this, scope)
        return out

    def within_group(self, node: exp.WithinGroup, scope: Scope, use: Use) -> Out:
        out = self.expr(node.this, scope, use)
        lineage = out.lineage
        for ordered in node.expression.expressions:
            inner = self.expr(ordered.this, scope, use)
            self.work.match(inner)
            lineage |= inner.lineage
        return Out(out.name, lineage)

    def arrow(self, node: exp.Lambda, scope: Scope, use: Use) -> Out:
        """``f(a -> 'key')``: sqlglot takes the operator for a lambda where its left side is a bare name."""
        only(node, "this", "expressions")
        lineage = EMPTY
        for name in node.expressions:
            out = self.bare_name(self.name(name), scope, use)
            self.work.take(out)
            lineage |= out.lineage
        out = self.expr(node.this, scope, use)
        self.work.take(out)
        return Out(lineage=lineage | out.lineage)

    def keyword_argument(self, node: exp.Expr, scope: Scope, use: Use) -> Out:
        return self.expr(node.expression, scope, use)

    _HANDLERS: ClassVar[dict[type[exp.Expr], Callable[[Any, Any, Scope, Use], Out]]] = {
        exp.Anonymous: function,
        exp.Dot: dot,
        exp.Is: null_test,
        exp.Subquery: subquery,
        exp.Select: subquery,
        exp.Union: subquery,
        exp.Intersect: subquery,
        exp.Except: subquery,
        exp.Values: subquery,
        exp.Exists: exists,
        exp.In: membership,
        exp.Cast: cast,
        exp.Collate: collate,
        exp.Window: window,
        exp.Order: ordered_argument,
        exp.Filter: filtered,
        exp.WithinGroup: within_group,
        exp.Kwarg: keyword_argument,
        exp.Lambda: arrow,
    }
