"""Files that are for their owner alone: read with care, replaced whole or not at all (docs/spec/keyring.md)."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sa_privacy.errors import KeyUnavailable

if sys.platform != "win32":
    import fcntl

__all__ = ["MAX_BYTES", "read", "replace"]

MAX_BYTES = 1 << 20
_OTHERS = 0o077
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)  # O_EXCL follows no link


def read(path: str, what: str, *, missing: str) -> bytes:
    """The bytes of a file that nobody else can read.

    :param what: the kind of file, for messages: ``"the keyring file"``.
    :param missing: the way out where there is none.
    :raises KeyUnavailable: it is missing, unreadable, not a regular file, too long, or open to group or others.
    """
    source = f"{what} {path}"
    try:
        # O_NONBLOCK: opening a pipe must not hang. The mode is judged on what was opened, not on the name.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        raise KeyUnavailable(f"{source} does not exist.", hint=missing) from None
    except OSError as error:
        raise KeyUnavailable(f"{source} cannot be opened ({error.strerror}).", hint="Check owner and mode.") from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise KeyUnavailable(f"{source} is not a regular file.", hint="Give the path of the file itself.")
        if os.name == "posix" and status.st_mode & _OTHERS:
            raise KeyUnavailable(
                f"{source} is open to others than its owner (mode {stat.S_IMODE(status.st_mode):04o}).",
                hint=f"Run: chmod 600 {path}. If others may have read it, rotate too.",
            )
        with os.fdopen(handle, "rb", closefd=False) as file:
            content = file.read(MAX_BYTES + 1)
    finally:
        os.close(handle)
    if len(content) > MAX_BYTES:
        content = b""  # tracebacks keep the locals of this frame
        raise KeyUnavailable(f"{source} is longer than 1 MiB.", hint="Restore the file from a backup.")
    return content


def replace(path: str, content: bytes, what: str, *, check: Callable[[str], None] | None) -> None:
    """Writes the path with mode 0600; whoever reads it meanwhile sees the old file or the new one.

    :param what: as for :func:`read`.
    :param check: called with the path of a file that is there, under the lock; refuses by raising.
    :raises KeyUnavailable: the file cannot be written, or would be too long to be read again.
    """
    if len(content) > MAX_BYTES:
        content = b""  # tracebacks keep the locals of this frame
        raise KeyUnavailable(
            f"{what} {path} would be longer than 1 MiB. Nothing was saved.",
            hint="Retire keys that no cell names (sa-privacy keys status), or wrap them in fewer bytes.",
        )
    target = Path(os.path.realpath(path))  # a link stays a link
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    fault = None
    try:
        with _locked(target.parent) as folder_handle:
            if check is not None and target.exists():
                check(str(target))
            handle = os.open(temporary, _NEW, 0o600)
            try:
                _write(handle, content)
                temporary.replace(target)
            except BaseException:
                with suppress(OSError):
                    temporary.unlink()
                raise
            if folder_handle is not None:
                os.fsync(folder_handle)
    except OSError as error:
        fault = error.strerror
    finally:
        content = b""  # tracebacks keep the locals of this frame
    if fault is not None:
        raise KeyUnavailable(
            f"{what} {path} cannot be written ({fault}).",
            hint="Check that its directory exists, that it is yours, and that the disk is not full.",
        )


def _write(handle: int, content: bytes) -> None:
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    finally:
        content = b""  # as above


@contextmanager
def _locked(folder: Path) -> Iterator[int | None]:
    """Holds the directory against a second saver, so that none replaces keys it did not see. Yields its descriptor."""
    if sys.platform == "win32":
        yield None
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # network file systems that lock no directories
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)
