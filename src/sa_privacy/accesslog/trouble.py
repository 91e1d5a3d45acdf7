"""What the operating system said against writing or reading the log, with the way out."""

from __future__ import annotations

import errno

from sa_privacy.errors import LogUnavailable

__all__ = ["unavailable"]

_HINTS = {
    errno.ENOSPC: "free space on its volume; the log goes on by itself as soon as it can write",
    errno.EDQUOT: "raise the quota or free space; the log goes on by itself as soon as it can write",
    errno.EFBIG: "raise the file size limit of the process, or restart it to begin a new segment",
    errno.EIO: "look after the disk, and run verify(); the next event begins a new segment",
    errno.EROFS: "mount its volume for writing, or open the log in another directory",
    errno.EACCES: "let the user that runs this process write there, or open the log in another directory",
    errno.EPERM: "let the user that runs this process write there, or open the log in another directory",
    errno.ENOENT: "bring the directory back (is its volume mounted?), or open the log in another one",
    errno.ENOTDIR: "name a directory",
    errno.EEXIST: "name a directory",
    errno.EMFILE: "raise the limit of open files of the process",
    errno.ENFILE: "raise the limit of open files of the machine",
}


def unavailable(what: str, error: OSError) -> LogUnavailable:
    """The refusal for an error of the operating system; raise it ``from`` that error."""
    hint = _HINTS.get(error.errno or 0, "check the volume the log is on, or open the log in another directory")
    return LogUnavailable(f"{what}: {error.strerror or type(error).__name__}.", hint=f"{hint}.")
