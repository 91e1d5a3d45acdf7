"""One thread for all logs of the process that are synced every so often; it runs only while something is to be synced."""

from __future__ import annotations

import os
from _thread import start_new_thread
from collections.abc import Callable
from threading import Condition, get_ident
from time import monotonic, sleep
from weakref import WeakMethod

__all__ = ["unwatch", "watch"]

_LINGER = 5.0
"""Seconds without anything to sync after which the thread ends."""
_PATIENCE = 10.0
"""Seconds that a fork waits for a sync under way."""

_Call = WeakMethod[Callable[[], None]]


class _Interval:
    __slots__ = ("_changed", "_due", "_forking", "_runs", "_thread")

    def __init__(self) -> None:
        self._changed = Condition()
        self._due: dict[_Call, float] = {}
        self._runs = False
        self._thread = 0
        self._forking = False

    def watch(self, call: Callable[[], None], at: float) -> None:
        with self._changed:
            self._due[WeakMethod(call)] = at
            self._start()
            self._changed.notify_all()

    def unwatch(self, call: Callable[[], None]) -> None:
        with self._changed:
            if self._due.pop(WeakMethod(call), None) is not None:
                self._changed.notify_all()

    def _start(self) -> None:
        """Start the thread if there is none.

        ``threading.Thread`` takes steps in between at which an error out of a signal handler would break it, and this is
        within a statement of the application.
        """
        if self._due and not self._runs and not self._forking:
            self._runs = True
            try:
                self._thread = start_new_thread(self._run, ())
            except RuntimeError:
                self._runs = False
                raise

    def _run(self) -> None:
        try:
            while (due := self._wait()) is not None:
                for ref in due:
                    call = ref()
                    if call is not None:
                        call()
                    del call  # its log is not kept alive while this waits
        except BaseException:
            self._runs = False
            raise

    def _wait(self) -> list[_Call] | None:
        """The calls whose time has come; None: the thread is to end."""
        with self._changed:
            while not self._forking:
                now = monotonic()
                due = [ref for ref, at in self._due.items() if at <= now]
                if due:
                    for ref in due:
                        del self._due[ref]
                    return due
                left = min(self._due.values(), default=now + _LINGER) - now
                if not self._changed.wait(left) and not self._due:
                    break
            self._runs = False  # under the lock: whoever watches from here on starts another
            return None

    def before_fork(self) -> None:
        """End the thread: a fork copies the locks it holds, and nobody lets go of the copies."""
        with self._changed:
            self._forking = True
            self._changed.notify_all()
        until = monotonic() + _PATIENCE
        while self._runs and self._thread != get_ident() and monotonic() < until:
            sleep(0.0005)  # once more after it has ended: the system takes a moment to take it away

    def after_fork_in_parent(self) -> None:
        with self._changed:
            self._forking = False
            self._start()

    def after_fork_in_child(self) -> None:
        self.__init__()  # type: ignore[misc]


_INTERVAL = _Interval()


def watch(call: Callable[[], None], at: float) -> None:
    """Have the thread make a call once, as soon as ``time.monotonic()`` has reached `at`.

    :param call: a method that raises nothing; if its object is gone by then, nothing happens.
    :raises RuntimeError: there can be no thread: the interpreter is ending, or the system has none left.
    """
    _INTERVAL.watch(call, at)


def unwatch(call: Callable[[], None]) -> None:
    """Do not make that call any more."""
    _INTERVAL.unwatch(call)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_INTERVAL.before_fork,
        after_in_parent=_INTERVAL.after_fork_in_parent,
        after_in_child=_INTERVAL.after_fork_in_child,
    )
