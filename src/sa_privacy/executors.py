"""Executors, and pieces of work that are all done though workers die."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from itertools import islice
from multiprocessing import get_context
from queue import SimpleQueue
from threading import Lock
from typing import Any, TypeVar

__all__ = ["Cluster", "Processes", "results"]

P = TypeVar("P")
R = TypeVar("R")

_AT_ONCE = 1000
"""Pieces handed out and not done: enough for a large cluster, and few to keep in memory."""
_TRIES = 3


class Processes(Executor):
    """Processes that are started anew (spawn), and again when one of them has died.

    The pool of the standard library ends with the first worker that dies. Here the pieces under way raise
    :class:`concurrent.futures.BrokenExecutor`, and may be submitted again.

    :param count: how many.
    :param prepare: called once in each before its first piece; can be pickled.
    """

    def __init__(self, count: int, prepare: Callable[[], object] | None = None) -> None:
        self._count = count
        self._prepare = prepare
        self._lock = Lock()
        self._pool = self._begin()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        with self._lock:
            try:
                return self._pool.submit(fn, *args, **kwargs)
            except BrokenExecutor:
                self._pool.shutdown()
                self._pool = self._begin()
                return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._lock:
            self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def _begin(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._count, get_context("spawn"), self._prepare)


class Cluster(Executor):
    """The workers of a Dask cluster.

    The executor that a client gives out, ``client.get_executor()``, never says how a piece ended whose result was lost with its
    worker and that went wrong when another one did it again: who waits for it waits forever. This one says it.

    :param client: a ``distributed.Client``.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._pending: set[Future[Any]] = set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        there: Any = self._client.submit(
            fn, *args, **kwargs, pure=False
        )  # pure: done once, however often it is asked for
        here: Future[Any] = Future()

        async def tell() -> None:
            try:
                result = await self._client.gather(there, asynchronous=True)
            except BaseException as error:  # noqa: BLE001 - raised again by result()
                if there.cancelled():
                    here.cancel()
                if here.set_running_or_notify_cancel():
                    here.set_exception(error)
            else:
                if here.set_running_or_notify_cancel():
                    here.set_result(result)

        def ended(_: object) -> None:
            self._pending.discard(here)
            if here.cancelled():
                there.cancel()

        self._pending.add(here)
        here.add_done_callback(ended)
        self._client.loop.add_callback(tell)
        return here

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        pending = list(self._pending)
        running = [future for future in pending if not (cancel_futures and future.cancel())]
        if wait:
            wait_for(running)


def results(executor: Executor, work: Callable[[P], R], pieces: Iterable[P]) -> Iterator[tuple[int, R]]:
    """The result of each piece, with the piece's place, as they come.

    A piece whose worker died, or that no worker could do, is handed out twice more, and then done here. Doing one twice must do no
    harm.

    :raises Exception: what doing a piece raised here.
    """
    left = enumerate(pieces)
    pending: dict[Future[R], tuple[int, P, int]] = {}
    done: SimpleQueue[Future[R]] = SimpleQueue()

    def hand_out(place: int, piece: P, tries: int) -> bool:
        try:
            future = executor.submit(work, piece)
        except RuntimeError:  # broken, or shut down by somebody
            return False
        pending[future] = (place, piece, tries)
        future.add_done_callback(done.put)
        return True

    try:
        while True:
            for place, piece in islice(left, _AT_ONCE - len(pending)):
                if not hand_out(place, piece, 1):
                    yield place, work(piece)
            if not pending:
                return
            future = done.get()
            place, piece, tries = pending.pop(future)
            try:
                result = future.result()
            except Exception:  # noqa: BLE001 - whatever kept it from being done there
                if tries == _TRIES or not hand_out(place, piece, tries + 1):
                    yield place, work(piece)
            else:
                yield place, result
    finally:
        for future in pending:
            future.cancel()
