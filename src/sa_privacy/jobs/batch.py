"""One batch: a range of keys, read, changed and written by compare and set. It may run in any thread or process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, event, inspect
from sqlalchemy.exc import IntegrityError

from sa_privacy.bulk import Key, Lease, Range, begin_to_write, mark_done, patiently, range_of
from sa_privacy.columns.binding import keys_of, unbind_keys
from sa_privacy.errors import PolicyError
from sa_privacy.gate.binds import owner_of_dialect
from sa_privacy.gate.scrub import scrub_error
from sa_privacy.gate.sqlalchemy_private import hide_rows, show_rows
from sa_privacy.jobs.retype import stored_types
from sa_privacy.jobs.sql import TableSql
from sa_privacy.jobs.target import Target
from sa_privacy.jobs.values import DONE, REJECTED, Operation, change_of
from sa_privacy.ledger import PASSES, let_past

if TYPE_CHECKING:
    from sa_privacy.crypto import Keyring

__all__ = ["Batch", "Done", "connected", "working_on"]

Groups = dict[tuple[int, ...], list[tuple[Key, Key, Key]]]


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
    """Works on ranges of one target.

    :param engine: has the keys (see :func:`working_on`).
    :param limit: no more rows of a range than that: others may have come into it.
    """

    def __init__(self, engine: Engine, target: Target, operation: Operation, keys: Keyring, limit: int) -> None:
        self._engine = engine
        self._target = target
        self._operation = operation
        self._limit = limit
        with connected(engine) as connection:
            stored = stored_types(connection, target)
            self._may_be_held = inspect(connection).has_table(PASSES.name)
        self.sql = TableSql(target, engine.dialect, keys, stored)
        self._changes = [change_of(operation, target, column, engine.dialect, keys) for column in target.columns]

    def end_of_range(self, after: Key | None, size: int) -> Key | None:
        """The key with which a range of `size` rows with work ends; None: there are fewer."""
        statement, parameters = self.sql.end_of_range(self._operation, after, size)

        def ask() -> Key | None:
            with connected(self._engine) as connection:
                found = connection.exec_driver_sql(statement, parameters).first()
            return None if found is None else tuple(found)

        return patiently(ask)

    def carry_out(self, lease: Lease) -> Done:
        """Works on a chunk: none of its transactions is open while values are changed."""

        def attempt() -> Done:
            with connected(self._engine) as connection:
                rows = self._rows(connection, range_of(connection, lease))
                connection.rollback()
                done, groups = self._changed(rows)
                begin_to_write(connection)
                self._write_all(connection, groups, done)
                mark_done(connection, lease, done.changed)
                connection.commit()
                return done

        return patiently(attempt)

    def finish(self, connection: Connection) -> Done:
        """Works on what is left, in the transaction of a connection."""
        done, groups = self._changed(self._rows(connection, Range(None, None)))
        self._write_all(connection, groups, done)
        return done

    def _rows(self, connection: Connection, wanted: Range) -> Sequence[Any]:
        statement, parameters = self.sql.rows(self._operation, wanted.after, wanted.upto, self._limit)
        return connection.exec_driver_sql(statement, parameters).fetchall()

    def _write_all(self, connection: Connection, groups: Groups, done: Done) -> None:
        with let_past(connection, self._operation) if self._may_be_held else nullcontext():
            for changed, group in groups.items():
                self._write(connection, changed, group, done)

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

    def _changed(self, rows: Sequence[Any]) -> tuple[Done, Groups]:
        """The rows to write, by which columns of them change."""
        done, groups = Done(rows=len(rows), full=len(rows) == self._limit), Groups()
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
        return done, groups


def connected(engine: Engine) -> Connection:
    """A connection whose transactions are what this room takes them for, whatever the engine's default is."""
    connection = engine.connect()
    if engine.dialect.name == "postgresql":
        connection.execution_options(isolation_level="READ COMMITTED")
    return connection


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
