"""From one segment to the next: how a writer begins, and goes on in another file (docs/spec/log.md, Hand-over)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from sa_privacy.accesslog.journal.segment import Segment
from sa_privacy.accesslog.journal.syncing import Syncing

__all__ = ["begin", "hand_over", "open_segment"]


def begin(directory: Path, *, full: int, seconds: float) -> Segment:
    """The first segment of a new writer, with its first line.

    :raises LogUnavailable: it cannot be made or written; no file is left behind.
    """
    segment = Segment.make(directory, secrets.token_hex(8), full=full, seconds=seconds)
    try:
        segment.open()
    except BaseException:
        segment.discard()
        raise
    return segment


def hand_over(before: Segment, syncing: Syncing) -> Segment:
    """Close a segment, and make the empty one that goes on from it.

    Each step is on the disk before the next one begins, unless nobody wants that: the next file's name, then the closing
    line that says it, then the first line that follows from it. So a power failure leaves no line without the one before.

    :raises LogUnavailable: a step failed. If the segment has not ``ended``, it may be tried again, from the first step.
    """
    after = before.successor()
    try:
        syncing.settle(after)
        before.finish(after)
        syncing.settle(before)
        after.follow(before)
    except BaseException:
        if before.ended:  # what it names has to be there: an empty file says that its writer came no further
            after.release()
        else:
            after.discard()
        raise
    return after


def open_segment(segment: Segment, preamble: Callable[[], bytes] | None) -> None:
    """Write what comes before the first event of a segment, as far as it is not there.

    :raises LogUnavailable: it cannot be written; it may be tried again.
    """
    if segment.size == 0:
        segment.open()
    if segment.owed:
        if preamble is not None:
            segment.append("context", preamble())
        segment.owed = False
