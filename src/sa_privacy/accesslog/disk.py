"""Forcing what was written to the disk."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

__all__ = ["flush", "flush_directory"]


def flush(fd: int) -> None:
    """Return when the bytes and the length of a file are on the disk.

    :raises OSError: they are not, and never ask for the same file again: the system may have let go of the bytes that
        it could not write, and would then say that all is well.
    """
    if sys.platform == "darwin":
        import fcntl  # noqa: PLC0415 - not everywhere

        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)  # fsync() leaves them in the disk's own memory there
    elif hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        os.fsync(fd)


def flush_directory(directory: Path) -> None:
    """Return when the names of the files in a directory are on the disk.

    :raises OSError: they are not.
    """
    if os.name != "posix":
        return  # Windows opens no directories, and keeps names with the files
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that has no such thing as a directory to sync
            raise
    finally:
        os.close(fd)
