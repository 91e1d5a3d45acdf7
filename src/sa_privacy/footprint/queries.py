"""Judges queries: SELECT, set operations, VALUES and WITH."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlglot import exp

from sa_privacy.columns.catalogue import PersonalTable
from sa_privacy.footprint.lexer import unreadable
from sa_privacy.footprint.scope import EMPTY, Cte, Node, Out, Rows, Scope, merged
from sa_privacy.footprint.sources import MODIFIERS, Sources
from sa_privacy.footprint.work import Use, only

__all__ = ["Queries"]

_RETRIES = 8


class Queries(Sources):
    """The part of the judge that reads queries."""

    def query(self, node: exp.Expr, outer: Scope, use: Use) -> Rows:
        """Notes everything a query touches and tells what its rows are made of.

        :param use: what its own select list is for.
        """
        if node.args.get("with_"):
            outer = self.with_queries(node.args["with_"], outer)
        if isinstance(node, exp.Select):
            return self.select(node, outer, use)
        if isinstance(node, exp.SetOperation):
            return self.set_operation(node, outer, use)
        if isinstance(node, exp.Subquery):
            only(node, "this", "alias", *MODIFIERS)
            rows = self.query(node.this, outer, use)
            self.modifiers(node, Scope(self.dialect, outer, outer.ctes, [self.derived("", rows)]), rows)
            return rows
        if isinstance(node, exp.Values):
            return self.values(node, outer, use)
        if isinstance(node, (exp.Insert, exp.Update, exp.Delete, exp.Merge)):
            return self.change(node, outer)
        raise unreadable(f"the construct {type(node).__name__} is not read")

    def change(self, node: exp.Expr, outer: Scope) -> Rows:
        """A data-modifying statement; the part of the judge that reads them provides it."""
        raise NotImplementedError

    # WITH

    def with_queries(self, node: exp.With, outer: Scope) -> Scope:
        only(node, "expressions", "recursive")
        recursive = bool(node.args.get("recursive"))
        together = recursive or self.dialect == "sqlite"
        scope = Scope(self.dialect, outer, dict(outer.ctes))
        new: list[Cte] = []
        for item in node.expressions:
            only(item, "this", "alias")
            alias = item.args["alias"]
            cte = Cte(self.name(alias.this), item.this, tuple(self.name(c) for c in alias.args.get("columns") or ()))
            # Without RECURSIVE, PostgreSQL lets a WITH query see only those before it.
            self.work.withs.add(cte.name.lower())
            cte.scope = scope if together else Scope(self.dialect, outer, dict(scope.ctes))
            scope.ctes[cte.name] = cte
            new.append(cte)
        for cte in new:
            self.cte_rows(cte)
        return scope

    def cte_rows(self, cte: Cte) -> Rows:
        """The rows of a WITH query. A recursive one is judged until its columns are made of the same as before."""
        if cte.rows is not None:
            return cte.rows
        if cte.busy:
            cte.recursive = self.work.repeated = True
            return cte.partial
        if cte.scope is None:
            raise unreadable("a WITH query of the statement cannot be read")
        cte.busy = True
        restore = self.work.snapshot()
        before = len(self.work.mentions)
        for _ in range(_RETRIES):
            rows = self.query(cte.query, cte.scope, "read").renamed(cte.columns)
            if not cte.recursive:
                break
            rows = Rows(tuple(replace(out, node=None) for out in rows.outs), rows.exact, rows.spill)
            if rows == cte.partial:
                break
            cte.partial = rows
            restore()
        else:
            raise unreadable("a recursive WITH query is too deep to be read")
        inside = {source.key for source in self.work.mentions[before:]}
        self.work.in_withs |= inside
        if isinstance(cte.query, (exp.Insert, exp.Update, exp.Delete, exp.Merge)):
            self.work.apart |= inside | {source.key for source in self.work.targets}
        cte.busy, cte.rows = False, rows
        return rows

    # SELECT

    def select(self, node: exp.Select, outer: Scope, use: Use) -> Rows:
        only(
            node,
            "expressions",
            "distinct",
            "into",
            "from_",
            "joins",
            "where",
            "group",
            "having",
            "windows",
            *MODIFIERS,
        )
        scope = Scope(self.dialect, outer, outer.ctes)
        self.sources_of(node, scope, use)
        rows = self.projections(node.expressions, scope, use)
        if node.args.get("into") and rows.all.lineage:
            raise unreadable("SELECT INTO copies personal data into another table")
        scope.outs = rows.outs
        self.where(node.args.get("where"), scope)
        group, having = node.args.get("group"), node.args.get("having")
        self.groups(group, scope, rows)
        if having is not None:
            self.match(having.this, scope)
        for window in node.args.get("windows") or ():
            self.window(window, scope, "match")
        distinct = node.args.get("distinct")
        if distinct is not None:
            self.distinct(distinct, scope, rows)
        self.modifiers(node, scope, rows)
        if scope.groups or scope.mixes or group is not None or having is not None:
            self.work.put_together(scope, self.group_keys(group, scope, rows))
        return rows

    def group_keys(self, node: exp.Group | None, scope: Scope, rows: Rows) -> frozenset[Node]:
        """The columns of GROUP BY."""
        found: set[Node | None] = set()
        locate = self.locator(scope)
        for part in node.expressions if node is not None else ():
            if isinstance(part, exp.Literal) and str(part.this).isdigit() and rows.exact:
                found |= {out.node for out in rows.outs[int(part.this) - 1 : int(part.this)]}
            else:
                found.add(locate(part))
        return frozenset(one for one in found if one is not None)

    def projections(self, nodes: Iterable[exp.Expr], scope: Scope, use: Use) -> Rows:
        outs: list[Out] = []
        exact, spill = True, EMPTY
        for node in nodes:
            stars = self.star(node, scope)
            if stars is None:
                outs.append(self.projection(node, scope, use))
                continue
            exact = exact and not scope.merged
            for rows in stars:
                self.work.use(rows.all.lineage, use)
                outs += rows.outs
                exact, spill = exact and rows.exact, spill | rows.spill
        return Rows(tuple(outs), exact, spill)

    def star(self, node: exp.Expr, scope: Scope) -> list[Rows] | None:
        if isinstance(node, exp.Star):
            only(node)
            return [source.star() for source in scope.sources if not source.hidden]
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            only(node.this)
            return [source.star() for source in self.sources(node, scope)]
        if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Star):
            lineage = self.expr(node, scope, "read").lineage
            return [Rows(exact=False, spill=lineage)]
        return None

    def projection(self, node: exp.Expr, scope: Scope, use: Use) -> Out:
        if isinstance(node, exp.Alias):
            only(node, "this", "alias")
            return replace(self.expr(node.this, scope, use), name=self.name(node.args["alias"]))
        out = self.expr(node, scope, use)
        return out if isinstance(node, exp.Column) else replace(out, name=None)

    def where(self, node: exp.Where | None, scope: Scope) -> None:
        if node is None:
            return
        self.match(node.this, scope)
        self.pin(node.this, scope, {source.key for source in scope.sources})

    def groups(self, node: exp.Group | None, scope: Scope, rows: Rows) -> None:
        if node is None:
            return
        only(node, "expressions")
        for part in node.expressions:
            self.sort_key(part, scope, rows)

    def sort_key(self, node: exp.Expr, scope: Scope, rows: Rows) -> None:
        """A part of ORDER BY or GROUP BY: an ordinal, an output name, or an expression."""
        if isinstance(node, exp.Literal) and not node.is_string:
            place = int(node.this) - 1 if str(node.this).isdigit() else -1
            if rows.exact and 0 <= place < len(rows.outs):
                self.work.match(rows.outs[place])
            else:
                self.work.match(rows.all)
            return
        self.match(node, scope)

    def distinct(self, node: exp.Distinct, scope: Scope, rows: Rows) -> None:
        on = node.args.get("on")
        if on is None:
            self.grouped(rows)
            return
        for part in on.expressions or [on]:
            self.sort_key(part, scope, rows)

    def grouped(self, rows: Rows) -> None:
        """Rows that are made distinct: their columns decide, unless each row of their table is one of its own."""
        self.matched_whole(rows.spill)
        shown: dict[tuple[int, ...], set[str]] = {}
        for out in rows.outs:
            if out.node is not None:
                shown.setdefault(out.node[0], set()).add(out.node[1])
        for out in rows.outs:
            if not out.lineage:
                continue
            counts, works = self.told_apart(out, shown)
            if not counts:
                self.work.use(out.lineage, "match")
            if not works:
                self.work.take(out)

    def matched_whole(self, lineage: frozenset[str]) -> None:
        self.work.use(lineage, "match")
        self.work.inside |= lineage

    def told_apart(self, out: Out, shown: dict[tuple[int, ...], set[str]]) -> tuple[bool, bool]:
        """Whether rows stay apart by their person or key (so the column decides nothing), and by their key alone."""
        if out.node is None or out.bare is None:
            return False, False
        columns = shown[out.node[0]]
        table = self.table_of(out.bare)
        if table is None or not table.all_columns:
            return False, False
        first = table.all_columns[0].lower()
        keyed = first in columns and first not in table.columns
        subject = table.subject.key.lower() if table.subject and table.subject.key else None
        person = subject in columns if subject else keyed
        return person, person and first in columns

    def table_of(self, column: str) -> PersonalTable | None:
        name = column.rpartition(".")[0]
        return next((table for table in self.asked.catalogue if table.name == name), None)

    def modifiers(self, node: exp.Expr, scope: Scope, rows: Rows) -> None:
        """ORDER BY, LIMIT and OFFSET."""
        order = node.args.get("order")
        if order is not None:
            only(order, "expressions")
            for ordered in order.expressions:
                only(ordered, "this", "desc", "nulls_first")
                self.sort_key(ordered.this, scope, rows)
        for part in ("limit", "offset"):
            limit = node.args.get(part)
            if limit is not None:
                only(limit, "expression", "offset")
                for value in (limit.args.get("expression"), limit.args.get("offset")):
                    if value is not None and not (isinstance(value, exp.Var) and value.name.upper() == "ALL"):
                        self.match(value, scope)

    # set operations and VALUES

    def set_operation(self, node: exp.SetOperation, outer: Scope, use: Use) -> Rows:
        only(node, "this", "expression", "distinct", *MODIFIERS)
        left = self.query(node.this, outer, use)
        right = self.query(node.expression, outer, use)
        if not isinstance(node, exp.Union) or node.args.get("distinct"):
            alike = [out.bare for out in left.outs] == [out.bare for out in right.outs]
            for rows in (left, right):
                if alike and left.exact and right.exact:
                    self.grouped(rows)
                else:
                    self.work.match(rows.all)
        for one, other in zip(left.outs, right.outs, strict=False):
            if one.pending and other.pending and self.opens_as(one) != self.opens_as(other):
                # One column of a result has one type, and cells open as what they were sealed for.
                self.work.take(one)
                self.work.take(other)
        rows = _both(left, right)
        self.modifiers(node, Scope(self.dialect, outer, outer.ctes, [self.derived("", rows)], rows.outs), rows)
        return rows

    def opens_as(self, out: Out) -> set[str]:
        """What the cells in a value are bound to; of plain values, where they come from."""
        columns = (self.asked.catalogue.columns[name] for name in out.pending)
        return {column.field if column.sealed else column.name for column in columns}

    def values(self, node: exp.Values, outer: Scope, use: Use) -> Rows:
        only(node, "expressions", "alias", "order", "limit", "offset")
        rows: Rows | None = None
        for item in node.expressions:
            items = item.expressions if isinstance(item, exp.Tuple) else [item]
            row = Rows(
                tuple(replace(self.expr(value, outer, use), name=f"column{i + 1}") for i, value in enumerate(items))
            )
            rows = row if rows is None else _both(rows, row)
        rows = rows or Rows()
        self.modifiers(node, Scope(self.dialect, outer, outer.ctes, [self.derived("", rows)]), rows)
        return rows


def _both(left: Rows, right: Rows) -> Rows:
    """Rows that may come from either query."""
    if not (left.exact and right.exact) or len(left.outs) != len(right.outs):
        everything = merged((left.all, right.all))
        outs = tuple(replace(everything, name=out.name) for out in left.outs)
        return Rows(outs, False, everything.lineage)
    outs = tuple(
        Out(
            one.name,
            one.lineage | other.lineage,
            one.pending | other.pending,
            one.bare if one.bare == other.bare else None,
            binds=(*one.binds, *other.binds) if one.binds and other.binds else (),
        )
        for one, other in zip(left.outs, right.outs, strict=True)
    )
    return Rows(outs)
