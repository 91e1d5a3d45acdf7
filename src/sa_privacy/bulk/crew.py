"""Who works on chunks: this thread, threads, processes, a Dask cluster, or whatever executor there is.

A crew that loses workers goes on with those that are left. Keys are sent to no worker: it makes its own engine and loads its own
keys, by a function that it imports.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from typing import Any, Self, TypeAlias

from sa_privacy.errors import PolicyError, PrivacyError

__all__ = ["Alone", "Crew", "Dask", "Given", "Make", "Processes", "Threads", "WorkersLost", "crew_of"]

Make: TypeAlias = Callable[[], tuple[Any, ...]]
"""Makes what a worker works with: an engine, and a ``Privacy`` with its keys. A function of a module, or a partial of one."""


class WorkersLost(PrivacyError):
    """Workers died one after the other. What was done until then is done."""

    code = "SP-306"


class Crew:
    """Who works on chunks.

    :param workers: so many chunks are worked on at once.
    :param make: for workers in other processes, what they work with.
    """

    def __init__(self, workers: int = 1, make: Make | None = None) -> None:
        if workers < 1:
            raise PolicyError("workers are numbers from 1 up.", hint="leave them out for the default.")
        self.workers = workers
        self.make = make
        self._executor: Executor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.dismiss()

    def submit(self, work: Callable[..., Any], *given: Any) -> Future[Any]:
        """Has somebody do it: new workers, where those that there were are gone."""
        if self._executor is not None:
            try:
                return self._executor.submit(work, *given)
            except BrokenExecutor:
                self.dismiss()
        self._executor = self.hire()
        return self._executor.submit(work, *given)

    def hire(self) -> Executor:
        """Makes the executor."""
        raise NotImplementedError

    def dismiss(self) -> None:
        """Ends the executor; the next chunk goes to a new one."""
        if self._executor is not None:
            self._executor.shutdown()
            self._executor = None

    def has_died(self, error: BaseException) -> bool:
        """Whether an error says that a worker died, and nothing of what it worked on."""
        return isinstance(error, (BrokenExecutor, CancelledError))

    @property
    def is_here(self) -> bool:
        """Whether the workers are on this machine, so that one process can give out all there is to do."""
        return True


class Alone(Crew):
    """This thread."""

    def hire(self) -> Executor:
        return _Inline()


class Threads(Crew):
    """Threads of this process."""

    def hire(self) -> Executor:
        return ThreadPoolExecutor(self.workers, thread_name_prefix="sa-privacy")


class Processes(Crew):
    """Processes of this machine."""

    def hire(self) -> Executor:
        return ProcessPoolExecutor(self.workers, mp_context=get_context("spawn"))


class Dask(Crew):
    """A Dask cluster: its workers may die, and others join.

    :param address: of its scheduler.
    :raises PolicyError: dask.distributed is not installed, or nobody answers.
    """

    def __init__(self, address: str, make: Make, workers: int = 0) -> None:
        try:
            distributed = import_module("distributed")
        except ModuleNotFoundError:
            raise PolicyError(
                "a Dask cluster needs dask.distributed, which is not installed.", hint='pip install "sa-privacy[dask]"'
            ) from None
        try:
            self._client = distributed.Client(address, timeout=10, set_as_default=False)
        except (OSError, TimeoutError):
            raise PolicyError(
                f"nobody answers at {address}.",
                hint="start one, dask scheduler, and give its address: tcp://host:8786.",
            ) from None
        threads = sum(self._client.nthreads().values())
        super().__init__(workers or 2 * max(1, threads), make)  # one is at hand when another ends

    def hire(self) -> Executor:
        return self._client.get_executor(pure=False)  # type: ignore[no-any-return]

    def dismiss(self) -> None:
        super().dismiss()
        self._client.close()

    def has_died(self, error: BaseException) -> bool:
        return super().has_died(error) or type(error).__name__ in {"KilledWorker", "CommClosedError"}

    @property
    def is_here(self) -> bool:
        return False


class Given(Crew):
    """An executor of the caller's own, which is theirs to end."""

    def __init__(self, executor: Executor, workers: int = 1) -> None:
        super().__init__(workers)
        self._given = executor

    def submit(self, work: Callable[..., Any], *given: Any) -> Future[Any]:
        try:
            return self._given.submit(work, *given)
        except BrokenExecutor as error:
            raise WorkersLost(
                "the executor has lost its workers.",
                hint="run it again with a new one: it goes on where it was. Processes(4, make) makes new ones by itself.",
            ) from error

    @property
    def is_here(self) -> bool:
        return isinstance(self._given, (ThreadPoolExecutor, ProcessPoolExecutor))


class _Inline(Executor):
    """Works at once, in the thread that asks."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - raised again by result()
            future.set_exception(error)
        return future


def crew_of(executor: Executor | Crew | None, workers: int) -> Crew:
    """The crew for what a caller gave.

    :param workers: at once; of a crew, it says itself how many.
    """
    if isinstance(executor, Crew):
        return executor
    return Given(executor, workers) if executor is not None else Alone()
