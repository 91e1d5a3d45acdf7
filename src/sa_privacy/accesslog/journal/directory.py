"""The directory a log lives in: for its owner alone, and there after a power failure."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from sa_privacy.accesslog.journal.disk import flush_directory
from sa_privacy.accesslog.trouble import unavailable
from sa_privacy.errors import LogUnavailable

__all__ = ["usable_directory"]


def usable_directory(path: str | os.PathLike[str]) -> Path:
    """The directory, absolute; made (mode 0700) if it is missing.

    :raises LogUnavailable: it is no directory, others than its owner may use it, or this process cannot write there.
    """
    directory = Path(path).absolute()  # a daemon may change its directory later
    try:
        _make(directory)
        found = directory.stat()
    except OSError as error:
        raise unavailable(f"The access log cannot use {directory}", error) from error
    if os.name == "posix" and stat.S_IMODE(found.st_mode) & 0o077:
        raise LogUnavailable(
            f"The access log's directory {directory} is open to other users (mode {stat.S_IMODE(found.st_mode):04o}).",
            hint="chmod 700 it, or name a directory inside it that does not exist yet: it is made the right way.",
        )
    if not os.access(directory, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        denied = OSError(errno.EACCES, os.strerror(errno.EACCES))
        raise unavailable(f"The access log cannot write in {directory}", denied) from denied
    return directory


def _make(path: Path) -> None:
    missing = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for one in missing:
        with suppress(PermissionError):  # a parent may be one that this process can write to and not read
            flush_directory(one.parent)
