"""Reading segments back: which there are, their lines, their events (docs/spec/log.md)."""

from __future__ import annotations

import errno
import gzip
import os
import stat
import sys
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from sa_privacy.accesslog.event import Event, decode_event
from sa_privacy.accesslog.journal.segment import MAX_LINE, unavailable
from sa_privacy.errors import LogUnavailable

__all__ = ["COMPRESSED", "open_regular", "open_segment", "read_events", "read_lines", "segment_exists", "segment_names"]

COMPRESSED = ".gz"
"""What is added to the name of a segment that was compressed (gzip, RFC 1952) after its writer had left it."""
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_BUFFER = 256 * 1024


def segment_names(directory: Path) -> list[str]:
    """The names of all files that are, or claim to be, segments, compressed or not, in order of opening.

    A segment that stands there in both forms is named once, as it was written: its compression was interrupted.

    :raises LogUnavailable: the directory cannot be listed.
    """
    try:
        # Twice: a file that gets its other name while a directory is listed may be seen under neither.
        found = _listed(directory) | _listed(directory)
    except OSError as error:
        raise unavailable(f"The access log in {directory} cannot be read", error) from error
    return sorted(
        name for name in found if name.removesuffix(COMPRESSED) == name or name[: -len(COMPRESSED)] not in found
    )


def _listed(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir() if path.name.endswith((".jsonl", ".jsonl" + COMPRESSED))}


def segment_exists(directory: Path, name: str) -> bool:
    """Whether there is a segment of this name, compressed or not."""
    return (directory / name).exists() or (directory / (name + COMPRESSED)).exists()


def open_regular(path: Path) -> BinaryIO:
    """Open a file of a log's directory for reading; never follows a link or waits at a pipe: somebody may have put it there.

    :raises OSError: it cannot be read, or is no regular file.
    """
    fd = os.open(path, _READ)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "Not a regular file")
    return os.fdopen(fd, "rb", buffering=_BUFFER)


def open_segment(path: Path) -> BinaryIO:
    """Open a segment for reading its lines, compressed or not; never follows a link or waits at a pipe.

    Where it is not there under its own name, it is looked for under the one it has when it is compressed.

    :raises OSError: it cannot be read, or is no regular file. Reading a compressed one may raise EOFError and
        zlib.error too.
    """
    try:
        file = open_regular(path)
    except FileNotFoundError:
        if path.name.endswith(COMPRESSED):
            raise
        path = path.with_name(path.name + COMPRESSED)  # compressed just now
        file = open_regular(path)
    return cast("BinaryIO", _Compressed(file)) if path.name.endswith(COMPRESSED) else file


class _Compressed(gzip.GzipFile):
    """Closes the file under it too."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(fileobj=file, mode="rb")
        self._file = file

    def close(self) -> None:
        super().close()
        self._file.close()


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a segment, line break included, each at most ``MAX_LINE + 1`` bytes; the last may be torn.

    Ends where the file ended at the start: a reader never runs after a busy writer.
    """
    compressed = isinstance(cast("object", file), _Compressed)
    left = sys.maxsize if compressed else os.fstat(file.fileno()).st_size  # nobody writes those
    while left > 0:
        line = file.readline(min(left, MAX_LINE + 1))
        if not line:  # it became shorter
            return
        left -= len(line)
        yield line


def read_events(directory: str | os.PathLike[str]) -> Iterator[Event]:
    """All events of the log in a directory, in order of segment opening, then ``seq``; in constant memory.

    Needs no right to write. A torn last line is left out. A line that is not an event is left out with a
    ``RuntimeWarning`` that names it: nothing is proved here, that is what verifying is for.

    :raises LogUnavailable: the directory or a segment cannot be read.
    """
    root = Path(directory)
    for name in segment_names(root):
        try:
            with open_segment(root / name) as file:
                for number, line in enumerate(read_lines(file), 1):
                    try:
                        event = decode_event(line)
                    except ValueError:
                        if not line.endswith(b"\n") and len(line) <= MAX_LINE:
                            break
                        warnings.warn(f"{name} line {number} is not an event; run verify()", RuntimeWarning, 2)
                        continue
                    if line.endswith(b"\n"):
                        yield event
        except (EOFError, zlib.error) as error:
            raise LogUnavailable(
                f"The access log's compressed segment {name} is damaged.",
                hint="run verify(), and bring the file back from a backup.",
            ) from error
        except OSError as error:
            raise unavailable(f"The access log's segment {name} cannot be read", error) from error
