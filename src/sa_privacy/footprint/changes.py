"""Judges INSERT, UPDATE, DELETE and MERGE, as statements of their own or inside WITH."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp

from sa_privacy.columns.catalogue import PersonalColumn
from sa_privacy.footprint.lexer import unreadable
from sa_privacy.footprint.queries import Queries
from sa_privacy.footprint.scope import EMPTY, Out, Rows, Scope, Source
from sa_privacy.footprint.triggers import touched_by_code
from sa_privacy.footprint.work import only

__all__ = ["Changes"]


class Changes(Queries):
    """The part of the judge that reads data-modifying statements; with it the judge is whole."""

    def change(self, node: exp.Expr, outer: Scope) -> Rows:
        if isinstance(node, exp.Insert):
            return self.insert(node, outer)
        if isinstance(node, exp.Update):
            return self.update(node, outer)
        if isinstance(node, exp.Delete):
            return self.delete(node, outer)
        if isinstance(node, exp.Merge):
            return self.merge(node, outer)
        raise unreadable(f"the construct {type(node).__name__} is not read")

    def target(self, node: exp.Expr, scope: Scope, *, reached: bool = True) -> Source:
        """The table that is written; ``reached`` if rows that are there already are touched."""
        if not isinstance(node, exp.Table):
            raise unreadable("the table that is written cannot be read")
        outside = Scope(self.dialect)  # a WITH query cannot be written to, so its name does not hide the table's
        before = len(self.work.mentions)
        source = self.relation_of(node, outside)
        if not reached:
            del self.work.mentions[before:]
        if source.rows is not None and source.rows.all.lineage:
            raise unreadable("the statement writes to a view over protected tables", hint="write to the table itself")
        if isinstance(node.this, exp.Identifier):
            schema = self.name(node.args["db"]) if node.args.get("db") else None
            if self.dialect == "postgresql" and self.name(node.this) == "pg_settings":
                raise unreadable("UPDATE of pg_settings changes settings unseen", hint="use SET")
            code = self.asked.relations.lookup(schema, self.name(node.this)).code
            touched = touched_by_code(code, self.asked)
            self.work.use(touched, "read")
            self.work.unseen = self.work.unseen or bool(touched)
        scope.sources.append(source)
        return source

    # what is written

    def writes(self, target: Source, columns: Iterable[str] | None) -> None:
        """Notes columns as written; None for all of them."""
        if columns is None:
            self.work.writes |= target.personal
            return
        for name in columns:
            self.work.writes |= {column.name for column in self.written(target, name)}

    def written(self, target: Source, name: str) -> list[PersonalColumn]:
        found = (self.index.personal(table, name) for table in target.tables)
        return [column for column in found if column is not None]

    def flow(self, out: Out, target: Source, name: str | None) -> None:
        """A value goes into a column: personal values only into a column declared the same way."""
        if not out.lineage:
            return
        into = self.written(target, name) if name is not None else []
        alike = bool(into) and len(into) == len(target.tables)
        for lineage in out.lineage:
            column = self.asked.catalogue.columns.get(lineage)
            for other in into:
                alike = alike and column is not None and _same_declaration(column, other)
        if not alike:
            place = target.table_name or target.alias or "another table"
            values = ", ".join(sorted(out.lineage))
            raise unreadable(
                f"values of {values} may not be copied into {place}" + (f".{name}" if name else ""),
                hint="declare the target column with the same category, or load the values and write them from Python",
            )

    def value(self, node: exp.Expr, scope: Scope, target: Source, name: str) -> None:
        """One assignment. A column computed from its old self is matched, not read."""
        if _is_default(node) or isinstance(node, exp.Null):
            return
        own = frozenset(column.name for column in self.written(target, name))
        kept, self.work.assigning = self.work.assigning, own
        out = self.expr(node, scope, "assign")
        self.work.assigning = kept
        self.arrive(out, target, name, own)

    def arrive(self, out: Out, target: Source, name: str, own: frozenset[str]) -> None:
        itself = out.node is not None and out.node[0] == (target.key,) and out.lineage <= own
        offered = out.new and out.lineage <= own
        if not (itself or offered):
            self.work.take(out)
        if not (itself or offered) or not out.lineage:
            self.store(target, name, out.binds)
        self.flow(out, target, name)

    def store(self, target: Source, name: str | None, binds: Iterable[str | int]) -> None:
        """Notes what is put into a sealed column, or into all of them: bound values, or something else."""
        into = self.written(target, name) if name is not None else target.sealed
        self.work.stored |= {
            (column.name, bind) for column in into if column.sealed for bind in tuple(binds) or (None,)
        }

    def assignments(self, nodes: Iterable[exp.Expr], scope: Scope, target: Source) -> None:
        for node in nodes:
            if not isinstance(node, exp.EQ):
                raise unreadable("an assignment of the statement cannot be read")
            left, right = node.this, node.expression
            if isinstance(left, (exp.Tuple, exp.Paren)):
                places = left.expressions if isinstance(left, exp.Tuple) else [left.this]
                names = [self.place(place, target) for place in places]
                for name in names:
                    self.work.move(target.tables, name, None)
                self.several(right, scope, target, names)
            else:
                name = self.place(left, target)
                self.work.move(target.tables, name, self.work.bind_of(right))
                self.value(right, scope, target, name)

    def place(self, node: exp.Expr, target: Source) -> str:
        """The column on the left of an assignment."""
        while isinstance(node, exp.Bracket):
            for index in node.expressions:
                self.match(index, Scope(self.dialect))
            node = node.this
        if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
            name = self.name(node.this)
            # "SET address.street = ..." writes a field of the column "address".
            owner = self.name(node.args["table"]) if node.args.get("table") else None
            if owner is not None and owner not in {target.alias, target.table_name}:
                name = owner
        elif isinstance(node, exp.Literal) and node.is_string and self.dialect == "sqlite":
            name = self.name(node)
        else:
            raise unreadable("the column on the left of an assignment cannot be read")
        self.writes(target, [name])
        self.assigned(target, [name])
        return name

    def several(self, right: exp.Expr, scope: Scope, target: Source, names: Sequence[str]) -> None:
        """``SET (a, b) = ...``."""
        items = right.expressions if isinstance(right, (exp.Tuple, exp.Anonymous)) else None
        if isinstance(right, exp.Paren):
            items = [right.this]
        if items is not None and len(items) == len(names):
            for item, name in zip(items, names, strict=True):
                self.value(item, scope, target, name)
            return
        rows = self.query(right, scope, "read") if isinstance(right, exp.Query) else None
        if rows is None:
            raise unreadable("an assignment to several columns cannot be read")
        self.rows_into(rows, target, names)

    def rows_into(self, rows: Rows, target: Source, names: Sequence[str] | None) -> None:
        """The rows of a query go into columns of a table, by position."""
        self.work.inside |= rows.all.pending
        if names is not None and rows.exact and len(rows.outs) <= len(names):
            for out, name in zip(rows.outs, names, strict=False):
                self.flow(out, target, name)
                self.store(target, name, out.binds)
        else:
            self.flow(rows.all, target, None)
            self.store(target, None, ())

    def returning(self, node: exp.Returning | None, scope: Scope) -> Rows:
        if node is None:
            return Rows(exact=False)
        only(node, "expressions")
        target = scope.sources[0]
        for alias in ("old", "new"):  # PostgreSQL 18
            asked = any(c.args.get("table") and self.name(c.args["table"]) == alias for c in node.find_all(exp.Column))
            if asked and not any(source.alias == alias for source in scope.sources):
                source = self.derived(alias, target.star())
                source.hidden = True
                scope.sources.append(source)
        rows = self.projections(node.expressions, scope, "read")
        if scope.groups or scope.mixes:
            self.work.put_together(scope, frozenset())
        return rows

    # the statements

    def insert(self, node: exp.Insert, outer: Scope) -> Rows:
        only(node, "this", "expression", "conflict", "returning", "default", "with_", "alternative")
        scope = Scope(self.dialect, outer, outer.ctes)
        table, columns = node.this, None
        if isinstance(table, exp.Schema):
            columns = [self.name(c.this if isinstance(c, exp.Column) else c) for c in table.expressions]
            table = table.this
        conflict = node.args.get("conflict")
        updates = conflict is not None and bool(conflict.expressions)
        target = self.target(table, scope, reached=updates)
        self.work.targets.append(target)
        self.writes(target, () if node.args.get("default") else columns)
        if self.work.spelled.replaces:
            self.writes(target, None)
            self.assigned(target, None)
            self.replaced(target)
        self.inserted(node.args.get("expression"), outer, target, columns)
        if conflict is not None:
            self.conflict(conflict, scope, target, columns)
        return self.returning(node.args.get("returning"), scope)

    def inserted(self, node: exp.Expr | None, outer: Scope, target: Source, columns: Sequence[str] | None) -> None:
        names = columns if columns is not None else target.known
        if isinstance(node, exp.Values) and not any(node.args.get(k) for k in ("order", "limit", "offset", "alias")):
            for row in node.expressions:
                values = row.expressions if isinstance(row, exp.Tuple) else [row.unnest()]
                self.inserted_row(values, outer, target, names)
            return
        if node is None:  # DEFAULT VALUES
            self.note_insert(target, {}, ())
            return
        rows = self.query(node, outer, "read")
        self.rows_into(rows, target, names)
        binds: dict[str, tuple[str | int, ...]] = {}
        if rows.exact and names is not None:
            binds = {name: out.binds for name, out in zip(names, rows.outs, strict=False) if out.binds}
        self.note_insert(target, binds, names)

    def inserted_row(self, values: list[exp.Expr], outer: Scope, target: Source, names: Sequence[str] | None) -> None:
        binds: dict[str, tuple[str | int, ...]] = {}
        for at, value in enumerate(values):
            name = names[at] if names is not None and at < len(names) else None
            bind = None if _is_default(value) else self.work.binds_of(value)
            if bind is not None:
                self.store(target, name, () if bind.many else bind.rows)
                if name is not None and not bind.many:
                    binds[name] = bind.rows
            elif name is not None:
                self.value(value, outer, target, name)
            elif not _is_default(value):
                out = self.expr(value, outer, "read")
                self.work.take(out)
                self.flow(out, target, None)
                self.store(target, None, ())
        self.note_insert(target, binds, names)

    def note_insert(self, target: Source, binds: dict[str, tuple[str | int, ...]], names: Sequence[str] | None) -> None:
        """One entry for each row: which parameter each column gets."""
        count = max((len(rows) for rows in binds.values()), default=0)
        told = {name: rows for name, rows in binds.items() if len(rows) == count} if count else {}
        other = set(names) - set(told) if names is not None else None
        self.assigned(target, other)
        for table in target.tables:
            if not told:
                self.work.inserts.append((table.name, ()))
            for row in range(count if told else 0):
                named = ((self.index.spelling(table, name) or name, rows[row]) for name, rows in told.items())
                self.work.inserts.append((table.name, tuple(named)))

    def assigned(self, target: Source, columns: Iterable[str] | None) -> None:
        """Notes columns as written otherwise than by a bound value of a new row; None for all of them."""
        if columns is None:
            self.work.assigned |= target.personal
            return
        for name in columns:
            self.work.assigned |= {column.name for column in self.written(target, name)}

    def conflict(self, node: exp.OnConflict, scope: Scope, target: Source, columns: Sequence[str] | None) -> None:
        only(node, "expressions", "action", "conflict_keys", "index_predicate", "where", "constraint")
        for key in node.args.get("conflict_keys") or ():
            self.match(key.this if isinstance(key, exp.Ordered) else key, scope)
        predicate = node.args.get("index_predicate")
        if predicate is not None:
            self.match(predicate.this, scope)
        if node.args.get("constraint") is not None:
            # Which columns the constraint is over is not known: those that are offered.
            self.work.matches |= {c.name for name in columns or () for c in self.written(target, name)}
            self.work.matches |= target.personal if columns is None else EMPTY
        if target.rows is None:
            source = Source(self.index, self.dialect, "excluded", target.tables, target.ask)
        else:
            source = self.derived("excluded", target.star())
        source.written = source.hidden = True
        scope.sources.append(source)
        self.assignments(node.expressions, scope, target)
        where = node.args.get("where")
        if where is not None:
            self.match(where.this, scope)
        scope.sources.remove(source)

    def update(self, node: exp.Update, outer: Scope) -> Rows:
        only(node, "this", "expressions", "from_", "where", "returning", "with_", "order", "limit")
        scope = Scope(self.dialect, outer, outer.ctes)
        target = self.target(node.this, scope)
        if node.this.args.get("joins"):
            raise unreadable("UPDATE with a join in place of its table is not read")
        self.sources_of(node, scope, "read")
        self.assignments(node.expressions, scope, target)
        if self.work.spelled.replaces:
            self.replaced(target)
        self.where(node.args.get("where"), scope)
        self.modifiers(node, scope, Rows(exact=False))
        return self.returning(node.args.get("returning"), scope)

    def delete(self, node: exp.Delete, outer: Scope) -> Rows:
        only(node, "this", "using", "where", "returning", "with_", "order", "limit")
        scope = Scope(self.dialect, outer, outer.ctes)
        target = self.target(node.this, scope)
        self.deleted(target)
        for item in node.args.get("using") or ():
            self.source(item, scope, "read")
        self.where(node.args.get("where"), scope)
        self.modifiers(node, scope, Rows(exact=False))
        return self.returning(node.args.get("returning"), scope)

    def deleted(self, target: Source) -> None:
        self.work.deletes |= {table.name for table in target.tables if table.columns}

    def replaced(self, target: Source) -> None:
        """Rows in the way are deleted, whatever the statement says of the rows it is about."""
        self.deleted(target)
        self.work.reach(table.name for table in target.tables)

    def merge(self, node: exp.Merge, outer: Scope) -> Rows:
        only(node, "this", "using", "on", "whens", "with_", "returning")
        scope = Scope(self.dialect, outer, outer.ctes)
        target = self.target(node.this, scope)
        self.source(node.args["using"], scope, "read")
        self.match(node.args["on"], scope)
        for when in node.args["whens"].expressions:
            only(when, "matched", "source", "condition", "then")
            if when.args.get("condition") is not None:
                self.match(when.args["condition"], scope)
            self.branch(when.args["then"], scope, target)
        return self.returning(node.args.get("returning"), scope)

    def branch(self, node: exp.Expr, scope: Scope, target: Source) -> None:
        """What MERGE does with one kind of row."""
        if isinstance(node, exp.Update):
            only(node, "expressions")
            self.assignments(node.expressions, scope, target)
        elif isinstance(node, exp.Insert):
            only(node, "this", "expression", "default")
            columns = None
            if isinstance(node.this, exp.Tuple):
                columns = [self.name(c.this if isinstance(c, exp.Column) else c) for c in node.this.expressions]
            self.writes(target, columns)
            value = node.args.get("expression")
            values = value.expressions if isinstance(value, exp.Tuple) else []
            self.inserted_row(values, scope, target, columns if columns is not None else target.known)
        elif isinstance(node, exp.Var) and node.name.upper() == "DELETE":
            self.deleted(target)
        elif not (isinstance(node, exp.Var) and node.name.upper() == "DO NOTHING"):
            raise unreadable("a branch of MERGE is not read")


def _is_default(node: exp.Expr) -> bool:
    if isinstance(node, exp.Column) and not node.args.get("table"):
        # Names come quoted from respelling, so this one is the keyword.
        return isinstance(node.this, exp.Identifier) and not node.this.args.get("quoted") and node.name == "DEFAULT"
    return isinstance(node, exp.Var) and node.name.upper() == "DEFAULT"


def _same_declaration(one: PersonalColumn, other: PersonalColumn) -> bool:
    return (one.category, one.purposes, one.sealed) == (other.category, other.purposes, other.sealed)
