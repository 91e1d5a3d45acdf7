"""What is broken, and mended again, at drawn moments."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.soak.crew import Crew, Member
from benchmarks.soak.service import Service
from tests.support.postgres import Server

__all__ = ["KINDS", "Fault", "Faults"]

_UNLIMITED: Final = resource.RLIM_INFINITY
_PART: Final = 200
"""Bytes at most that a log's file may still grow by: a part of a line, and never a whole one."""
_MORTAL: Final = 2  # threads of a process that is killed
_TRIED: Final = 12  # operations of one process: more than it has begun before
_PATIENCE: Final = 30


@dataclass(frozen=True)
class Fault:
    """One fault: from when to when, by the clock of the journals.

    :param new: the name of the process that was started in its midst.
    """

    kind: str
    began: float
    ended: float
    new: str | None = None


class Faults:
    """Breaks things. To be used by the thread that started the server.

    :ivar done: what was broken.
    :ivar now: what is broken at the moment, in words.
    """

    def __init__(self, crew: Crew, server: Server, service: Service, draw: Random, longest: float) -> None:
        self._crew, self._server, self._service, self._draw = crew, server, service, draw
        self._longest = longest
        self.done: list[Fault] = []
        self.now = "nothing"

    def inflict(self, kind: str) -> None:
        """Breaks one thing, for a drawn time, and mends it."""
        self.now = kind
        began = time.monotonic()
        found = KINDS[kind](self)
        if isinstance(found, Fault):
            self.done.append(found)
        else:
            self.done.append(Fault(kind, began, time.monotonic(), found))
        self.now = "nothing"

    def _while(self) -> None:
        """For a drawn time; on a busy machine longer, until all have tried something that they began in it."""
        working = self._crew.living("threads", "tasks")
        enough = {member.name: member.ends.total() + _TRIED for member in working}
        end = time.monotonic() + _PATIENCE
        time.sleep(self._draw.uniform(0.3, 1) * self._longest)
        while any(member.ends.total() < enough[member.name] for member in working) and time.monotonic() < end:
            time.sleep(0.02)

    def cut(self) -> None:
        """Some of the connections are cut, whatever they are doing."""
        with self._server.connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY random() LIMIT %s",
                (self._draw.randrange(1, 10),),
            )

    def restart(self) -> None:
        """The server is stopped in order, and started."""
        self._server.restart()

    def crash(self) -> None:
        """The server ends as by a failure, and is started."""
        self._server.restart(crash=True)

    def full(self) -> Fault:
        """There is no room for the log: first for a part of a line, then for nothing at all.

        The kernel refuses to let a file grow, process by process, so that it is known from when to when none of them could
        write a whole event.
        """
        members = self._crew.living("threads", "tasks", "mortal", "office")
        for member in members:
            _limit(member, _size_of_log(member) + self._draw.randrange(_PART))
        time.sleep(0.2)
        for member in members:
            _limit(member, 1)
        began = time.monotonic()
        self._while()
        ended = time.monotonic()
        for member in members:
            _limit(member, _UNLIMITED)
        return Fault("log disk full", began, ended)

    def away(self) -> str:
        """The key service is away. A process is killed meanwhile, and the one that takes its place has no keys."""
        self._service.go()
        new = self.kill()
        self._while()
        self._service.come()
        return new

    def kill(self) -> str:
        """A process is killed, and another one takes its place."""
        for member in self._crew.living("mortal"):
            self._crew.kill(member)
        return self._crew.start("threads", "mortal", _MORTAL).name

    def kill_reseal(self) -> None:
        """The job that seals anew is killed, where one runs; what looks after it starts another."""
        for member in self._crew.living("reseal"):
            member.killed = True
            member.process.kill()


KINDS: Final[Mapping[str, Callable[[Faults], Fault | str | None]]] = {
    "connections cut": Faults.cut,
    "server restarted": Faults.restart,
    "server crashed": Faults.crash,
    "log disk full": Faults.full,
    "key service away": Faults.away,
    "process killed": Faults.kill,
    "reseal killed": Faults.kill_reseal,
}


def _limit(member: Member, size: int) -> None:
    with suppress(ProcessLookupError):
        resource.prlimit(member.pid, resource.RLIMIT_FSIZE, (size, _UNLIMITED))


def _size_of_log(member: Member) -> int:
    """The longest of the log's files that a process has open."""
    sizes = [1]
    for link in Path("/proc", str(member.pid), "fd").iterdir():
        try:
            if link.readlink().suffix == ".jsonl":
                sizes.append(link.stat().st_size)
        except OSError:
            continue  # it was closed meanwhile
    return max(sizes)
