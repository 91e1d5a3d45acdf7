"""How far a long work is: bars on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

__all__ = ["bars"]


@contextmanager
def bars() -> Iterator[Callable[[str, int, int, float], None]]:
    """Takes a name, how many of how many are done, and how many a second; shows it where stderr is a terminal."""
    shown = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:,.0f} rows/s"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def move(name: str, done: int, total: int, rate: float) -> None:
        if name not in tasks:
            tasks[name] = shown.add_task(name, total=total, rate=0.0)
        shown.update(tasks[name], completed=done, total=total, rate=rate)

    if not shown.console.is_terminal:
        yield lambda *_: None
        return
    with shown:
        yield move
