"""Threads and tasks that work at the same time, each under an access of its own: what they get done, and that nothing crosses.

Half of them may see names, the other half addresses. Each answer is looked at; and afterwards the log says of each of them
what it was, and that no statement of one was written down under another.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import create_engine, insert
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from benchmarks.growth.curves import compared
from benchmarks.growth.world import POLICY, Base, Customer, PlainBase, PlainCustomer, people, right
from sa_privacy import AccessLog, Keyring, Privacy
from tests.support.postgres import Server

__all__ = ["FULL", "QUICK", "TASKS", "TASKS_QUICK", "measure"]

FULL, QUICK = (1, 2, 8, 32), (1, 8)
TASKS, TASKS_QUICK = (1, 10, 100, 1000), (1, 30)
ROWS, POOL = 100, 16
WORDS = {
    "calling": ("name", "Customer Number {}", "address"),
    "shipping": ("address", "{} Long Street, Some Town, Some Prefecture", "name"),
}


class Both:
    """A plain database and a protected one, of one kind, with the same people."""

    def __init__(self, urls: dict[str, str], folder: Path) -> None:
        self.urls, self.folder = urls, folder
        self.keys = Keyring.generate()
        self.asked: Counter[str] = Counter()
        self.lock = threading.Lock()
        shutil.rmtree(folder / "log", ignore_errors=True)
        self.privacy = Privacy(POLICY, keys=self.keys, log=AccessLog.open(folder / "log", fsync="never"), metadata=Base)
        for side, base, model in (("plain", PlainBase, PlainCustomer), ("ours", Base, Customer)):
            engine = create_engine(urls[side])
            base.metadata.create_all(engine)
            if side == "ours":
                self.privacy.install(engine)
            access = self.privacy.access(maintenance=True, actor="growth", role="engineer", reason="growth")
            with access, Session(engine) as session:
                session.execute(insert(model), people(1, ROWS))
                session.commit()
            if side == "ours":
                self.privacy.uninstall(engine)
            engine.dispose()

    # -- what each of them does -----------------------------------------------------------------------------------

    def under(self, who: int) -> tuple[str, Any]:
        """Which purpose somebody has, and the access for it."""
        purpose = "calling" if who % 2 else "shipping"
        return purpose, self.privacy.access(purpose, role="staff", actor=f"{purpose}:{who}")

    def look(self, found: Any, number: int, purpose: str, *, ours: bool) -> None:
        """Whether the answer is right: this person, what the purpose covers, and nothing else."""
        seen, value, hidden = WORDS[purpose]
        right((found.id, getattr(found, seen)), (number, value.format(number)))
        if ours:
            access = self.privacy.current().access
            right((hidden in vars(found), access.purposes), (False, (purpose,)))
            with self.lock:
                self.asked[str(access.actor)] += 1

    def logged(self) -> None:
        """Whether the log says of everybody what they asked, and for which purpose."""
        told: Counter[str] = Counter()
        log = self.privacy.log
        assert isinstance(log, AccessLog)  # noqa: S101 - for the type checker
        for event in log.events():
            if event.kind == "intent" and event.actor != "growth":
                told[str(event.actor)] += 1
                right(event.purpose, [str(event.actor).partition(":")[0]])
        right(told, self.asked)

    # -- threads --------------------------------------------------------------------------------------------------

    def threads(self, sizes: Sequence[int], rounds: int, each: int) -> dict[float, dict[str, list[float]]]:
        """Seconds of one operation, of so many threads."""
        engines = {side: create_engine(url, pool_size=POOL, max_overflow=0) for side, url in self.urls.items()}
        self.privacy.install(engines["ours"])
        found: dict[float, dict[str, list[float]]] = {}

        def work(side: str, who: int, times: int) -> None:
            for turn in range(times):
                number = 1 + (who * 31 + turn) % ROWS
                purpose, access = self.under(who)
                if side == "ours":
                    with access, Session(engines[side]) as session:
                        self.look(session.get_one(Customer, number), number, purpose, ours=True)
                else:
                    with Session(engines[side]) as session:
                        self.look(session.get_one(PlainCustomer, number), number, purpose, ours=False)

        for size in sizes:
            found[size] = {"plain": [], "ours": []}
            with ThreadPoolExecutor(size) as pool:
                for turn in range(rounds + 1):  # the first warms up
                    for side in ("plain", "ours") if turn % 2 else ("ours", "plain"):
                        times = max(1, each // size)
                        start = time.perf_counter()
                        for done in [pool.submit(work, side, who, times) for who in range(size)]:
                            done.result()
                        if turn:
                            found[size][side].append((time.perf_counter() - start) / (times * size))
        self.privacy.uninstall(engines["ours"])
        for engine in engines.values():
            engine.dispose()
        return found

    # -- tasks ----------------------------------------------------------------------------------------------------

    async def tasks(self, sizes: Sequence[int], rounds: int, each: int) -> dict[float, dict[str, list[float]]]:
        """Seconds of one operation, of so many tasks of one loop."""
        drivers = {"sqlite": "sqlite+aiosqlite", "postgresql+psycopg": "postgresql+asyncpg"}
        engines = {}
        for side, url in self.urls.items():
            kind, _, rest = url.partition(":")
            engines[side] = create_async_engine(
                f"{drivers[kind]}:{rest}", pool_size=POOL, max_overflow=0, pool_timeout=300
            )
        self.privacy.install(engines["ours"])
        found: dict[float, dict[str, list[float]]] = {}

        async def work(side: str, who: int, times: int) -> None:
            for turn in range(times):
                number = 1 + (who * 31 + turn) % ROWS
                purpose, access = self.under(who)
                if side == "ours":
                    async with access, AsyncSession(engines[side]) as session:
                        self.look(await session.get_one(Customer, number), number, purpose, ours=True)
                else:
                    async with AsyncSession(engines[side]) as session:
                        self.look(await session.get_one(PlainCustomer, number), number, purpose, ours=False)

        for size in sizes:
            found[size] = {"plain": [], "ours": []}
            for turn in range(rounds + 1):
                for side in ("plain", "ours") if turn % 2 else ("ours", "plain"):
                    times = max(1, each // size)
                    start = time.perf_counter()
                    await asyncio.gather(*(work(side, who, times) for who in range(size)))
                    if turn:
                        found[size][side].append((time.perf_counter() - start) / (times * size))
        self.privacy.uninstall(engines["ours"])
        for engine in engines.values():
            await engine.dispose()
        return found


def measure(sizes: Sequence[int], tasks: Sequence[int], rounds: int, each: int = 400) -> Iterator[dict[str, Any]]:
    """Curves of the time of an operation, which is the whole time divided by what all of them did in it.

    :param sizes: numbers of threads.
    :param tasks: numbers of tasks.
    :param each: operations of each round; one for each thread or task at least.
    """
    with ExitStack() as stack:
        for database, urls, folder in _databases(stack):
            both = Both(urls, folder)
            try:
                threads = both.threads(sizes, rounds, each)
                asked = asyncio.run(both.tasks(tasks, rounds, each))
                both.logged()
            finally:
                both.privacy.close()
            yield from compared(f"{database}: an operation", "threads", "us", threads)
            yield from compared(f"{database}, async: an operation", "tasks", "us", asked)


def _databases(stack: ExitStack) -> Iterator[tuple[str, dict[str, str], Path]]:
    folder = Path(stack.enter_context(TemporaryDirectory()))
    yield "SQLite", {side: f"sqlite:///{folder / side}.db" for side in ("plain", "ours")}, folder
    server = stack.enter_context(Server())
    with server.connection.cursor() as cursor:
        for side in ("plain", "ours"):
            cursor.execute(f"CREATE DATABASE {side}".encode())
    address = f"postgresql+psycopg://{server.user}@/{{}}?host={server.host}&port={server.port}"
    yield "PostgreSQL", {side: address.format(side) for side in ("plain", "ours")}, folder
