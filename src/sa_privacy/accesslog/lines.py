"""What is fixed about a segment's name and lines (docs/spec/log.md)."""

from __future__ import annotations

import time

__all__ = ["FORMAT", "MAX_LINE", "SECOND", "START", "moment", "segment_name"]

FORMAT = 2
MAX_LINE = 16 * 1024 * 1024
"""The longest line in bytes, its line break included: what a reader must be ready to hold."""
SECOND = 1_000_000_000
"""In ns."""
START = b"0" * 64
"""``prev`` of the first line of a writer."""


def moment(now: int) -> str:
    """A time in ns since 1970 as it stands in a line: UTC, microseconds."""
    second, rest = divmod(now, SECOND)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)) + f".{rest // 1000:06d}Z"


def segment_name(at: str, writer: str) -> str:
    """The file name that belongs to the first line's ``at`` and ``writer``; names sort by opening time."""
    return f"{at.replace('-', '').replace(':', '')}-{writer}.jsonl"
