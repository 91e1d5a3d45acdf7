"""How far a long work is: bars on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from sa_privacy.bulk import Waiting

__all__ = ["bars"]


class Step(Protocol):
    """How far it is with one thing."""

    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def rate(self) -> float: ...
    @property
    def waiting(self) -> Waiting | None: ...


@contextmanager
def bars() -> Iterator[Callable[[str, Step], None]]:
    """Takes a name, and how far it is; shows it where stderr is a terminal. For what it waits is told once, everywhere."""
    waited: set[str] = set()
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

    def move(name: str, step: Step) -> None:
        if step.waiting is not None and step.waiting.chunks and name not in waited:
            waited.add(name)
            shown.console.print(_said(name, step.waiting), highlight=False, markup=False, soft_wrap=True)
        if shown.console.is_terminal:
            if name not in tasks:
                tasks[name] = shown.add_task(name, total=step.total, rate=0.0)
            shown.update(tasks[name], completed=step.done, total=step.total, rate=step.rate)

    if not shown.console.is_terminal:
        yield move
        return
    with shown:
        yield move


def _said(name: str, waiting: Waiting) -> str:
    return (
        f"{name}: waiting for {waiting.chunks} chunk(s) that another process has leased. "
        f"If it was killed, they are taken over within {ceil(waiting.seconds)} s."
    )
