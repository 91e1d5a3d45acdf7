"""One batch: a range of keys, read, changed and written by compare and set. It may run in any thread or process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Engine, event, inspect
from sqlalchemy.exc import IntegrityError, OperationalError

from sa_privacy.columns.binding import keys_of, unbind_keys
from sa_privacy.errors import PolicyError
from sa_privacy.gate.binds import owner_of_dialect
from sa_privacy.gate.scrub import scrub_error
from sa_privacy.gate.sqlalchemy_private import hide_rows, show_rows
from sa_privacy.jobs.retype import Busy, stored_types
from sa_privacy.jobs.sql import Key, TableSql
from sa_privacy.jobs.target import Target
from sa_privacy.jobs.values import DONE, REJECTED, Operation, change_of
from sa_privacy.ledger import PASSES, let_past

if TYPE_CHECKING:
    from sa_privacy.crypto import Keyring

__all__ = ["Batch", "Chunk", "Done", "connected", "patiently", "working_on"]

T = TypeVar("T")
_TURNS = 12
_AGAIN = {"40001", "40P01", "55P03"}  # PostgreSQL: serialization failure, deadlock, lock not available


@dataclass(frozen=True)
class Chunk:
    """What a worker is asked to do. Holds keys of rows, and no key of the keyring.

    :param job: which job of this process it belongs to.
    :param after: the range begins after this key; None: with the first.
    :param upto: the range ends with this key; None: with the last.
    :param limit: no more rows than that: others may have come into the range.
    """

    job: str
    operation: Operation
    columns: tuple[str, ...]
    after: Key | None
    upto: Key | None
    limit: int


@dataclass
class Done:
    """What a worker did.

    :param rows: rows that had work.
    :param changed: rows that were written.
    :param values: values that were written.
    :param lost: rows that somebody else wrote, or held, in the meantime: they come again.
    :param rejected: by column, values that are left as they were.
    :param refused: by column, values of rows that the database refused, as a unique index does: left as they were.
    :param stuck: rows with a value that was rejected or refused.
    :param full: there may be more rows in the range.
    """

    rows: int = 0
    changed: int = 0
    values: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    stuck: int = 0
    full: bool = False

    def add(self, other: Done) -> None:
        """Both together."""
        self.rows += other.rows
        self.changed += other.changed
        self.values += other.values
        self.lost += other.lost
        self.rejected += other.rejected
        self.refused += other.refused
        self.stuck += other.stuck
        self.full |= other.full


class Batch:
    """Works on chunks of one target.

    :param engine: has the keys (see :func:`working_on`).
    """

    def __init__(self, engine: Engine, target: Target, operation: Operation, keys: Keyring) -> None:
        self._engine = engine
        self._target = target
        self._operation = operation
        with connected(engine) as connection:
            stored = stored_types(connection, target)
            self._may_be_held = inspect(connection).has_table(PASSES.name)
        self.sql = TableSql(target, engine.dialect, keys, stored)
        self._changes = [change_of(operation, target, column, engine.dialect, keys) for column in target.columns]

    def run(self, chunk: Chunk) -> Done:
        """Does what a chunk asks for."""

        def attempt() -> Done:
            with connected(self._engine) as connection:
                return self.run_on(connection, chunk, own=True)

        return patiently(attempt)

    def run_on(self, connection: Connection, chunk: Chunk, *, own: bool) -> Done:
        """The same, on a connection.

        :param own: its transactions are the batch's: none is open while values are changed.
        """
        statement, parameters = self.sql.rows(self._operation, chunk.after, chunk.upto, chunk.limit)
        rows = connection.exec_driver_sql(statement, parameters).fetchall()
        if own:
            connection.rollback()
        done = Done(rows=len(rows), full=len(rows) == chunk.limit)
        with let_past(connection, self._operation) if self._may_be_held else nullcontext():
            for changed, group in self._changed(rows, done).items():
                self._write(connection, changed, group, done)
        if own:
            connection.commit()
        return done

    def _write(
        self, connection: Connection, changed: tuple[int, ...], group: list[tuple[Key, Key, Key]], done: Done
    ) -> None:
        """Writes rows at once; one by one where the database refuses that, as a unique index does for a second value."""
        try:
            with connection.begin_nested():
                written = self.sql.write(connection, changed, group)
        except IntegrityError:
            if len(group) > 1:
                for row in group:
                    self._write(connection, changed, [row], done)
                return
            done.stuck += 1
            for index in changed:
                done.refused[self._target.names[index]] += 1
            return
        done.changed += written
        for index in changed if written else ():
            done.values[self._target.names[index]] += written
        done.lost += len(group) - written

    def _changed(self, rows: Any, done: Done) -> dict[tuple[int, ...], list[tuple[Key, Key, Key]]]:
        """The rows to write, by which columns of them change."""
        groups: dict[tuple[int, ...], list[tuple[Key, Key, Key]]] = {}
        size, changes = len(self.sql.key), list(enumerate(self._changes))
        for row in rows:
            changed, old, new, stuck = [], [], [], 0
            for index, change in changes:
                value = row[size + index]
                given = change(value)
                if given is REJECTED:
                    done.rejected[self._target.names[index]] += 1
                    stuck = 1
                elif given is not DONE:
                    changed.append(index)
                    old.append(value)
                    new.append(given)
            done.stuck += stuck
            if changed:
                groups.setdefault(tuple(changed), []).append((tuple(row[:size]), tuple(old), tuple(new)))
        return groups


def connected(engine: Engine) -> Connection:
    """A connection whose transactions are what this room takes them for, whatever the engine's default is."""
    connection = engine.connect()
    if engine.dialect.name == "postgresql":
        connection.execution_options(isolation_level="READ COMMITTED")
    return connection


