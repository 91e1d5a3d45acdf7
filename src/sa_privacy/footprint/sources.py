"""Judges what stands in FROM: tables, views, subqueries, functions and joins."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from sqlglot import exp

from sa_privacy.footprint.expressions import Expressions
from sa_privacy.footprint.keys import conjuncts
from sa_privacy.footprint.lexer import unreadable
from sa_privacy.footprint.relations import system_relation
from sa_privacy.footprint.scope import EMPTY, NOTHING_OUT, Cte, Node, Out, Rows, Scope, Source, merged
from sa_privacy.footprint.work import Use, function_name, only

__all__ = ["MODIFIERS", "Sources"]

MODIFIERS: Final = ("with_", "order", "limit", "offset")


class Sources(Expressions):
    """The part of the judge that reads FROM."""

    def cte_rows(self, cte: Cte) -> Rows:
        """The rows of a WITH query; the part of the judge that reads queries provides it."""
        raise NotImplementedError

    def values(self, node: exp.Values, outer: Scope, use: Use) -> Rows:
        """The rows of VALUES; provided like :meth:`cte_rows`."""
        raise NotImplementedError

    def sources_of(self, node: exp.Expr, scope: Scope, use: Use) -> None:
        start = node.args.get("from_")
        if start is not None:
            self.source(start.this, scope, use)
        for join in node.args.get("joins") or ():
            self.join(join, scope, use)

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
        only(node, "this", "alias", "joins", *MODIFIERS)
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
            self.work.repeated = self.work.repeated or cte.used
            cte.used = True
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
        held = sorted(self.index.carried(relation))
        if held:
            raise unreadable(
                f"{full} refers to {', '.join(held)} by a foreign key, and so holds its values",
                hint='say so of the column that refers to it, in the model or under [columns]: "table.column" = "category"',
            )
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

    def pin(self, condition: exp.Expr | None, scope: Scope, bound: Collection[int]) -> None:
        self.work.pins.condition(condition, self.locator(scope), bound)
        if self.asked.marks:
            self.limit(condition, scope, bound)

    def limit(self, condition: exp.Expr | None, scope: Scope, bound: Collection[int]) -> None:
        """Notes the sources that a condition with marks limits: each its own, and no other of that name."""
        for part in conjuncts(condition):
            table = self.marked(part)
            if table is not None:
                schema = part.args.get("db")
                sources = scope.named(self.name(part.args["table"]), self.name(schema) if schema else None)
                if len(sources) == 1 and sources[0].key in bound:
                    self.work.limited.add((sources[0].key, table))

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
