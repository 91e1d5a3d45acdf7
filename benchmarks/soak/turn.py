"""One operation of one actor: what it tells the journal, and what its actor believes afterwards."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from sqlalchemy import Engine, event, exc
from sqlalchemy.orm import Session

from benchmarks.soak.believing import Beliefs, End, Row, Write, is_of
from benchmarks.soak.journal import Reporter
from benchmarks.soak.models import PERSONAL
from sa_privacy import Privacy
from sa_privacy.errors import ErasureRefused, LedgerUnavailable, LogUnavailable

__all__ = ["Actor", "Mine", "Turn", "Wrong", "count_statements", "is_fault"]

_NOW: ContextVar[Turn | None] = ContextVar("soak_turn", default=None)
_NAMES: Final = [f"{table}.{column}" for table, columns in PERSONAL.items() for column in columns]
_WRITING: Final = tuple(f"{verb} {table} " for verb in ("INSERT INTO", "UPDATE") for table in PERSONAL)

#: Of connections that break off, servers that end or come up. asyncpg has no class for these, and gives none at all where
#: one breaks off in the midst of an answer.
_AWAY: Final = ("08", "57P")
_FAULTS: Final = (
    *(LogUnavailable, LedgerUnavailable, ErasureRefused),
    *(ConnectionError, FileNotFoundError, exc.TimeoutError),
)


class Wrong(Exception):
    """The library gave, took or let through what it must not."""


@dataclass
class Mine:
    """A customer that one actor alone writes to.

    :ivar orders: tags of those that no schedule will delete.
    """

    id: int
    tag: str
    orders: list[str] = field(default_factory=list)


class Actor:
    """Somebody at work: one thread or task."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.draw = Random(f"{seed}-{name}")
        self.beliefs = Beliefs()
        self.customers: list[Mine] = []
        self.highest = 1  # of the customers' keys
        self._serial = 0

    def serial(self) -> int:
        """A number that this actor has not used."""
        self._serial += 1
        return self._serial

    def pick(self) -> Mine:
        """One of the actor's customers."""
        return self.draw.choice(self.customers)

    def drop(self, mine: Mine) -> None:
        """The customer is somebody else's from now on."""
        self.customers.remove(mine)
        for table, tag in self.beliefs.rows():
            if tag == mine.tag or tag.startswith(f"{mine.tag}/"):
                self.beliefs.forget(table, tag)


class Turn:
    """One operation."""

    def __init__(self, actor: Actor, kind: str, privacy: Privacy, report: Reporter) -> None:
        self.actor, self.kind, self.privacy, self._report = actor, kind, privacy, report
        self.draw = actor.draw
        self.name = f"{actor.name}-{actor.serial()}"
        self.rows = self.ran = 0
        self.people: list[int] | None = []
        self._writes: list[Write] = []
        self._afterwards: list[Callable[[], object]] = []
        self._committing = self._committed = False
        report.say("begin", self.name, kind, actor.name)

    def access(self, purpose: str, role: str, **said: Any) -> Any:
        """The access of this operation: its name stands in every event."""
        return self.privacy.request(self.name, purpose=purpose, role=role, actor=self.actor.name, **said)

    def writing(self, *writes: Write) -> None:
        """Says what is about to be written."""
        self._writes += writes
        self._report.say("writes", self.name, writes)

    def about(self, *mine: Mine) -> None:
        """Says whose data it is about."""
        if self.people is not None:
            self.people += [one.id for one in mine]

    def commit(self, session: Session) -> None:
        """Commits; the only place where nobody may learn how it ended."""
        session.flush()
        self._committing = True
        session.commit()
        self._committed = True

    @contextmanager
    def ending(self) -> Iterator[None]:
        """What is done here commits by itself, or says that it did nothing."""
        self._committing = True
        try:
            yield
        except (ErasureRefused, LogUnavailable):  # nothing was erased, the documents say
            self._committing = False
            raise
        self._committed = True

    def afterwards(self, do: Callable[[], object]) -> None:
        """Does something once it is committed."""
        self._afterwards.append(do)

    def saw(self, table: str, tag: str, found: Row | None) -> None:
        """A personal row of the actor's own was handed over, or was not there.

        :raises Wrong: it cannot have been like that.
        """
        self.rows += found is not None
        if not self.actor.beliefs.seen(table, tag, found):
            raise Wrong(f"{table} {tag}: {found} was read, and it was {self.actor.beliefs.states(table, tag)}")

    def saw_of(self, tag: str, *values: str | Any) -> None:
        """Values of somebody's row were handed over.

        :raises Wrong: they are another row's.
        """
        self.rows += 1
        for value in values:
            if value and not is_of(tag, value):
                raise Wrong(f"the row {tag} was given as {value!r}")

    def run(self, do: Callable[[], object]) -> None:
        """Carries it out, and tells the journal how it ended. Errors that the faults explain are no news."""
        token, error = _NOW.set(self), None
        try:
            do()
        except Exception as raised:  # noqa: BLE001 - whatever it is, the journal has it
            error = raised
        finally:
            _NOW.reset(token)
        self.ended(error)

    def ended(self, error: Exception | None) -> None:
        """Tells the journal, and the actor, how it ended."""
        end: End = "done" if self._committed or error is None else "unknown" if self._committing else "failed"
        if end == "done" and self._writes and not self._committed:
            end = "failed"  # taken back on purpose
        self.actor.beliefs.write(self._writes, end)
        if end == "done":
            for do in self._afterwards:
                do()
        if isinstance(error, Wrong):
            self._report.say("wrong", self.name, self.kind, str(error))
        elif error is not None and not is_fault(error):
            self._report.say("surprise", self.name, self.kind, _told(error))
        said = type(error).__name__ if error is not None else None
        self._report.say("end", self.name, end, said, self.rows, self.ran, self.people)

    def __enter__(self) -> None:
        self._token = _NOW.set(self)

    def __exit__(self, *_: object) -> None:
        _NOW.reset(self._token)


def count_statements(engine: Engine) -> None:
    """Counts, for the operation under way, the statements that name personal columns and have been carried out.

    Listens after the library, so what that refuses is not counted.
    """

    @event.listens_for(engine, "after_cursor_execute")
    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        turn = _NOW.get()
        if turn is not None and (statement.startswith(_WRITING) or any(name in statement for name in _NAMES)):
            turn.ran += 1


def is_fault(error: BaseException) -> bool:
    """Whether an error is what cut connections, a server that is away, or a log without room look like."""
    if isinstance(error, exc.DBAPIError):
        told = error.connection_invalidated or isinstance(error, (exc.OperationalError, exc.InterfaceError))
        state = getattr(error.orig, "sqlstate", None)
        return told or (isinstance(error, exc.InternalError) if state is None else state.startswith(_AWAY))
    if type(error).__module__.startswith("asyncpg."):
        return True  # SQLAlchemy hands on what opening a connection raises
    return isinstance(error, _FAULTS)


def _told(error: BaseException) -> list[str]:
    return traceback.format_exception(error)
