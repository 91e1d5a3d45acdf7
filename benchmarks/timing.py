"""Both sides of a comparison in turn, in one run: what a noisy machine does to one, it does to the other."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import StaticPool

__all__ = ["added", "in_turn", "interleaved", "memory_engine", "spread"]


def memory_engine(**options: Any) -> Engine:
    """An in-memory SQLite database with a connection of its own; `options` go to ``create_engine``."""
    return create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}, **options)


def interleaved(sides: dict[str, Callable[[], None]], rounds: int, repeat: int) -> dict[str, list[float]]:
    """Seconds per call of each side, round by round, the sides taking turns."""
    for run in sides.values():
        for _ in range(max(3, repeat // 10)):
            run()

    def seconds(run: Callable[[], None]) -> float:
        start = time.perf_counter()
        for _ in range(repeat):
            run()
        return (time.perf_counter() - start) / repeat

    gc.collect()
    gc.disable()
    try:
        return in_turn({name: partial(seconds, run) for name, run in sides.items()}, rounds)
    finally:
        gc.enable()


def in_turn(sides: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each side says that it took, round by round, in turn; every other round the other way round."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds):
        for name in list(sides) if turn % 2 == 0 else list(reversed(sides)):
            found[name].append(sides[name]())
        gc.collect()
    return found


def spread(values: list[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")  # never beyond what was measured
    return low, middle, high


def added(plain: Callable[[], None], ours: Callable[[], None], rounds: int, repeat: int) -> list[float]:
    """Microseconds that ours takes longer, round by round."""
    times = interleaved({"plain": plain, "ours": ours}, rounds, repeat)
    return [(b - a) * 1e6 for a, b in zip(times["plain"], times["ours"], strict=True)]
