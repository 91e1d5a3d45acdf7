"""The segments of a directory by their writers, and the last event of one."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from sa_privacy.accesslog.event import Event, decode_event
from sa_privacy.accesslog.journal.reading import COMPRESSED, open_segment, segment_names
from sa_privacy.accesslog.journal.segment import MAX_LINE

__all__ = ["SegmentFile", "last_event", "segment_files"]

_NAME: Final = re.compile(r"(\d{8}T\d{6}\.\d{6})Z-([0-9a-f]{16})\.jsonl", re.ASCII)
_TAIL: Final = 64 * 1024


class SegmentFile(NamedTuple):
    """A segment's file: its name, and what the name says.

    :ivar opened: None where the file is not named as a segment is; its events are read all the same.
    """

    name: str
    opened: datetime | None
    writer: str


def segment_files(directory: Path) -> list[SegmentFile]:
    """The segments of a log by writer, each writer's in order, writers in order of their first.

    :raises LogUnavailable: the directory cannot be listed.
    """
    writers: dict[str, list[SegmentFile]] = {}
    for name in segment_names(directory):
        found = _NAME.fullmatch(name.removesuffix(COMPRESSED))
        opened = None if found is None else _opened(found[1])
        writer = name if found is None else found[2]
        writers.setdefault(writer, []).append(SegmentFile(name, opened, writer))
    return [file for files in writers.values() for file in files]


def _opened(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
    except ValueError:
        return None


def last_event(path: Path) -> Event | None:
    """The last whole event of a segment that is not compressed; None where its last bytes hold none."""
    try:
        with open_segment(path) as file:
            size = os.fstat(file.fileno()).st_size
            for length in (_TAIL, MAX_LINE + _TAIL):
                file.seek(max(0, size - length))
                lines = file.read(length).split(b"\n")[1 if length < size else 0 : -1]
                for line in reversed(lines):
                    try:
                        return decode_event(line)
                    except ValueError:
                        continue
    except OSError:
        pass
    return None
