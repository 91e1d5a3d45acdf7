"""The application under test: what both systems have in common, which is nearly all of it.

Rows are entities, as SQLAlchemy applications have them, and every loaded value is read. Each operation is a session and
a transaction of its own.
"""

from __future__ import annotations

import gc
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Engine, delete, func, insert, select, update
from sqlalchemy.orm import Session, load_only

from benchmarks.gdprbench.oracle import Answer
from benchmarks.gdprbench.records import FIELDS, METADATA, PEOPLE, user
from benchmarks.gdprbench.trace import Operation

__all__ = ["System"]

_BATCH = 1_000


class System(ABC):
    """An application on an empty database.

    :param directory: an empty one, for what it keeps beside the database.
    :cvar name: what it is called in tables.
    :cvar base: the registry of its models.
    :cvar records: the class of GDPRbench's records, and ``people`` of whose they are.
    :ivar files: what it keeps beside the database.
    """

    name: ClassVar[str]
    base: ClassVar[Any]
    records: ClassVar[Any]
    people: ClassVar[Any]

    def __init__(self, engine: Engine, directory: Path) -> None:
        self.engine, self.directory = engine, directory
        self.files: list[Path] = []

    # -- what differs ----------------------------------------------------------------------------------------------

    @abstractmethod
    def acting(self, operation: Operation) -> AbstractContextManager[object]:
        """Says who acts, for the length of an operation."""

    @abstractmethod
    def looking_after(self) -> AbstractContextManager[object]:
        """Says that whoever looks after the database acts: loads it, and looks at all of it."""

    @abstractmethod
    def conditions(self, operation: Operation) -> Iterable[ColumnElement[bool]]:
        """What the application itself has to add so that nobody reaches more than they may."""

    @abstractmethod
    def uses(self, session: Session, user: str) -> list[int]:
        """How many rows each use of a person's data by the regulator handed over, in order of time."""

    def note_use(self, session: Session, operation: Operation, rows: int) -> None:  # noqa: B027 - others need none
        """Writes down that the regulator used somebody's data, where nothing else does."""

    # -- what does not ---------------------------------------------------------------------------------------------

    def load(self, records: Sequence[dict[str, Any]]) -> None:
        """Makes the tables and fills them."""
        self.base.metadata.create_all(self.engine)
        with self.looking_after(), Session(self.engine) as session, session.begin():
            session.execute(insert(self.people), [{"id": user(n)} for n in range(min(PEOPLE, 2 * len(records)))])
            for start in range(0, len(records), _BATCH):
                session.execute(insert(self.records), records[start : start + _BATCH])

    def run(self, operation: Operation) -> Answer:
        """Carries an operation out; rows come in no order."""
        with self.acting(operation), Session(self.engine) as session, session.begin():
            return self._run(session, operation)

    def batch(self, operations: Sequence[Operation]) -> tuple[list[Answer], list[float]]:
        """Carries operations out, one after the other: what each answers, and the seconds that it takes."""
        answers: list[Answer] = []
        gc.collect()
        gc.disable()
        try:
            moments = [time.perf_counter()]
            for one in operations:
                answers.append(self.run(one))
                moments.append(time.perf_counter())
        finally:
            gc.enable()
        return answers, [after - before for before, after in pairwise(moments)]

    def rows(self) -> list[tuple[Any, ...]]:
        """All records, in order of their keys, without a database's own idea of order."""
        with self.looking_after(), Session(self.engine) as session:
            return sorted(_values(session.scalars(select(self.records)), FIELDS))

    def close(self) -> None:
        """Lets everything go."""
        self.engine.dispose()

    def _run(self, session: Session, operation: Operation) -> Answer:
        record = self.records
        sought = getattr(record, operation.by)
        of_time = sought < operation.value if operation.by == "expires_at" else sought == operation.value
        where = [of_time, *self.conditions(operation)]
        match operation.verb:
            case "create":
                session.add(record(**operation.change))
                session.flush()
                return 1
            case "read":
                return _values(session.scalars(select(record).where(*where)), FIELDS)
            case "read-metadata":
                wanted = load_only(*(getattr(record, field) for field in METADATA))
                found = _values(session.scalars(select(record).where(*where).options(wanted)), METADATA)
                self.note_use(session, operation, len(found))
                return found
            case "update":
                return _changed(session.execute(update(record).where(*where).values(**operation.change)))
            case "delete":
                return _changed(session.execute(delete(record).where(*where)))
            case "logs":
                return self.uses(session, operation.value)
            case "verify":
                return session.scalar(select(func.count()).select_from(record).where(*where)) == 0


def _values(entities: Iterable[Any], fields: Sequence[str]) -> list[tuple[Any, ...]]:
    return [tuple(getattr(one, field) for field in fields) for one in entities]


def _changed(result: Any) -> int:
    count: int = result.rowcount
    return count
