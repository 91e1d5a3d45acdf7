"""Judges queries: SELECT, set operations, VALUES, WITH, and what stands in FROM."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from sqlglot import exp

from sa_privacy.columns.catalogue import PersonalTable
from sa_privacy.footprint.expressions import Expressions
from sa_privacy.footprint.lexer import unreadable
from sa_privacy.footprint.relations import system_relation
from sa_privacy.footprint.scope import EMPTY, NOTHING_OUT, Cte, Node, Out, Rows, Scope, Source, merged
from sa_privacy.footprint.work import Use, function_name, only

__all__ = ["Queries"]

_MODIFIERS = ("with_", "order", "limit", "offset")
_RETRIES = 8


class Queries(Expressions):
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
            only(node, "this", "alias", *_MODIFIERS)
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
            cte.recursive = True
            return cte.partial
        if cte.scope is None:
            raise unreadable("a WITH query of the statement cannot be read")
        cte.busy = True
        restore = self.work.snapshot()
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
            *_MODIFIERS,
        )
        scope = Scope(self.dialect, outer, outer.ctes)
        self.sources_of(node, scope, use)
        rows = self.projections(node.expressions, scope, use)
        if node.args.get("into") and rows.all.lineage:
            raise unreadable("SELECT INTO copies personal data into another table")
        scope.outs = rows.outs
        self.where(node.args.get("where"), scope)
        self.groups(node.args.get("group"), scope, rows)
        having = node.args.get("having")
        if having is not None:
            self.match(having.this, scope)
        for window in node.args.get("windows") or ():
            self.window(window, scope, "match")
        distinct = node.args.get("distinct")
        if distinct is not None:
            self.distinct(distinct, scope, rows)
        self.modifiers(node, scope, rows)
        return rows

    def sources_of(self, node: exp.Expr, scope: Scope, use: Use) -> None:
        start = node.args.get("from_")
        if start is not None:
            self.source(start.this, scope, use)
        for join in node.args.get("joins") or ():
            self.join(join, scope, use)

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

    def pin(self, condition: exp.Expr | None, scope: Scope, bound: Collection[int]) -> None:
        self.work.pins.condition(condition, self.locator(scope), bound)

    def locator(self, scope: Scope) -> Callable[[exp.Expr], Node | None]:
        """Finds the one column of one source that a name means, or None."""

        def locate(node: exp.Expr) -> Node | None:
            if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
                return None
            name = self.name(node.this)
            if node.args.get("table"):
                schema = node.args.get("db")
                sources = scope.named(self.name(node.args["table"]), self.name(schema) if schema else None)
                hits = [hit.out for s in sources if (hit := s.column(name)) is not None and not s.written]
            else:
                hits, sure = scope.unqualified(name)
                hits = hits if sure else []
            nodes = {hit.node for hit in hits}
            return nodes.pop() if len(nodes) == 1 else None

        return locate

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
        only(node, "this", "expression", "distinct", *_MODIFIERS)
        left = self.query(node.this, outer, use)
        right = self.query(node.expression, outer, use)
        if not isinstance(node, exp.Union) or node.args.get("distinct"):
            alike = [out.bare for out in left.outs] == [out.bare for out in right.outs]
            for rows in (left, right):
                if alike and left.exact and right.exact:
                    self.grouped(rows)
                else:
                    self.work.match(rows.all)
        rows = _both(left, right)
        self.modifiers(node, Scope(self.dialect, outer, outer.ctes, [self.derived("", rows)], rows.outs), rows)
        return rows

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

    # FROM

    def source(self, node: exp.Expr, scope: Scope, use: Use) -> None:
        """Adds what stands in FROM to the sources of a scope."""
        if isinstance(node, exp.Table):
            scope.sources.append(self.relation_of(node, scope))
        elif isinstance(node, exp.Subquery):
            self.subquery_source(node, scope, use)
        elif isinstance(node, exp.Lateral):
            only(node, "this", "alias", "ordinality")
            self.lateral(node, scope, use)
        elif isinstance(node, exp.Values):
            rows = self.values(node, scope.parent or scope, use)
            scope.sources.append(self.aliased(node, rows))
        else:
            raise unreadable(f"the construct {type(node).__name__} in FROM is not read")
        for join in node.args.get("joins") or ():
            self.join(join, scope, use)

    def subquery_source(self, node: exp.Subquery, scope: Scope, use: Use) -> None:
        only(node, "this", "alias", "joins", *_MODIFIERS)
        if not _is_join(node.this):
            rows = self.query(_bare(node), scope.parent or scope, use)
            scope.sources.append(self.aliased(node, rows))
            return
        # A join in brackets; its tables belong to this level, unless it has a name of its own.
        if not node.args.get("alias"):
            self.source(node.this, scope, use)
            return
        inner = Scope(self.dialect, scope.parent, scope.ctes)
        self.source(node.this, inner, use)
        stars = [source.star() for source in inner.sources]
        together = Rows(
            tuple(out for star in stars for out in star.outs),
            all(star.exact for star in stars) and not inner.merged,
            EMPTY.union(*(star.spill for star in stars)),
        )
        scope.sources.append(self.aliased(node, together))

    def lateral(self, node: exp.Lateral, scope: Scope, use: Use) -> None:
        inner = node.this
        if isinstance(inner, exp.Subquery):
            rows = self.query(inner, scope, use)
        else:
            out = self.expr(inner, scope, use)
            rows = Rows(exact=False, spill=out.lineage)
        scope.sources.append(self.aliased(node, rows))

    def aliased(self, node: exp.Expr, rows: Rows, fallback: str = "") -> Source:
        """A derived source under the alias of a node."""
        alias = node.args.get("alias")
        if alias is None:
            return self.derived(fallback, rows)
        if not isinstance(alias, exp.TableAlias):
            return self.derived(self.name(alias), rows)
        columns = [self.name(c.this if isinstance(c, exp.ColumnDef) else c) for c in alias.args.get("columns") or ()]
        return self.derived(self.name(alias.this) if alias.this else fallback, rows.renamed(columns))

    def derived(self, alias: str, rows: Rows) -> Source:
        return Source(self.index, self.dialect, alias, rows=rows)

    def relation_of(self, node: exp.Table, scope: Scope) -> Source:
        """The source for a name, or a function, in FROM."""
        only(node, "this", "db", "catalog", "alias", "joins", "only", "ordinality")
        schema = self.name(node.args["db"]) if node.args.get("db") else None
        if isinstance(node.this, exp.Func):
            out = self.table_function(node.this, schema, scope)
            return self.aliased(node, Rows(exact=False, spill=out.lineage), out.name or "")
        if isinstance(node.this, exp.Dot):
            out = self.expr(node.this, scope, "read")
            return self.aliased(node, Rows(exact=False, spill=out.lineage))
        name = self.name(node.this)
        alias = node.args.get("alias")
        known_as = self.name(alias.this) if alias is not None and alias.this is not None else name
        columns = [self.name(c) for c in alias.args.get("columns") or ()] if alias is not None else []
        cte = scope.ctes.get(name) if schema is None else None
        if cte is not None:
            return self.derived(known_as, self.cte_rows(cte).renamed(columns))
        source = self.relation(schema, name, known_as)
        if columns and source.rows is not None:
            source.rows = source.rows.renamed(columns)
        elif columns:
            source.renamed = True
            self.work.use(source.personal, "read")
        if alias is None:
            source.table_name = name
        return source

    def table_function(self, node: exp.Expr, schema: str | None, scope: Scope) -> Out:
        if not isinstance(node, exp.Anonymous):
            return self.expr(node, scope, "read")
        if schema is None:
            return self.function(node, scope, "read")
        name = node.this if isinstance(node.this, str) else self.name(node.this)
        return self.call(function_name(name, self.work.spelled), schema, node.expressions, scope, "read")

    def relation(self, schema: str | None, name: str, alias: str) -> Source:
        """The source for a table or view of the database, and a mention where it is of the catalogue."""
        tables = self.index.find(schema, name)
        if tables:
            source = Source(self.index, self.dialect, alias, tables, self.columns_of(schema, name))
            self.work.mentions.append(source)
            return source
        declared = self.asked.declarations.views
        full = (f"{schema}.{name}" if schema else name).lower()
        if full in declared:
            touched = declared[full]
            self.work.use(touched, "read")
            self.work.reach(name.rpartition(".")[0] for name in touched)
            self.work.inside |= touched
            return self.derived(alias, Rows(exact=False, spill=touched))
        return self.foreign(schema, name, alias)

    def foreign(self, schema: str | None, name: str, alias: str) -> Source:
        """The source for a relation that the catalogue does not know."""
        full = f"{schema}.{name}" if schema else name
        system = system_relation(schema, name, self.dialect)
        if system is False:
            raise unreadable(f"the system relation {full} may show rows or statements of others")
        if system:
            return Source(self.index, self.dialect, alias)
        relation = self.asked.relations.lookup(schema, name)
        if relation.kind == "view" and relation.definition is not None and self.asked.view is not None:
            footprint, rows = self.asked.view(relation.definition, self.asked.depth + 1)
            self.work.use(footprint.reads, "read")
            self.work.use(footprint.matches, "match")
            self.work.inside |= footprint.inside
            self.work.inherited += footprint.mentions
            return self.derived(alias, rows.renamed(relation.columns))
        if relation.kind in {"table", "missing", "system"}:
            return Source(self.index, self.dialect, alias, ask=self.columns_of(schema, name))
        if relation.kind == "unknown" and self.asked.catalogue.is_plain(schema, name):
            return Source(self.index, self.dialect, alias)
        raise unreadable(
            f"cannot tell what the relation {full} shows",
            hint=f'say what it shows: privacy.declare(view="{full.lower()}", touches=[...])',
        )

    def columns_of(self, schema: str | None, name: str) -> Callable[[], tuple[str, ...] | None]:
        return lambda: self.asked.relations.columns(schema, name)

    # joins

    def join(self, node: exp.Join, scope: Scope, use: Use) -> None:
        only(node, "this", "on", "using", "side", "kind", "method")
        side, method = (node.args.get("side") or "").upper(), (node.args.get("method") or "").upper()
        if (node.args.get("kind") or "").upper() not in {"", "INNER", "OUTER", "CROSS"} or method not in {
            "",
            "NATURAL",
        }:
            raise unreadable("a join of the statement is of a kind that is not read")
        left = list(scope.sources)
        self.source(node.this, scope, use)
        right = scope.sources[len(left) :]
        bound = {s.key for s in {"LEFT": right, "RIGHT": left, "FULL": []}.get(side, scope.sources)}
        if node.args.get("on") is not None:
            self.match(node.args["on"], scope)
            self.pin(node.args["on"], scope, bound)
        for part in node.args.get("using") or ():
            self.using(self.name(part.this if isinstance(part, exp.Column) else part), left, right, bound)
            scope.merged = True
        if method == "NATURAL":
            scope.merged = True
            for source, others in ((s, right) for s in left):
                self.natural(source, others)
            for source, others in ((s, left) for s in right):
                self.natural(source, others)

    def using(self, name: str, left: list[Source], right: list[Source], bound: Collection[int]) -> None:
        ones, others = ([hit.out for s in side if (hit := s.column(name)) is not None] for side in (left, right))
        for out in (*ones, *others):
            self.work.match(out)
        if len(ones) == 1 and len(others) == 1:
            self.work.pins.equal(ones[0].node, others[0].node, bound)
            self.work.pins.equal(others[0].node, ones[0].node, bound)

    def natural(self, source: Source, others: list[Source]) -> None:
        """Every column that may be common to both sides."""
        star = source.star()
        common = [out for out in star.outs if out.name is None or any(o.column(out.name) is not None for o in others)]
        self.work.match(merged((*common, Out(lineage=star.spill, pending=star.spill), NOTHING_OUT)))


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


def _is_join(node: exp.Expr) -> bool:
    """Whether brackets in FROM hold tables and joins, not a query."""
    if isinstance(node, exp.Subquery):
        return bool(node.args.get("alias") or node.args.get("joins")) or _is_join(node.this)
    return isinstance(node, exp.Table)


def _bare(node: exp.Subquery) -> exp.Expr:
    """The query of a derived table, without the joins that sqlglot hangs on it."""
    if not node.args.get("joins"):
        return node
    return exp.Subquery(**{key: value for key, value in node.args.items() if key not in {"joins", "alias"}})
