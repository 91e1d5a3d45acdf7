"""What a test did, from the access log."""

from __future__ import annotations

from typing import Any, Final

from sa_privacy.accesslog import Event, EventLog

__all__ = ["Events"]

_OF_THE_LOG: Final = frozenset({"opened", "closed", "context"})


class Events:
    """Reads the events of this process that a log took since this reader was made.

    :param log: any log that a ``Privacy`` writes to.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._seen = max((event.seq for event in log.events() if event.writer == log.writer), default=-1)
        self._writer = log.writer

    def __call__(self, kind: str | None = None, *, maintenance: bool = False, **members: Any) -> list[Event]:
        """The events, in the order in which they were written.

        :param kind: ``"intent"``, ``"outcome"``, ``"use"`` and so on; None: all kinds but those that the log writes for itself.
        :param maintenance: those of maintenance, which is what fixtures do, in place of the others.
        :param members: what they have to say, e.g. ``decision="denied"``, ``actor="staff:17"``.
        """
        return [
            event
            for event in self._log.events()
            if event.writer == self._log.writer
            and (event.seq > self._seen or event.writer != self._writer)
            and (event.kind not in _OF_THE_LOG if kind is None else event.kind == kind)
            and event.maintenance is maintenance
            and all(getattr(event, name) == value for name, value in members.items())
        ]
