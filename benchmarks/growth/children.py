"""Work in a process of its own: how long it takes there, and the most that the process ever held."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.accesslog.memory import peak

__all__ = ["in_child", "tell"]


def in_child(module: str, *arguments: object) -> tuple[float, float]:
    """Runs a module that ends with :func:`tell`.

    :returns: seconds of the work, and MB that the process held at most, libraries included.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - one of our own
    seconds, most = done.stdout.split()
    return float(seconds), float(most)


def tell(work: Callable[[], object]) -> None:
    """Does the work, and prints what :func:`in_child` waits for."""
    start = time.perf_counter()
    work()
    print(time.perf_counter() - start, peak() / 1024)
