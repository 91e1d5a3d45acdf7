"""How large a log is, and how far behind the disk: figures for a health check."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from sa_privacy.accesslog.journal.disk import is_held
from sa_privacy.accesslog.trouble import unavailable

__all__ = ["Metrics", "Size", "measure"]


class Size(NamedTuple):
    """What stands in a log's directory.

    :ivar bytes: of all segments, compressed ones as they are.
    :ivar segments: how many there are.
    :ivar open_writers: how many of the writers still run, on this machine; where the file system has no locks, 0.
    """

    bytes: int
    segments: int
    open_writers: int


class Metrics(NamedTuple):
    """A log in figures: its directory, and what this process wrote there.

    :ivar bytes: see :class:`Size`.
    :ivar segments: see :class:`Size`.
    :ivar open_writers: see :class:`Size`.
    :ivar events: lines that this process wrote, the log's own included.
    :ivar syncs: how often this process forced a file to the disk.
    :ivar unsynced_bytes: what this process wrote and has not forced to the disk. Under ``fsync="never"``, all of the segment.
    :ivar unsynced_seconds: how long the oldest of these bytes has waited, at most. None under ``fsync="never"``.
    """

    bytes: int
    segments: int
    open_writers: int
    events: int
    syncs: int
    unsynced_bytes: int
    unsynced_seconds: float | None


def measure(directory: Path) -> Size:
    """Look at the files of a log; nothing of them is read.

    :raises LogUnavailable: the directory cannot be listed.
    """
    size = segments = 0
    last: dict[str, str] = {}
    try:
        with os.scandir(directory) as found:
            for entry in found:
                name = entry.name.removesuffix(".gz")
                if name.endswith(".jsonl"):
                    size += entry.stat(follow_symlinks=False).st_size
                    segments += 1
                    writer = name[-22:]
                    last[writer] = max(entry.name, last.get(writer, ""))
    except FileNotFoundError as error:
        if not directory.exists():
            raise unavailable(f"The access log in {directory} cannot be read", error) from error
        return measure(directory)  # a segment was compressed or removed just now
    except OSError as error:
        raise unavailable(f"The access log in {directory} cannot be read", error) from error
    return Size(size, segments, sum(is_held(directory / name) for name in last.values() if name.endswith(".jsonl")))
