"""One process of the soak. It ends on SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from benchmarks.soak import office, plain
from benchmarks.soak.holding import Holding
from benchmarks.soak.journal import Reporter
from benchmarks.soak.models import SEALED
from benchmarks.soak.place import Place
from benchmarks.soak.shop import choose
from benchmarks.soak.turn import Actor, Turn, count_statements
from sa_privacy import Privacy
from sa_privacy.cli import main as command
from sa_privacy.jobs import reseal, rewrap

__all__ = ["Told", "enter"]

_PAUSE: Final = 0.02
"""Seconds at most between two operations of one actor: the machine is to be busy, not swamped."""


@dataclass(frozen=True)
class Told:
    """What a process is told.

    :param kind: ``"threads"``, ``"tasks"``, ``"plain"``, ``"office"``, ``"reseal"`` or ``"ship"``.
    :param name: letters and a number: of this process alone.
    :param actors: how many work at once.
    """

    kind: str
    name: str
    actors: int
    seed: int
    place: dict[str, str]


class Worker:
    """What all kinds have in common."""

    def __init__(self, told: Told) -> None:
        self.told, self.place = told, Place.of(told.place)
        self.report = Reporter()
        self.stop = Event()
        self.actors = [Actor(f"{told.name}t{number}", told.seed) for number in range(told.actors)]

    def threads(self) -> None:
        """Customers and staff, each in a thread."""
        holding = Holding(self.place.keys, self._protected, Engine.dispose, self.report)
        self._each(lambda actor: self._act(actor, holding))
        holding.close()

    def _act(self, actor: Actor, holding: Holding[Engine]) -> None:
        while not self.stop.wait(actor.draw.uniform(0, _PAUSE)):
            kind = choose(actor)
            with holding.use() as (privacy, engine):
                turn = Turn(actor, kind.__name__, privacy, self.report)

                def do(turn: Turn = turn, engine: Engine = engine, kind: Any = kind) -> None:
                    with Session(engine) as session:
                        kind(turn, session)

                turn.run(do)

    def tasks(self) -> None:
        """The same, each in a task of one event loop."""
        asyncio.run(self._loop())

    async def _loop(self) -> None:
        loop = asyncio.get_running_loop()

        def dispose(engine: AsyncEngine) -> None:
            asyncio.run_coroutine_threadsafe(engine.dispose(), loop).result()

        holding = await asyncio.to_thread(Holding, self.place.keys, self._protected_async, dispose, self.report)
        await asyncio.gather(*(self._act_async(actor, holding) for actor in self.actors))
        await asyncio.to_thread(holding.close)

    async def _act_async(self, actor: Actor, holding: Holding[AsyncEngine]) -> None:
        while not self.stop.is_set():
            await asyncio.sleep(actor.draw.uniform(0, _PAUSE))
            kind = choose(actor)
            with holding.use() as (privacy, engine):
                turn, error = Turn(actor, kind.__name__, privacy, self.report), None
                with turn:
                    try:
                        async with AsyncSession(engine) as session:
                            await session.run_sync(lambda s, turn=turn, kind=kind: kind(turn, s))  # type: ignore[misc]
                    except Exception as raised:  # noqa: BLE001 - whatever it is, the journal has it
                        error = raised
                turn.ended(error)

    def plain(self) -> None:
        """Tasks without the library."""
        make = partial(self.place.async_engine, owner=True)
        plain.work(make, self.place.keys, len(self.actors), self.told.seed, self.stop)

    def office(self) -> None:
        """The privacy officer, alone."""
        holding = Holding(self.place.keys, lambda: self._owned(erasing=True), Engine.dispose, self.report)
        [actor] = self.actors

        def take(kind: str, do: Callable[[Turn, Engine], object]) -> None:
            with holding.use() as (privacy, engine):
                turn = Turn(actor, kind, privacy, self.report)
                turn.people = None
                turn.run(lambda: do(turn, engine))

        take("settle", office.settle)
        night = 0
        found: list[tuple[str, str]] = []
        while not self.stop.wait(0.2):
            found.clear()
            take("waiting", lambda turn, engine: office.waiting(turn, engine, found))
            for kind, reference in found:
                take(kind, partial(office.answer, kind=kind, reference=reference))
                if self.stop.is_set():
                    break
            night += 1
            if night % 20 == 1:
                take("retention", office.retain)
        take("retention", office.retain)
        take("settle", office.settle)
        holding.close()

    def reseal(self) -> None:
        """Seals anew under the keys of the moment, and wraps people's keys anew; ends when that is done."""
        [actor] = self.actors
        privacy = self.place.privacy()
        engine = self.place.engine(owner=True)
        turn = Turn(actor, "reseal", privacy, self.report)
        turn.people = None
        complete: list[bool] = []

        def do() -> None:
            with privacy.request(turn.name, maintenance=True, role="engineer", actor=actor.name, reason="rotation"):
                complete.append(all(report.complete for report in reseal(engine, privacy, SEALED, batch=100)))
                rewrap(engine, privacy, batch=100)

        turn.run(do)
        privacy.close()
        sys.exit(0 if complete == [True] else 1)

    def ship(self) -> None:
        """The command that ships the access log."""
        said = f"log ship --to {self.place.evidence} --log {self.place.log} --follow --every 0.5"
        sys.argv[1:] = said.split()
        command()

    def _protected(self) -> tuple[Privacy, Engine]:
        privacy, engine = self.place.privacy(), self.place.engine()
        privacy.install(engine, walls=True)
        count_statements(engine)
        return privacy, engine

    def _protected_async(self) -> tuple[Privacy, AsyncEngine]:
        privacy, engine = self.place.privacy(), self.place.async_engine()
        privacy.install(engine, walls=True)
        count_statements(engine.sync_engine)
        return privacy, engine

    def _owned(self, *, erasing: bool) -> tuple[Privacy, Engine]:
        privacy, engine = self.place.privacy(erasing=erasing), self.place.engine(owner=True)
        privacy.install(engine)
        return privacy, engine

    def _each(self, do: Callable[[Actor], None]) -> None:
        threads = [Thread(target=do, args=(actor,), name=actor.name) for actor in self.actors]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.5)  # the main thread takes signals


def enter(told: Told, journal: Connection, errors: str) -> None:
    """Works until it is told to end.

    :param journal: what the process tells goes there, by way of its stdout.
    :param errors: the file for its stderr.
    """
    os.dup2(journal.fileno(), sys.stdout.fileno())
    with Path(errors).open("wb") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    worker = Worker(told)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that looks after this one
    with suppress(BrokenPipeError):
        getattr(worker, told.kind)()
