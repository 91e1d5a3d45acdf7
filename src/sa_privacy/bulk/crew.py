"""Who works on chunks: this thread, or the workers of an executor, which may die.

Keys are sent to no worker: it makes its own engine and loads its own keys, by a function that it imports.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

from sa_privacy.errors import PolicyError, WorkersLost
from sa_privacy.executors import Processes

__all__ = ["Crew", "Make", "crew_of"]

Make: TypeAlias = Callable[[], tuple[Any, ...]]
"""Makes what a worker works with: an engine, and a ``Privacy`` with its keys. A function of a module, or a partial of one."""


@dataclass(frozen=True)
class Crew:
    """Who works on chunks.

    :param workers: so many chunks are worked on at once.
    :param make: for workers in other processes, what they work with; None: :func:`prepare_worker` is their initializer.
    """

    executor: Executor
    workers: int = 1
    make: Make | None = None

    @property
    def is_here(self) -> bool:
        """Whether the workers are on this machine, so that one process can give out all there is to do."""
        return isinstance(self.executor, (_Inline, ThreadPoolExecutor, ProcessPoolExecutor, Processes))

    @property
    def is_this_thread(self) -> bool:
        """Whether nobody was given to work on chunks: who asks does."""
        return isinstance(self.executor, _Inline)

    def submit(self, work: Callable[..., Any], *given: Any) -> Future[Any]:
        """Has somebody do it.

        :raises WorkersLost: nobody is left.
        """
        try:
            return self.executor.submit(work, *given)
        except BrokenExecutor as error:
            raise WorkersLost(
                "the executor has lost its workers.",
                hint="run it again with a new one: it goes on where it was. sa_privacy.jobs.Processes begins new ones by itself.",
            ) from error

    def has_died(self, error: BaseException) -> bool:
        """Whether an error says that a worker died, and nothing of what it worked on. Dask's own names are known by name."""
        lost = isinstance(error, (BrokenExecutor, CancelledError))
        return lost or type(error).__name__ in {"KilledWorker", "CommClosedError"}

    def explained(self, error: BaseException) -> BaseException:
        """An error of a worker; where one elsewhere lacks a module, or Dask's scheduler does, it says what to do."""
        lacks = error if isinstance(error, ImportError) else error.__cause__
        if self.is_here or not isinstance(lacks, ImportError):
            return error
        made = PolicyError(
            f"a worker, or its scheduler, cannot import what it is to do: {lacks}.",
            hint="install the application and sa-privacy there, in the versions that are here.",
        )
        made.__cause__ = error
        return made


class _Inline(Executor):
    """Works at once, in the thread that asks."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - raised again by result()
            future.set_exception(error)
        return future


def crew_of(executor: Executor | None, workers: int = 1, make: Make | None = None) -> Crew:
    """The crew for what a caller gave.

    :param executor: None: this thread.
    """
    if workers < 1:
        raise PolicyError("workers are numbers from 1 up.", hint="leave them out for the default.")
    return Crew(_Inline()) if executor is None else Crew(executor, workers, make)
