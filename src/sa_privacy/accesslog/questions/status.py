"""How large a log is, from when to when, and by how many writers."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from itertools import zip_longest
from pathlib import Path

import msgspec

from sa_privacy.accesslog.journal.metrics import measure
from sa_privacy.accesslog.journal.reading import COMPRESSED, open_regular
from sa_privacy.accesslog.logplace import LogStatus
from sa_privacy.accesslog.questions.files import last_event, segment_files
from sa_privacy.accesslog.trouble import unavailable

__all__ = ["checkpoint_time", "log_status"]


def log_status(directory: Path) -> LogStatus:
    """The state of a log; looks at names, sizes and last lines only.

    :raises LogUnavailable: the directory cannot be read.
    """
    files = segment_files(directory)
    measured, unclosed = measure(directory), 0
    last: datetime | None = None
    for file, after in zip_longest(files, files[1:]):
        if (after is not None and after.writer == file.writer) or file.name.endswith(COMPRESSED):
            continue
        event = last_event(directory / file.name)
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
        checkpoint=_last_checkpoint(directory),
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
                    return checkpoint_time(line)
        except OSError as error:
            raise unavailable(f"The checkpoints {path.name} cannot be read", error) from error
    return None


def checkpoint_time(line: bytes) -> datetime | None:
    """When a checkpoint was made; None where the line is none, as verifying tells."""
    try:
        return msgspec.json.decode(line, type=_Checkpoint).at
    except (ValueError, RecursionError):
        return None
