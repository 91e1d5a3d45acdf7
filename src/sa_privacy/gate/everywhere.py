"""Listeners on classes of SQLAlchemy that all sessions, mappers and engines of a process share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any, Final

from sqlalchemy import Engine, event
from sqlalchemy.orm import Mapper, Session

__all__ = ["ENGINE_CONNECT", "LEAVING", "MAPPER_CONFIGURED", "ORM_EXECUTE", "Everywhere"]


class Everywhere:
    """One listener, which asks those of everyone who is interested.

    SQLAlchemy changes the deque that other threads are going through when a listener comes or goes, and ends what they do
    with a RuntimeError. So one stands there for as long as there is anyone to ask, and whom it asks is replaced as a whole.

    :param target: the class that is listened to.
    :param name: of the event.
    """

    def __init__(self, target: type[Any], name: str) -> None:
        self._target, self._name = target, name
        self._asked: tuple[Callable[..., None], ...] = ()
        self._changing = Lock()

    def listen(self, listener: Callable[..., None]) -> Callable[[], None]:
        """Asks this one, too; returns what ends it."""
        with self._changing:
            self._asked = (*self._asked, listener)
            if len(self._asked) == 1:
                event.listen(self._target, self._name, self._ask)
        return partial(self._leave, listener)

    def _leave(self, listener: Callable[..., None]) -> None:
        with self._changing:
            left = tuple(each for each in self._asked if each != listener)
            last, self._asked = bool(self._asked and not left), left
            if last:
                event.remove(self._target, self._name, self._ask)

    def _ask(self, *what: Any) -> None:
        for listener in self._asked:
            listener(*what)


MAPPER_CONFIGURED: Final = Everywhere(Mapper, "mapper_configured")
ORM_EXECUTE: Final = Everywhere(Session, "do_orm_execute")
ENGINE_CONNECT: Final = Everywhere(Engine, "engine_connect")
#: An object leaves its session.
LEAVING: Final = tuple(
    Everywhere(Session, name) for name in ("persistent_to_detached", "persistent_to_deleted", "deleted_to_detached")
)
