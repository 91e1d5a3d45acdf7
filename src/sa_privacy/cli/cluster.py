"""A Dask cluster that does the work of a command: it is there, and of the same versions as this process."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, Final

from sa_privacy.cli.telling import fail
from sa_privacy.executors import Cluster

__all__ = ["cluster"]

_SECONDS = 10
#: What has to be the same everywhere: pieces and their results travel by pickle.
_SAME: Final = ("python", "sa-privacy", "distributed", "dask")
_ALIKE: Final = "install the same Python, sa-privacy[dask] and application on the scheduler, the workers and here."


@contextmanager
def cluster(address: str, prepare: Callable[[], object] | None) -> Iterator[Executor]:
    """The workers of a cluster. Ends the command where there is none, or one of other versions.

    :param prepare: called once in each worker, in those too that join later.
    """
    try:
        import distributed  # noqa: PLC0415 - an extra
    except ImportError:
        fail("--dask needs the library of the cluster.", "pip install 'sa-privacy[dask]'.")
    untyped: Any = distributed
    try:
        with warnings.catch_warnings():  # of what differs and matters, words of ours tell
            warnings.simplefilter("ignore", untyped.versions.VersionMismatchWarning)
            client = untyped.Client(address, timeout=_SECONDS, set_as_default=False)
    except (OSError, ValueError):
        fail(f"there is no Dask scheduler at {address}.", "name it as its own log does: tcp://HOST:8786.")
    except Exception as error:  # noqa: BLE001 - what schedulers of other versions answer is anything
        fail(
            f"the scheduler at {address} does not speak with distributed {untyped.__version__} ({type(error).__name__}).",
            _ALIKE,
        )
    with client:
        _must_be_like_us(client.get_versions(packages=["sa-privacy"]))
        if prepare is not None:
            client.register_worker_callbacks(setup=prepare)
        yield Cluster(client)


def _must_be_like_us(said: Mapping[str, Any]) -> None:
    """Ends the command where a part of the cluster would not understand what is sent to it.

    :param said: what ``Client.get_versions`` says.
    """
    ours = _versions(said["client"])
    if not said["workers"]:
        warnings.warn("the cluster has no workers yet: the work waits for them.", stacklevel=2)
    for who, one in [
        ("the scheduler", said["scheduler"]),
        *((f"worker {name}", w) for name, w in said["workers"].items()),
    ]:
        for package, theirs in _versions(one).items():
            if theirs != ours[package]:
                fail(
                    f"{who} has {f'{package} {theirs}' if theirs else f'no {package}'}, and this process has {ours[package]}.",
                    _ALIKE,
                )


def _versions(said: Mapping[str, Any]) -> dict[str, str | None]:
    """Of Python the first two numbers: the third changes nothing that is sent."""
    found = {name: said["packages"].get(name) for name in _SAME}
    return found | {"python": ".".join(str(found["python"]).split(".")[:2])}
