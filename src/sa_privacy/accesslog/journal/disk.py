"""Forcing what was written to the disk, and marking a file as in use."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from time import sleep

try:
    import fcntl as _fcntl
except ImportError:  # Windows
    _fcntl = None  # type: ignore[assignment]

__all__ = ["flush", "flush_directory", "hold", "hold_alone", "is_free", "is_held"]

_TRIES = 200
_LOOK = 0.0005  # seconds


def flush(fd: int) -> None:
    """Return when the bytes and the length of a file are on the disk.

    :raises OSError: they are not, and never ask for the same file again: the system may have let go of the bytes that
        it could not write, and would then say that all is well.
    """
    if sys.platform == "darwin":
        _fcntl.fcntl(fd, _fcntl.F_FULLFSYNC)  # fsync() leaves them in the disk's own memory there
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


def hold(fd: int) -> None:
    """Mark a file as in use for as long as it is open, here or in a process that inherits it; see :func:`is_held`."""
    if _fcntl is None:
        return
    with suppress(OSError):  # a file system without locks
        for _ in range(_TRIES):
            try:
                _fcntl.flock(fd, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
            except BlockingIOError:  # somebody looks whether it is held: that takes no longer
                sleep(_LOOK)
            else:
                return


def hold_alone(fd: int) -> bool:
    """Mark a file as in use, as :func:`hold` does; False where somebody else has it. True too where there are no locks."""
    if _fcntl is not None:
        try:
            _fcntl.flock(fd, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            pass
    return True


def is_free(path: Path) -> bool:
    """Whether it is certain that no process of this machine has the file in use."""
    return _in_use(path) is False


def is_held(path: Path) -> bool:
    """Whether a process of this machine has the file in use. False too where that cannot be told."""
    return _in_use(path) is True


def _in_use(path: Path) -> bool | None:
    """Whether a file is marked by :func:`hold`; None where that cannot be told."""
    if _fcntl is None:
        return None
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        _fcntl.flock(fd, _fcntl.LOCK_SH | _fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(fd)
    return False