def patiently(work: Callable[[], T]) -> T:
    """Tries again where the database says that it is somebody else's turn.

    :raises Busy: it never was the job's.
    """
    for turn in range(_TURNS):
        try:
            return work()
        except OperationalError as error:
            said = getattr(error.orig, "sqlstate", None) in _AGAIN or "locked" in str(error.orig)
            if not said:
                raise
        time.sleep(min(2.0, 0.05 * 2**turn))
    raise Busy(
        "the database gave the job no turn to write.",
        hint="run it again when there is less to do: it goes on where it was.",
    )


@contextmanager
def working_on(engine: Engine, keys: Keyring) -> Iterator[None]:
    """The engine has the keys, and shows no values in errors and logs, until the job is over.

    :raises PolicyError: it is protected, asynchronous, or its database is not supported.
    """
    dialect = engine.dialect
    if dialect.is_async:
        raise PolicyError("a job needs a synchronous engine.", hint='create_engine("postgresql+psycopg://...").')
    if dialect.name not in {"sqlite", "postgresql"}:
        raise PolicyError(
            f"the {dialect.name} dialect is not supported.", hint="sa_privacy works on SQLite and PostgreSQL."
        )
    with engine.connect() as connection:  # install_all() takes an engine in when it first connects
        connection.rollback()
    if owner_of_dialect(dialect) is not None:
        raise PolicyError(
            "the job's engine is protected by a Privacy, which compares no sealed values.",
            hint="give the job an engine of its own, create_engine(engine.url), and leave it out of install_all(match=...).",
        )
    if not keys_of(dialect).lend(keys):
        raise PolicyError(
            "another job is at work on this engine.",
            hint="give each job an engine of its own, create_engine(engine.url), or wait for the other one to end.",
        )
    hidden = engine.hide_parameters
    engine.hide_parameters = True
    hide_rows(engine)
    event.listen(engine, "handle_error", scrub_error)
    try:
        yield
    finally:
        show_rows(engine)
        event.remove(engine, "handle_error", scrub_error)
        unbind_keys(dialect)
        engine.hide_parameters = hidden
