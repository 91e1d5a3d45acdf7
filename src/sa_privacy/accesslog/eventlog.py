"""What the gate, ``Privacy`` and the jobs need of a log, whatever keeps its events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.proof.verify import Verification

__all__ = ["EventLog"]


class EventLog(Protocol):
    """A place where events are written down before anything is shown: :class:`AccessLog`, or another with its promises.

    :ivar preamble: makes the members of a ``context`` event, which the log writes wherever a reader may begin: after each
        ``opened``. It must not touch the log. Set it before the first event; None writes no such event.
    """

    preamble: Callable[[], bytes] | None

    @property
    def writer(self) -> str | None:
        """The id under which this process writes now; None before its first event. A fork has another."""
        ...

    def append(self, kind: str, members: bytes, sync: bool = False) -> int:
        """Write one event; when this returns, it outlives the process.

        :param kind: ``"intent"``, ``"outcome"``, ``"use"``: up to 32 lower-case letters, digits and underscores.
        :param members: what :func:`members` made.
        :param sync: return only when the event outlives a power failure too.
        :returns: the event's ``seq``: with the writer's id, its name for ever.
        :raises LogUnavailable: nobody may rely on the event. Later events may be tried.
        :raises ValueError: the kind or the members cannot stand in an event.
        """
        ...

    def events(self) -> Iterator[Event]:
        """All events of all writers; each writer's in order of ``seq``.

        :raises LogUnavailable: the place cannot be read.
        """
        ...

    def verify(self) -> Verification:
        """Prove that nothing was changed, as far as the log itself can tell.

        :raises LogUnavailable: the place cannot be read.
        """
        ...

    def close(self) -> None:
        """Write the end and let go. Closing twice is fine.

        :raises LogUnavailable: the end could not be written. The log is closed nonetheless.
        """
        ...
