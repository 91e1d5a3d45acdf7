"""Logs for the tests of questions: written by the library, at times that the test sets."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sa_privacy.accesslog import AccessLog, members

__all__ = ["ANN", "BO", "CONTEXT", "CY", "Story", "compress"]

ANN, BO, CY = "a" * 26, "b" * 26, "c" * 26
"""Pseudonyms."""
CONTEXT = {
    "policy": "sha256:1",
    "categories": {"customers.email": "email", "customers.name": "name", "orders.amount": "amount"},
    "sealed": ["customers.email", "customers.name"],
    "keys": ["0a1b2c3d"],
}


class Story:
    """A log directory, and a clock that goes on by a second with each look at it.

    :ivar now: what the clock says.
    """

    def __init__(self, directory: Path, patch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.now = datetime(2026, 3, 1, 9, tzinfo=UTC)
        patch.setattr("sa_privacy.accesslog.journal.segment.time_ns", self._tick)

    def _tick(self) -> int:
        self.now += timedelta(seconds=1)
        return round(self.now.timestamp()) * 1_000_000_000

    def writer(self, *, context: dict[str, Any] | None = CONTEXT, **options: Any) -> Writer:
        """One more writer of the log."""
        log = AccessLog.open(self.directory, fsync="never", **options)
        if context is not None:
            log.preamble = lambda: members(**context)
        return Writer(log)


class Writer:
    """What a process writes."""

    def __init__(self, log: AccessLog) -> None:
        self.log = log

    def intent(self, **said: Any) -> int:
        return self.log.append("intent", members(**{"actor": "staff:17", "decision": "allowed", **said}))

    def outcome(self, intent: int, **said: Any) -> int:
        return self.log.append(
            "outcome", members(intent=intent, **{"actor": "staff:17", "decision": "allowed", **said})
        )

    def statement(self, subjects: list[str] | None, *, rows: int | None = None, cells: Any = None, **said: Any) -> int:
        """An intent and its outcome."""
        said = {"roles": ["warehouse"], "purpose": ["shipping"], "reads": ["customers.name"], **said}
        intent = self.intent(**said)
        rows = len(subjects or ()) if rows is None else rows
        self.outcome(intent, subjects=subjects, rows=rows, cells=cells, unbounded=subjects is None, **said)
        return intent

    def use(self, **said: Any) -> int:
        return self.log.append("use", members(**{"actor": "staff:17", "decision": "allowed", **said}))


def compress(segment: Path) -> Path:
    """What keeping does with a segment that its writer has left."""
    packed = segment.with_name(segment.name + ".gz")
    packed.write_bytes(gzip.compress(segment.read_bytes()))
    segment.unlink()
    return packed
