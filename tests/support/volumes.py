"""A small volume of its own, which can really be full or read-only, where this user may mount one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["fill", "free", "mount", "remount", "small_volume", "unmount"]


def mount(directory: Path, size: str = "128k") -> bool:
    """Make a directory, mode 0700, and mount a volume of so many bytes there; False: this user may not."""
    directory.mkdir(mode=0o700)
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(directory)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def remount(directory: Path, how: str) -> None:
    """Mount it again, ``"ro"`` or ``"rw"``. The system refuses "ro" while a file is open for writing."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(directory)], check=True, capture_output=True)


def unmount(directory: Path) -> None:
    """Take the volume away; files that are still open there do not hinder it."""
    subprocess.run(["umount", "--lazy", str(directory)], check=True)


@contextmanager
def small_volume(directory: Path) -> Iterator[bool]:
    """Such a volume while this lasts; whether there is one."""
    mounted = mount(directory)
    try:
        yield mounted
    finally:
        if mounted:
            unmount(directory)


def fill(directory: Path) -> None:
    """Fill a volume to its last page. What other files have left of their own last page is still theirs."""
    with (directory / "ballast").open("wb", buffering=0) as ballast:
        for size in (4096, 1):
            while True:
                try:
                    ballast.write(b"x" * size)
                except OSError:
                    break


def free(directory: Path) -> None:
    """Undo :func:`fill`."""
    (directory / "ballast").unlink(missing_ok=True)
