"""While a statement is compiled: for whom, and into which cache.

A protected engine compiles an ORM statement differently for different grants, since uncovered attributes leave
themselves out. Two things make that safe. The engine's compile cache is routed by the set of uncovered columns, so
that what was compiled for one grant never serves another. And the engine's compiler announces itself for exactly as
long as it compiles, so that attributes know which engine asks, and engines without a ``Privacy`` are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, Select, Table, exists, literal_column
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.operators import exists as exists_op

from sa_privacy.columns.lookup_key import compare_both_forms
from sa_privacy.columns.searching import empty_list, require_parameters_apart
from sa_privacy.gate.rows.ruled_compiler import RuledCompiler, RuledStatement
from sa_privacy.gate.sqlalchemy_private import asked_to_return, by_lookup, limit_selects
from sa_privacy.gate.statements.recent import Recent
from sa_privacy.gate.statements.shared import Shared
from sa_privacy.gate.statements.view import View

if TYPE_CHECKING:
    from sa_privacy.columns.catalogue import Catalogue, PersonalColumn
    from sa_privacy.gate.engine import Gate
    from sa_privacy.gate.rows.ruling import Ruling
    from sa_privacy.policy import Grant

__all__ = ["Compiling", "RoutedCache", "as_enforced", "compiling", "unwatch_compiler", "watch_compiler"]


class Compiling:
    """One compilation on a protected engine: the compiler at work, what its caller may see, and whose engine it is.

    ``left_out`` gathers the columns that entities inside subqueries left out, in case the statement names them outside;
    ``shown`` and ``hidden`` the names of all columns that it asked about, by what the answer was.
    """

    __slots__ = ("compiler", "hidden", "left_out", "owner", "shown", "view")

    def __init__(self, compiler: SQLCompiler, view: View, owner: object, around: Compiling | None) -> None:
        self.compiler = compiler
        self.view = view
        self.owner = owner
        self.left_out: set[PersonalColumn] = set()
        self.shown: set[str] = set() if around is None else around.shown
        self.hidden: set[str] = set() if around is None else around.hidden

    def hides(self, columns: Iterable[Column[Any]]) -> tuple[PersonalColumn, ...]:
        """The personal ones among `columns` that its caller may not see. What is compiled depends on the answer."""
        personal = self.view.personal(columns)
        hidden = tuple(column for column in personal if column.name in self.view.uncovered)
        self.hidden.update(column.name for column in hidden)
        self.shown.update(column.name for column in personal if column.name not in self.view.uncovered)
        return hidden

    @property
    def positional(self) -> bool:
        """Whether the SELECT being compiled is matched with something by position: leaving out would shift columns."""
        stack = self.compiler.stack
        return bool(stack) and stack[-1]["selectable"].__visit_name__ in ("compound_select", "insert")


_compiling: ContextVar[Compiling | None] = ContextVar("sa_privacy.compiling", default=None)
compiling = _compiling.get
_instead: ContextVar[View | None] = ContextVar("sa_privacy.as_enforced", default=None)


@contextmanager
def as_enforced(view: View) -> Iterator[None]:
    """Compiles for `view` inside the block, to learn what an engine that enforces would have sent."""
    token = _instead.set(view)
    try:
        yield
    finally:
        _instead.reset(token)


def watch_compiler(
    dialect: Dialect, view: Callable[[], View], owner: object, rules: Callable[[], Ruling | None] = lambda: None
) -> None:
    """Makes the engine's compiler announce itself. ``Dialect.statement_compiler`` is the documented place for it.

    :param owner: whose engine it is: the gate.
    :param rules: the row rules for a statement that is about to be compiled.
    """
    plain: type[SQLCompiler] = dialect.statement_compiler

    class WatchedCompiler(RuledCompiler, plain):  # type: ignore[misc, valid-type]
        sa_privacy_plain = plain
        sa_privacy_owner = owner

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            now = Compiling(self, _instead.get() or view(), owner, compiling())
            ruling = self.sa_privacy_ruling = rules()
            token = _compiling.set(now)
            try:
                super().__init__(*args, **kwargs)
                require_parameters_apart(self)
                self.sa_privacy_view, self.sa_privacy_left_out = now.view, tuple(now.left_out)
                self.sa_privacy_shown, self.sa_privacy_hidden = frozenset(now.shown), frozenset(now.hidden)
            finally:
                _compiling.reset(token)
            if ruling is not None:
                ruling.done(self)
                if ruling.marks.tables:
                    self.__class__ = RuledWatchedCompiler

        def returning_clause(self, stmt: Any, returning_cols: Any, **kwargs: Any) -> str:
            if self.implicit_returning:
                returning_cols = _keep_out_of_returning(self, stmt, returning_cols)
            return super().returning_clause(stmt, returning_cols, **kwargs)  # type: ignore[no-any-return]

        def visit_empty_set_op_expr(self, type_: Any, expand_op: Any, **kwargs: Any) -> str:
            empty = empty_list(type_, expand_op)
            return empty or super().visit_empty_set_op_expr(type_, expand_op, **kwargs)

        def visit_binary(self, binary: Any, *args: Any, **kwargs: Any) -> str:
            return compare_both_forms(
                binary, self, lambda: super(WatchedCompiler, self).visit_binary(binary, *args, **kwargs)
            )

        def visit_unary(self, unary: Any, *args: Any, **kwargs: Any) -> str:
            if unary.operator is exists_op:
                unary = _without_star(unary)
            return super().visit_unary(unary, *args, **kwargs)  # type: ignore[no-any-return]

        def visit_on_conflict_do_update(self, on_conflict: Any, **kwargs: Any) -> str:
            return super().visit_on_conflict_do_update(by_lookup(self, on_conflict), **kwargs)  # type: ignore[no-any-return]

        def visit_on_conflict_do_nothing(self, on_conflict: Any, **kwargs: Any) -> str:
            return super().visit_on_conflict_do_nothing(by_lookup(self, on_conflict), **kwargs)  # type: ignore[no-any-return]

    limit_selects(WatchedCompiler)

    class RuledWatchedCompiler(RuledStatement, WatchedCompiler):
        pass

    for made in (WatchedCompiler, RuledWatchedCompiler):
        made.__name__ = plain.__name__
        made.__qualname__ = plain.__qualname__
        made.__module__ = plain.__module__  # it renders as `plain` does: the footprint may trust its tree
    dialect.statement_compiler = WatchedCompiler


def _without_star(whether: Any) -> Any:
    """``exists().where(...)``, which says ``SELECT *``, without the columns that this grant leaves out.

    No row's value decides whether there is one; but the databases take ``*`` for every column, and so does the gate.
    """
    now, rows = compiling(), getattr(whether.element, "element", None)
    if now is None or not isinstance(rows, Select) or [str(column) for column in rows.selected_columns] != ["*"]:
        return whether
    within = (part for place in rows.get_final_froms() for part in visitors.iterate(place))
    if not now.hides(column for table in within if isinstance(table, Table) for column in table.columns):
        return whether
    return exists(rows.with_only_columns(literal_column("1")))


def _keep_out_of_returning(compiler: Any, statement: Any, columns: list[Any]) -> list[Any]:
    """Leaves personal defaults to be fetched later, under an access that covers them.

    Whatever the grant: a mapper keeps its compiled INSERTs for everyone.

    :returns: `columns` without them: those that the compiler wants for itself, and others that sort their rows.
    """
    now, returning = compiling(), compiler.implicit_returning
    if now is None:
        return columns
    wanted = asked_to_return(statement)
    later = {
        c
        for c in returning
        if isinstance(c, Column) and not c.primary_key and c not in wanted and now.view.personal((c,))
    }
    if not later:
        return columns
    kept = [column for column in returning if column not in later] or list(statement.table.primary_key)
    rest = columns[len(returning) :]
    returning[:] = kept
    compiler.postfetch.extend(later.difference(compiler.postfetch))
    return kept + rest


def unwatch_compiler(dialect: Dialect) -> None:
    """Puts the engine's own compiler back."""
    plain = getattr(dialect.statement_compiler, "sa_privacy_plain", None)
    if plain is not None:
        dialect.statement_compiler = plain


