"""Who does the pieces of a long work: this process, several processes of this machine, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from sa_privacy.cli.cluster import cluster
from sa_privacy.executors import Processes

__all__ = ["DaskOption", "Workers", "WorkersOption", "executor"]

WorkersOption = Annotated[int, typer.Option(help="Processes that work at once.", min=1)]
DaskOption = Annotated[
    str | None,
    typer.Option(
        help="The scheduler of a Dask cluster that does the work; its workers have this application installed.",
        metavar="ADDRESS",
        show_default=False,
    ),
]

_OF_CLUSTER = 32


@dataclass(frozen=True, kw_only=True)
class Workers:
    """The options of a command whose work can be shared out: with ``spread`` each field is one."""

    workers: WorkersOption = 1
    dask: DaskOption = None

    @property
    def at_once(self) -> int:
        """Chunks that are handed out and not done. A cluster may grow: it gets more than it has workers."""
        return self.workers if self.dask is None else max(self.workers, _OF_CLUSTER)


@contextmanager
def executor(workers: Workers, prepare: Callable[[], object] | None = None) -> Iterator[Executor | None]:
    """What takes the pieces; None: there is one worker, and it is this process.

    Where a worker dies, the pieces it had raise :class:`concurrent.futures.BrokenExecutor` (of Dask, after it tried them on
    others), and the executor goes on: they may be submitted again.

    :param prepare: called once in each worker before its first piece, in those too that join later. Can be pickled.
    """
    if workers.dask is not None:
        with cluster(workers.dask, prepare) as found:
            yield found
    elif workers.workers == 1:
        yield None
    else:
        with Processes(workers.workers, prepare) as pool:
            yield pool
