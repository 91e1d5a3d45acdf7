"""How large a log is, from when to when, and by how many writers."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from sa_privacy.accesslog.journal.metrics import measure
from sa_privacy.accesslog.journal.reading import COMPRESSED, open_regular
from sa_privacy.accesslog.questions.journal import Journal, last_event, segment_files
from sa_privacy.accesslog.trouble import unavailable

__all__ = ["LogStatus", "log_status"]


class LogStatus(NamedTuple):
    """The state of a log's directory. Nothing is proved here, that is what verifying is for.

    :ivar bytes: of all segments, as they stand on the disk.
    :ivar compressed: how many of the segments are.
    :ivar running: writers at work on this machine.
    :ivar unclosed: other writers whose last segment has no end: killed, at work elsewhere, or cut.
    :ivar first: when the first segment was opened.
    :ivar checkpoint: when the last checkpoint was made; None where there is none.
    :ivar last: when the last event was written, as far as segments that are not compressed tell.
    """

    bytes: int
    segments: int
    compressed: int
    writers: int
    running: int
    unclosed: int
    first: datetime | None
    last: datetime | None
    checkpoint: datetime | None


def log_status(journal: Journal) -> LogStatus:
    """The state of a log; looks at names, sizes and last lines only.

    :raises LogUnavailable: the directory cannot be read.
    """
    files = segment_files(journal.path)
    measured, unclosed = measure(journal.path), 0
    last: datetime | None = None
    for file, after in zip(files, [*files[1:], None], strict=True):
        if (after is not None and after.writer == file.writer) or file.name.endswith(COMPRESSED):
            continue
        event = last_event(journal.path / file.name)
        if event is not None:
            last = event.at if last is None else max(last, event.at)
        unclosed += event is None or event.kind != "closed"
    return LogStatus(
        bytes=measured.bytes,
        segments=len(files),
        compressed=sum(file.name.endswith(COMPRESSED) for file in files),
        writers=len({file.writer for file in files}),
        running=measured.open_writers,
        unclosed=max(0, unclosed - measured.open_writers),
        first=min((file.opened for file in files if file.opened is not None), default=None),
        last=last,
        checkpoint=_last_checkpoint(journal.path),
    )


class _Checkpoint(msgspec.Struct):
    at: datetime


def _last_checkpoint(directory: Path) -> datetime | None:
    """When the last checkpoint was made, of those that stand beside the segments. Their names sort by month."""
    for path in sorted(directory.glob("checkpoints-*.ndjson"), reverse=True):
        try:
            with open_regular(path) as file:
                lines = (line for line in file if line.endswith(b"\n"))
                for line in deque(lines, maxlen=1):
                    return msgspec.json.decode(line, type=_Checkpoint).at
        except OSError as error:
            raise unavailable(f"The checkpoints {path.name} cannot be read", error) from error
        except (ValueError, RecursionError):  # verifying tells
            return None
    return None
