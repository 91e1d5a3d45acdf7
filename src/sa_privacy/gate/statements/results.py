"""Rows on their way out: counted, and whose they are noted, durably, before anyone sees them.

SQLAlchemy asks a fetch strategy for the rows of a cursor. The gate wraps the strategy of every allowed statement, so
that ORM, Core and text rows all pass here first.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from msgspec import Struct

from sa_privacy.gate.sqlalchemy_private import in_greenlet, is_multivalues_batch, rows_of_batches
from sa_privacy.gate.statements.plan import KEPT

if TYPE_CHECKING:
    from sa_privacy.access import Scope
    from sa_privacy.gate.engine import Gate
    from sa_privacy.gate.rows.missing import Missing
    from sa_privacy.gate.statements.plan import Plan

__all__ = ["WitnessedFetch"]

_LARGEST_CHUNK: Final = 256


class WitnessedFetch(Struct, eq=False):
    """One allowed execution, from its intent to its last row: a fetch strategy that hands nothing over before the
    outcome is written.

    Single fetches are served from chunks that grow from 1 row to 256, one event a chunk, so that iterating a result
    costs an event for a few hundred rows and ``first()`` reports just one.

    Rows are handed over while the scope of the access that asked for them is alive, and no longer; and under another access
    only where that reaches the same rows.

    One is made for every statement: a ``Struct`` is filled without a Python frame.

    :param gate: that let it through.
    :param scope: that scope; None where none was needed.
    :param context: the execution context, until the statement has run.
    :param inner: the strategy that SQLAlchemy would have used.
    :param event: the members that intent and outcome share.
    :param intent: the sequence number of the intent, and `writer` the log's at that time; None where there is no log.
    :param subjects: whose rows the statement itself names; None where it does not, or not for sure.
    :param declared: whom the access says it is about.
    :param write: writes the outcomes.
    """

    _gate: Gate
    plan: Plan
    scope: Scope | None
    _context: Any
    inner: Any
    event: bytes
    intent: int
    writer: str | None
    subjects: tuple[str, ...] | None
    declared: tuple[str, ...]
    write: Callable[[str, bytes], int]
    #: Looks for rows that a flush under row rules was meant for, and did not touch.
    missing: Missing | None = None
    #: Told the keys of new people, as the database reports them.
    newcomers: Callable[[list[Any]], None] | None = None
    _waiting: deque[Any] | None = None
    _chunk: int = 1
    _largest: int = _LARGEST_CHUNK
    _silent: bool = True

    __repr__ = object.__repr__  # a Struct's own would show the rows that wait

    def admitted(self, plan: Plan, scope: Scope | None) -> bool:
        """Whether this is the next batch of an INSERT whose intent, already written, names all its rows."""
        context = self._context
        return (
            self.plan is plan
            and self.scope is scope
            and context is not None
            and is_multivalues_batch(context)
            and vars(context.compiled).get(KEPT) is plan  # the plan of a text knows one batch only
        )

    @property
    def alternate_cursor_description(self) -> Any:
        """What the wrapped strategy says of the columns, where it knows better than the cursor.

        SQLAlchemy asks right after the statement ran, before it looks for rows: the moment to write the outcome of a
        statement that gives none, or whose rows were collected batch by batch.
        """
        context = self._context
        if context is not None:
            self._context = None
            if context.isinsert and is_multivalues_batch(context):
                self._silent = False
                rows = rows_of_batches(context)
                if rows is None:
                    self._gate.evidence.outcome_without_rows(self, len(context.compiled_parameters))
                else:
                    self._gate.evidence.outcome(self, rows)
                    if self.newcomers is not None:
                        self._tell_newcomers(context, rows, self.newcomers)
            elif context.cursor.description is None:
                self._silent = False
                cursor = context.cursor
                made = cursor.lastrowid if self.plan.people.made is not None else None
                self._gate.evidence.outcome_without_rows(self, cursor.rowcount, made)
                if self.newcomers is not None and made is not None:
                    self.newcomers([made])
                missing, self.missing = self.missing, None
                if missing is not None:
                    missing.check(cursor.rowcount)
        return self.inner.alternate_cursor_description

    def _goes_on(self, result: Any, scope: Scope) -> None:
        """Another scope is in force than the one that asked, or that one was left, as a task that outlives it finds it: it has to
        be alive still, and what is in force to reach its rows.

        :raises AccessDenied: it is not, or may not. It is written down.
        """
        try:
            if not scope.alive:
                self._gate.evidence.refuse_late(self, scope)
            now = self._gate.scope()
            if now is not None and now.alive and now.access is not scope.access:
                self._gate.require_same_rows(self, scope.access, now.access)
        except BaseException:
            self._waiting = None
            result.close()
            raise

    def _witness(self, result: Any, rows: Sequence[Any]) -> None:
        if rows or self._silent:
            self._silent = False
            try:
                self._gate.evidence.outcome(self, rows)
                if self.newcomers is not None:
                    self._tell_newcomers(result.context, rows, self.newcomers)
            except BaseException:
                # These rows are lost: who asks again must not take the ones after them for the whole.
                result.close()
                raise

    def _tell_newcomers(self, context: Any, rows: Sequence[Any], tell: Callable[[list[Any]], None]) -> None:
        """Tells who the new people are, where rows say so; else they are known when they are next written to."""
        if len(self.plan.people.keys) != 1 or (context.dialect.is_async and not in_greenlet()):
            return  # rows of an AsyncSession may be read where nothing can be asked
        [(index, _)] = self.plan.people.keys
        keys = [row[index] for row in rows]
        if all(isinstance(key, (int, uuid.UUID)) for key in keys):
            tell(keys)

    def soft_close(self, result: Any, dbapi_cursor: Any) -> None:
        """The cursor is exhausted."""
        self.inner.soft_close(result, dbapi_cursor)

    def hard_close(self, result: Any, dbapi_cursor: Any) -> None:
        """The result is closed; what was fetched ahead was never handed over."""
        self._waiting = None
        self.inner.hard_close(result, dbapi_cursor)

    def yield_per(self, result: Any, dbapi_cursor: Any, num: int) -> None:
        """Streams in chunks of `num` rows."""
        self.inner.yield_per(result, dbapi_cursor, num)
        if result.cursor_strategy is not self:
            self.inner, result.cursor_strategy = result.cursor_strategy, self
        self._chunk = self._largest = num

    def fetchone(self, result: Any, dbapi_cursor: Any, hard_close: bool = False) -> Any:
        """The next row, or None."""
        scope = self.scope
        if scope is not None and (scope is not self._gate.scope() or not scope.alive):
            self._goes_on(result, scope)
        if self._waiting:
            return self._waiting.popleft()
        rows = self.inner.fetchmany(result, dbapi_cursor, self._chunk)
        self._witness(result, rows)
        if not rows:
            result._soft_close(hard=hard_close)  # as the plain strategies do at the end of the rows
            return None
        self._chunk = max(self._chunk, min(self._chunk * 4, self._largest))
        self._waiting = deque(rows)
        return self._waiting.popleft()

    def fetchmany(self, result: Any, dbapi_cursor: Any, size: int | None = None) -> Any:
        """The next rows, at most `size`."""
        scope = self.scope
        if scope is not None and (scope is not self._gate.scope() or not scope.alive):
            self._goes_on(result, scope)
        if self._waiting:
            count = len(self._waiting) if size is None else min(size, len(self._waiting))
            rows = [self._waiting.popleft() for _ in range(count)]
            if size is not None and count < size:  # fewer rows than asked for mean the end, to whoever counts
                rows += self.fetchmany(result, dbapi_cursor, size - count)
            return rows
        rows = self.inner.fetchmany(result, dbapi_cursor, size)
        self._witness(result, rows)
        return rows

    def fetchall(self, result: Any, dbapi_cursor: Any) -> Any:
        """All rows that are left."""
        scope = self.scope
        if scope is not None and (scope is not self._gate.scope() or not scope.alive):
            self._goes_on(result, scope)
        rows = self.inner.fetchall(result, dbapi_cursor)
        self._witness(result, rows)
        if self.missing is not None:
            missing, self.missing = self.missing, None
            missing.check(len(rows))
        if self._waiting:
            rows = [*self._waiting, *rows]
            self._waiting = None
        return rows

    def handle_exception(self, result: Any, dbapi_cursor: Any, err: BaseException) -> NoReturn:
        """A fetch failed."""
        self.inner.handle_exception(result, dbapi_cursor, err)
        raise err
