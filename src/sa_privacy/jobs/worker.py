"""Who works on a chunk: this process, for threads; or another, which gets its keys by itself and never by pickle.

::

    def make():  # in a module that the workers can import
        engine = create_engine(URL)
        return engine, Privacy("privacy.toml", keys=Keyring.load("keys.json"), log=None, metadata=Base)


    pool = ProcessPoolExecutor(4, mp_context=get_context("spawn"), initializer=prepare_worker, initargs=(make,))
    seal(engine, privacy, ["customers.email"], executor=pool, workers=4)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine

from sa_privacy.errors import PolicyError
from sa_privacy.jobs.batch import Batch, Chunk, Done, working_on
from sa_privacy.jobs.target import Keeper, keys_for_job, targets_of

__all__ = ["enlist", "prepare_worker", "work"]


class _Worker:
    """A worker process: its own engine and keys, and the batches made so far."""

    def __init__(self, engine: Engine, privacy: Keeper) -> None:
        self._engine = engine
        self._privacy = privacy
        self._keys = keys_for_job(privacy)
        self._batches: dict[tuple[str, ...], Batch] = {}
        self._open = ExitStack()
        self._open.enter_context(working_on(engine, self._keys))  # as long as the process lives

    def batch(self, chunk: Chunk) -> Batch:
        key = (chunk.job, chunk.operation, *chunk.columns)
        if key not in self._batches:
            [target] = targets_of(self._privacy, chunk.columns)
            self._batches[key] = Batch(self._engine, target, chunk.operation, self._keys)
        return self._batches[key]


#: The batches of this very process, by job: a forked child must not use its parent's connections.
_here: dict[tuple[int, str], Batch] = {}
_prepared: dict[int, _Worker] = {}


def prepare_worker(make: Callable[[], tuple[Engine, Any]]) -> None:
    """The initializer of worker processes.

    :param make: can be pickled, that is a function of a module; makes the engine, and the ``Privacy`` with its keys, in the
        worker. The log stays with the process that runs the job: ``log=None`` here.
    """
    _prepared[os.getpid()] = _Worker(*make())


@contextmanager
def enlist(batch: Batch) -> Iterator[str]:
    """Makes a batch known to the threads of this process, under the name that it yields."""
    job = uuid4().hex
    _here[os.getpid(), job] = batch
    try:
        yield job
    finally:
        del _here[os.getpid(), job]


def work(chunk: Chunk) -> Done:
    """Works on a chunk, wherever it was sent.

    :raises PolicyError: to a process without keys.
    """
    batch = _here.get((os.getpid(), chunk.job))
    if batch is None:
        worker = _prepared.get(os.getpid())
        if worker is None:
            raise PolicyError(
                "a worker process has no keys, and none are sent to it.",
                hint="ProcessPoolExecutor(..., initializer=sa_privacy.jobs.prepare_worker, initargs=(make,)).",
            )
        batch = worker.batch(chunk)
    return batch.run(chunk)
