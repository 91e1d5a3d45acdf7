"""One side of the comparison at work: its engine, sync or async, and how long it takes."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import URL, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from benchmarks.overhead.models import PEOPLE, Models, person
from benchmarks.overhead.operations import OPERATIONS, Run

__all__ = ["ASYNC", "Side"]

T = TypeVar("T")
ASYNC = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


class Side:
    """Somebody who does the operations.

    :param url: of a database of their own.
    :param how: what they do in their own way, by the operation's name; None: they cannot do it.
    """

    def __init__(
        self, models: Models, url: URL, *, is_async: bool, how: Mapping[str, Run | None] | None = None, **options: Any
    ) -> None:
        self.models, self.how = models, how or {}
        self._turns = count()
        #: What has to be closed at last, the access in force among it.
        self.open = ExitStack()
        if url.get_backend_name() == "sqlite":  # in memory: one connection, and one database
            options |= {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
        self._loop = asyncio.new_event_loop() if is_async else None
        if self._loop is not None:
            self.open.callback(self._loop.close)
            made = create_async_engine(url.set(drivername=ASYNC[url.get_backend_name()]), **options)
            self.open.callback(lambda: self._wait(made.dispose()))
            self.engine: Any = made
        else:
            self.engine = create_engine(url, **options)
            self.open.callback(self.engine.dispose)

    def _wait(self, work: Any) -> Any:
        assert self._loop is not None  # noqa: S101 - mypy
        return self._loop.run_until_complete(work)

    def do(self, work: Callable[[Session], T]) -> T:
        """Gives a function a new session, and its answer back."""
        if not isinstance(self.engine, AsyncEngine):
            with Session(self.engine) as session:
                return work(session)

        async def later() -> T:
            async with AsyncSession(self.engine) as session:
                return await session.run_sync(work)

        found: T = self._wait(later())
        return found

    def make_tables(self) -> None:
        """Tables, where nobody else has to make them."""

        def made(session: Session) -> None:
            self.models.Base.metadata.create_all(session.connection())
            session.commit()

        self.do(made)

    def fill(self) -> None:
        """A hundred customers, with an order each, as this side writes them; their numbers begin with 1."""

        def filled(session: Session) -> None:
            for number in range(1, PEOPLE + 1):
                customer = self.models.Customer(**person(number))
                session.add(customer)
                session.flush()
                session.add(self.models.Order(customer_id=customer.id, item=f"Item {number}"))
            session.commit()

        self.do(filled)

    def run(self, name: str) -> Run | None:
        """How this side does an operation; None: it cannot."""
        return self.how.get(name, OPERATIONS[name].run)

    def check(self, name: str) -> None:
        """Does an operation once, and looks at the answer.

        :raises ValueError: it is wrong.
        """
        run, operation, turn = self.run(name), OPERATIONS[name], next(self._turns)
        if run is None:
            raise ValueError(f"this side cannot: {name}")
        found = self.do(lambda session: run(session, self.models, turn))
        seen = operation.seen
        if seen is not None:
            found = self.do(lambda session: seen(session, self.models, turn))
        if found != operation.wanted(turn):
            raise ValueError(f"{name}: {found!r}, and not {operation.wanted(turn)!r}")

    def seconds(self, name: str, repeat: int) -> float:
        """Seconds for each of some calls."""
        run, models, turns = self.run(name), self.models, self._turns
        assert run is not None  # noqa: S101 - check() has said so
        gc.collect()
        gc.disable()
        try:
            start = time.perf_counter()
            if self._loop is None:
                for _ in range(repeat):
                    with Session(self.engine) as session:
                        run(session, models, next(turns))
            else:
                self._wait(self._some(run, repeat))
            return (time.perf_counter() - start) / repeat
        finally:
            gc.enable()

    async def _some(self, run: Run, repeat: int) -> None:
        models, turns = self.models, self._turns
        for _ in range(repeat):
            async with AsyncSession(self.engine) as session:
                await session.run_sync(run, models, next(turns))

    def close(self) -> None:
        """Lets go of everything."""
        self.open.close()