#: Of a grant that was not seen yet: no catalogue's.
_UNKNOWN: Final[tuple[object, None]] = (object(), None)


class RoutedCache(MutableMapping[Any, Any]):
    """The ``compiled_cache`` of a protected engine: one for each set of uncovered columns, and structure of row rules.

    :param size: statements kept for each set.
    """

    def __init__(self, gate: Gate, size: int) -> None:
        self._gate = gate
        self._live = gate.live
        self._scope = gate.scopes.get
        self._size = size
        self._routes: Recent[Recent[Any]] = Recent(64)
        #: By grant: the catalogue of then, and the route; None where row rules hold, which differ between accesses.
        self._by_grant: dict[Grant | None, tuple[Catalogue | object, Recent[Any] | None]] = {}
        #: Where they do, the routes by catalogue, grant and structure.
        self._under_rules: Recent[Recent[Any]] = Recent(256)
        self._retired: Recent[Any] | None = None
        self._shared = Shared(size)

    def get(self, key: Any, default: Any = None) -> Any:
        """A statement compiled for the grant in force."""
        scope = self._scope()
        grant = scope.access.grant if scope is not None and scope.alive else None
        catalogue, route = self._by_grant.get(grant, _UNKNOWN)
        if catalogue is not self._live.now:
            route = self._route()
        elif route is None:
            limits = self._gate.limits()
            known = None if limits is None else self._under_rules.get((limits.catalogue, grant, limits.structure))
            route = self._route() if known is None else known
        entry = route.entries.get(key)
        if entry is None:
            return self._from_others(key, default)
        entry[1] = True
        return entry[0]

    def _from_others(self, key: Any, default: Any) -> Any:
        """A statement that was compiled for another grant, where it would be the same for the one in force."""
        if self._retired is not None:
            return default
        now = self._now()
        found = self._shared.find(key, *now)
        if found is None:
            return default
        self._route_of(*now)[key] = found
        return found

    def retire(self) -> None:
        """The gate is off the engine: what may still hold this cache gets statements that were compiled since then."""
        self.clear()
        self._retired = Recent(self._size)

    def _now(self) -> tuple[View, Hashable]:
        """What the grant in force may see, and the structure of its row rules; None where it has none."""
        limits = self._gate.limits()
        return self._gate.current_view(), None if limits is None else limits.structure

    def _route(self) -> Recent[Any]:
        return self._retired if self._retired is not None else self._route_of(*self._now())

    def _route_of(self, view: View, structure: Hashable) -> Recent[Any]:
        # By catalogue too: a column that was sealed since then is bound by another type.
        key = (view.catalogue, view.uncovered, structure)
        route = self._routes.get(key)
        if route is None:
            route = self._routes[key] = Recent(self._size)
        if structure is not None:
            self._under_rules[view.catalogue, view.grant, structure] = route
        if len(self._by_grant) > 1000:
            self._by_grant.clear()
        self._by_grant[view.grant] = (view.catalogue, route if structure is None else None)
        return route

    def __getitem__(self, key: Any) -> Any:
        return self._route().entries[key][0]

    def __setitem__(self, key: Any, value: Any) -> None:
        """Keeps it for those like the one it was compiled for, whose access may have ended meanwhile."""
        if self._retired is not None:
            self._retired[key] = value
            return
        view: View | None = getattr(value, "sa_privacy_view", None)
        if view is None:
            return  # the engine's own compiler made it, just as the gate went on or off
        ruling: Ruling | None = value.sa_privacy_ruling
        structure = None if ruling is None else ruling.structure
        self._route_of(view, structure)[key] = value
        self._shared.keep(key, value, view, structure)

    def __delitem__(self, key: Any) -> None:
        del self._route()[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._route())

    def __len__(self) -> int:
        return len(self._shared)

    def clear(self) -> None:
        self._routes.clear()
        self._by_grant.clear()
        self._under_rules.clear()
        self._shared.clear()
