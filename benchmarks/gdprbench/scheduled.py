"""The same application, in which `delete by TTL` is a run of retention: what a schedule does at night, asked for as an operation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from benchmarks.gdprbench.oracle import Answer
from benchmarks.gdprbench.protected import Protected
from benchmarks.gdprbench.trace import Operation

__all__ = ["Scheduled"]

_DAY: Final = timedelta(days=1)


class Scheduled(Protected):
    """Records whose time is over end by their schedule, which counts them, and asks for reasons, guards and holds."""

    def run(self, operation: Operation) -> Answer:
        if operation.verb == "delete" and operation.by == "expires_at":
            return self._delete_expired(operation.value)
        return super().run(operation)

    def _delete_expired(self, moment: datetime) -> int:
        with self.privacy.access(role="controller", actor="controller:1", reason="TTL"):
            report = self.privacy.retention.run(
                self.engine, as_of=moment.replace(tzinfo=UTC) + _DAY, schedule="records"
            )
        return report.rows
