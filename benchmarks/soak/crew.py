"""The processes of the soak: started, listened to, looked at, killed, and started again."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock, Thread
from typing import Any, BinaryIO, Final
from unittest.mock import patch

from benchmarks.soak.place import Place
from benchmarks.soak.watching import Sample, sampled
from benchmarks.soak.worker import Told, enter

__all__ = ["Crew", "Member"]

_PATIENCE: Final = 60
"""Seconds that a process gets to end in."""
_LOOK: Final = 0.02


@dataclass
class Member:
    """One process, of its start to its end.

    :ivar journal: the file that keeps what it told.
    :ivar version: of the keyring's file that it works with.
    :ivar news: what it found wrong, or did not expect.
    """

    label: str
    name: str
    process: BaseProcess
    journal: Path
    version: int | None = None
    waited: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    news: list[list[Any]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    killed: bool = False
    _lock: Lock = field(default_factory=Lock, repr=False)
    _reader: Thread | None = None

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid or 0

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        with self._lock:  # who asks first reads the exit code, and nobody else can
            return self.process.is_alive()

    @property
    def code(self) -> int | None:
        """Its exit code."""
        return None if self.alive else self.process.exitcode

    def hear(self, told: BinaryIO) -> None:
        """Keeps what it tells, to the last whole line."""
        self._reader = Thread(target=self._hear, args=(told,), daemon=True)
        self._reader.start()

    def join(self) -> int | None:
        """Waits for its end, and for all that it told; returns its exit code, None where it does not end."""
        patience = time.monotonic() + _PATIENCE
        while self.alive and time.monotonic() < patience:
            time.sleep(_LOOK)
        if self._reader is not None:
            self._reader.join(_PATIENCE)
        return self.code

    def _hear(self, told: BinaryIO) -> None:
        with told, self.journal.open("ab") as kept:
            for line in told:
                kept.write(line)
                if not line.endswith(b"\n"):
                    break
                kind, _, *rest = json.loads(line)
                if kind == "end":
                    self.ends[rest[1]] += 1
                elif kind == "keys":
                    self.version = rest[0]
                elif kind == "waits":
                    self.waited += 1
                elif kind in {"wrong", "surprise"}:
                    self.news.append([kind, *rest])


class Crew:
    """All processes that work in one place.

    :ivar members: those that ran, too.
    """

    def __init__(self, place: Place, seed: int) -> None:
        self.place, self._seed = place, seed
        self.members: list[Member] = []
        self.began = time.monotonic()
        self._lock = Lock()
        # Imports take seconds: a process of its own has made them all, and forks.
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([Told.__module__])
        with patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):  # it imports what this process would
            ensure_running()

    def start(self, kind: str, label: str, actors: int = 1) -> Member:
        """Starts a process of one kind; its name is the label and how many it is of these."""
        with self._lock:
            name = f"{label}{sum(member.label == label for member in self.members) + 1}"
            told = Told(kind, name, actors, self._seed, self.place.said())
            receiver, sender = self._context.Pipe(duplex=False)
            errors = Path(self.place.directory, f"{name}.err")
            process = self._context.Process(target=enter, args=(told, sender, str(errors)), daemon=True)
            process.start()
            sender.close()
            member = Member(label, name, process, errors.with_suffix(".jsonl"))
            member.hear(os.fdopen(os.dup(receiver.fileno()), "rb"))
            receiver.close()
            self.members.append(member)
            return member

    def living(self, *labels: str) -> list[Member]:
        """Those that run, of these labels."""
        with self._lock:
            return [member for member in self.members if member.alive and (not labels or member.label in labels)]

    def kill(self, member: Member) -> None:
        """As ``kill -9``."""
        member.killed = True
        member.process.kill()
        member.join()

    def end(self, *labels: str) -> list[str]:
        """Tells these to end; returns what went wrong with that."""
        asked = self.living(*labels)
        for member in asked:
            member.process.terminate()
        bad = []
        for member in asked:
            code = member.join()
            if member.alive:
                self.kill(member)
            if code != 0:
                bad.append(f"{member.name} ended with {code}")
        return bad

    def sample(self) -> None:
        """Looks at the memory of those that run."""
        for member in self.living():
            if (found := sampled(member.pid, time.monotonic() - self.began)) is not None:
                member.samples.append(found)

    def count(self) -> Counter[str]:
        """How the operations ended until now."""
        with self._lock:
            return sum((member.ends for member in self.members), Counter())
