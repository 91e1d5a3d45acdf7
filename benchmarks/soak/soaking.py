"""One soak, from empty tables to the judge."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Final

from sqlalchemy import URL

from benchmarks.soak.crew import Crew
from benchmarks.soak.faults import KINDS, Faults
from benchmarks.soak.judge import Judgement, Told, judged
from benchmarks.soak.place import Place, build
from benchmarks.soak.rotating import Rotation
from benchmarks.soak.service import Service
from tests.support.postgres import Server

__all__ = ["Soak", "Soaked", "soaking"]

_SETTINGS: Final = {
    "synchronous_commit": "on",  # what was committed outlives the server's failures
    "autovacuum": "on",
    "max_connections": "120",
    "idle_in_transaction_session_timeout": "60s",
}
_WORK: Final = ("threads", "tasks", "mortal")
_START: Final = 120


@dataclass
class Soaked:
    """What a soak left behind.

    :param seconds: how long it went on.
    """

    seconds: float
    told: Told
    judgements: list[Judgement]
    rotation: Rotation

    @property
    def faults(self) -> list[str]:
        """Everything that is not as it has to be."""
        return [fault for judgement in self.judgements for fault in judgement.faults]


class Soak:
    """A place with everything in it. See :func:`soaking`."""

    def __init__(self, place: Place, server: Server, service: Service, seed: int) -> None:
        self.place = place
        self._draw = Random(seed)
        self._crew = Crew(place, seed)
        self._server, self._service = server, service
        self._stop = Event()

    def run(
        self,
        seconds: float,
        *,
        gap: float = 8.0,
        longest: float = 5.0,
        kinds: Sequence[str] = (),
        say: Callable[[str], None] = print,
    ) -> Soaked:
        """Works for so long while things break, and judges.

        :param gap: seconds at most between two faults.
        :param longest: seconds of a fault at most.
        :param kinds: of the faults, one after the other; drawn where left out.
        :param say: is told of the progress, every ten seconds.
        """
        crew = self._crew
        faults = Faults(crew, self._server, self._service, self._draw, longest)
        crew.start("threads", "threads", 4)
        crew.start("tasks", "tasks", 6)
        crew.start("threads", "mortal", 2)
        crew.start("office", "office")
        crew.start("plain", "plain", 6)
        self._wait_until_up()
        crew.start("ship", "shipper")  # there is a log now
        began = crew.began = time.monotonic()
        rotation = Rotation(crew, self._stop)
        rotating = Thread(target=rotation.run, daemon=True)
        watching = Thread(target=self._watch, args=(began, seconds, faults, rotation, say), daemon=True)
        rotating.start()
        watching.start()
        coming = list(kinds)
        while coming or time.monotonic() < began + seconds:
            time.sleep(self._draw.uniform(0.2, 1) * gap)
            faults.inflict(coming.pop(0) if coming else self._draw.choice(list(KINDS)))
        self._wait_until_up(more=10)  # what broke last has been mended
        say("The time is over: everybody ends, and the officer and the shipper do what is left.")
        self._stop.set()
        rotating.join()
        watching.join()
        for member in crew.living("reseal"):  # another would go on where it was
            crew.kill(member)
        ended = [*crew.end(*_WORK), *crew.end("office", "plain"), *crew.end("shipper")]
        told = Told(crew.members, faults.done)
        say(f"Judging {len(told.operations):,} operations.")
        judgements = [
            Judgement("processes that ended", len(crew.members), self._ended_badly(ended)),
            *self.judged(told),
        ]
        return Soaked(time.monotonic() - began, told, judgements, rotation)

    def judged(self, told: Told) -> list[Judgement]:
        """What the judge says of the place as it is now."""
        return judged(self.place, told)

    def _wait_until_up(self, more: int = 1) -> None:
        """Until each process has carried out so many operations more."""
        end = time.monotonic() + _START
        working = self._crew.living(*_WORK, "office")
        before = {member.name: member.ends["done"] for member in working}
        while any(member.ends["done"] < before[member.name] + more for member in working):
            if time.monotonic() > end:
                raise TimeoutError(f"the processes did not come up in {_START} seconds")
            time.sleep(0.05)

    def _ended_badly(self, ended: list[str]) -> list[str]:
        """Processes that ended by themselves, too."""
        bad = list(ended)
        for member in self._crew.members:
            if not member.killed and member.code and member.label != "reseal":
                errors = (Path(self.place.directory) / f"{member.name}.err").read_text(errors="replace")
                bad.append(f"{member.name} ended with {member.code}: {errors[-2000:]}")
        return bad

    def _watch(
        self, began: float, seconds: float, faults: Faults, rotation: Rotation, say: Callable[[str], None]
    ) -> None:
        next_word = began + 10
        while not self._stop.wait(1):
            self._crew.sample()
            if time.monotonic() >= next_word:
                next_word += 10
                say(self._progress(began, seconds, faults, rotation))

    def _progress(self, began: float, seconds: float, faults: Faults, rotation: Rotation) -> str:
        ends = self._crew.count()
        memory = ", ".join(
            f"{member.label} {member.samples[-1].memory:.0f}" for member in self._crew.living() if member.samples
        )
        news = sum(len(member.news) for member in self._crew.members)
        return (
            f"{time.monotonic() - began:5.0f} of {seconds:.0f} s: {ends['done']:,} operations done, {ends['failed']:,} failed, "
            f"{ends['unknown']} unknown; {len(faults.done)} faults, now: {faults.now}; keys: {rotation.steps} steps, "
            f"{rotation.resealed} times resealed; MB: {memory}" + (f"; {news} WRONG" if news else "")
        )


@contextmanager
def soaking(seed: int, directory: Path | None = None) -> Iterator[Soak]:
    """A server, a key service, and a place on them, for as long as the block runs.

    :param directory: where keys, logs and journals are kept afterwards; they go where it is left out.
    """
    kept = directory if directory is not None else Path(tempfile.mkdtemp(prefix="soak-"))
    kept.mkdir(parents=True, exist_ok=True)
    service = Service()
    try:
        with Server(settings=_SETTINGS) as server:
            for name in ("soak", "evidence"):
                server.connection.execute(f"CREATE DATABASE {name}".encode())
            urls = [
                URL.create(
                    "postgresql+psycopg",
                    server.user,
                    database=name,
                    query={"host": server.host, "port": str(server.port)},
                )
                for name in ("soak", "evidence")
            ]
            soak = Soak(build(urls[0], urls[1], service.address, kept), server, service, seed)
            try:
                yield soak
            finally:
                for member in soak._crew.living():
                    soak._crew.kill(member)
    finally:
        service.go()
        if directory is None:
            shutil.rmtree(kept, ignore_errors=True)
