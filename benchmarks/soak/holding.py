"""What a process holds: a ``Privacy`` on an engine, made anew whenever the keyring's file has changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final, Generic, TypeVar

from benchmarks.soak.journal import Reporter
from sa_privacy import Privacy
from sa_privacy.errors import KeyUnavailable, LogUnavailable

__all__ = ["Holding"]

E = TypeVar("E")

_LOOK: Final = 0.25
_BRIEFLY: Final = 0.005


class _Held(Generic[E]):
    def __init__(self, privacy: Privacy, engine: E) -> None:
        self.privacy, self.engine = privacy, engine
        self.users = 0


class Holding(Generic[E]):
    """Hands out the newest, and closes the one before it once nobody uses it any more.

    While the key service is away it goes on with the keys that it has; a process that has none yet waits.

    :param file: of the keyring.
    :param make: makes a ``Privacy`` with the keys of the moment, and its engine.
    :param dispose: lets go of an engine.
    """

    def __init__(
        self, file: Path, make: Callable[[], tuple[Privacy, E]], dispose: Callable[[E], object], report: Reporter
    ) -> None:
        self._file, self._make, self._dispose, self._report = file, make, dispose, report
        self._lock = Lock()
        self._stop = Event()
        self._version = self._look()
        self._now = self._made()
        self._report.say("keys", self._version)
        self._thread = Thread(target=self._follow, name="soak-keys", daemon=True)
        self._thread.start()

    @contextmanager
    def use(self) -> Iterator[tuple[Privacy, E]]:
        """The newest, which stays open meanwhile."""
        with self._lock:
            held = self._now
            held.users += 1
        try:
            yield held.privacy, held.engine
        finally:
            with self._lock:
                held.users -= 1

    def close(self) -> None:
        """Follows no more, and closes the newest: nobody uses it any more."""
        self._stop.set()
        self._thread.join()
        self._close(self._now)

    def _look(self) -> int:
        return self._file.stat().st_mtime_ns

    def _made(self) -> _Held[E]:
        while True:
            try:
                return _Held(*self._make())
            except KeyUnavailable:
                self._report.say("waits")
                time.sleep(_LOOK)

    def _follow(self) -> None:
        while not self._stop.wait(_LOOK):
            version = self._look()
            if version == self._version:
                continue
            try:
                new = _Held(*self._make())
            except KeyUnavailable:
                self._report.say("waits")
                continue
            with self._lock:
                old, self._now = self._now, new
            self._version = version
            while old.users:  # nobody takes it up any more
                time.sleep(_BRIEFLY)
            self._close(old)
            self._report.say("keys", version)

    def _close(self, held: _Held[E]) -> None:
        try:
            held.privacy.close()
        except LogUnavailable:
            self._report.say("unclosed")  # no room for the closing line: the log is verified without it
        self._dispose(held.engine)
