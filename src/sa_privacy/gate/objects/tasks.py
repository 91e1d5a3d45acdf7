"""Which asyncio task works with which session.

Tasks that share an access have sessions of their own. What one of them declares inside must not unload what another is
working with: there it could not load by itself again.
"""

from __future__ import annotations

import asyncio
import weakref
from contextvars import ContextVar
from typing import Any

from sqlalchemy.orm import Session

__all__ = ["elsewhere", "remember"]

Task = weakref.ref["asyncio.Task[Any]"]
_TASK = "sa_privacy_task"

#: The tasks that used sessions, from the one at work outwards to those that started it.
_line: ContextVar[tuple[Task, ...]] = ContextVar("sa_privacy.tasks", default=())


def _current() -> asyncio.Task[Any] | None:
    return None if asyncio._get_running_loop() is None else asyncio.current_task()


def remember(session: Session) -> None:
    """The task at work uses `session`."""
    task = _current()
    if task is None:
        session.info.pop(_TASK, None)
        return
    mine = session.info[_TASK] = weakref.ref(task)
    if mine not in _line.get():
        _line.set((mine, *_line.get()))


def elsewhere(session: Session) -> bool:
    """Whether `session` is in the hands of a task that still runs, and is neither this one nor one that started it."""
    known: Task | None = session.info.get(_TASK)
    task = known() if known is not None else None
    return task is not None and not task.done() and task is not _current() and known not in _line.get()
