"""What a verification that was interrupted had read, in a file: the next one goes on from there, and says so."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import msgspec

from sa_privacy.accesslog.journal.reading import open_regular
from sa_privacy.accesslog.proof.chain import Mark, Segment
from sa_privacy.accesslog.proof.snapshot import Standing
from sa_privacy.accesslog.trouble import unavailable
from sa_privacy.errors import LogUnavailable

__all__ = ["Held"]


class _Begun(msgspec.Struct, frozen=True):
    """The file's first line."""

    log: str
    at: str


class _Found(msgspec.Struct, frozen=True):
    """A segment that held: the file as it was before it was read, and what was in it."""

    file: tuple[int, int, int, int]
    marks: tuple[Mark, ...]
    segment: Segment


_encode = msgspec.json.encode
_begun = msgspec.json.Decoder(_Begun).decode
_found = msgspec.json.Decoder(_Found).decode


class Held:
    """The segments that held, as they are found. A context manager.

    The word of the file counts for as much as the right to write it: it is made for its owner alone, and not in the log's
    directory. A segment's file that has another identity, length or time of change than when it was read is read again.

    :param path: made where it is not there; removed once a verification has ended.
    :ivar since: when the first of the runs began that read what is known.
    :raises LogUnavailable: it is of another log, cannot be read or written, or is not its owner's alone.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self._path = path.absolute()
        self._root = root.absolute()
        self._known: dict[str, _Found] = {}
        self.since = datetime.now(UTC).isoformat(timespec="seconds")
        if self._path.resolve().is_relative_to(self._root.resolve()):
            raise LogUnavailable(
                f"{self._path} is in the log's own directory: who may change the log could write there what holds.",
                hint="name a file elsewhere, where only who verifies may write.",
            )
        try:
            self._read()
            self._file = open(self._path, "ab", opener=_private)  # noqa: SIM115 - closed by __exit__
        except OSError as error:
            raise unavailable(f"{self._path} cannot be used", error) from error
        if not self._file.tell():
            self._write(_Begun(str(self._root), self.since))

    def _read(self) -> None:
        try:
            file = open_regular(self._path)
        except FileNotFoundError:
            return
        with file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
                raise LogUnavailable(f"{self._path} is open to other users.", hint="chmod 600 it, or remove it.")
            try:
                begun = _begun(file.readline())
                for line in file:
                    if line.endswith(b"\n"):
                        one = _found(line)
                        self._known[one.segment.name] = one
            except msgspec.DecodeError:
                raise LogUnavailable(
                    f"{self._path} does not say what was verified.", hint="remove it, and all is read again."
                ) from None
        if begun.log != str(self._root):
            raise LogUnavailable(
                f"{self._path} is of the verification of another log, {begun.log}.", hint="name another file."
            )
        self.since = begun.at

    def known(self, standing: Standing, marks: tuple[Mark, ...]) -> Segment | None:
        """What was found of a segment that is as it was, against the same checkpoints; None: it is to be read."""
        one = self._known.get(standing.segment)
        if one is None or one.marks != marks or one.file != identity(self._root, standing):
            return None
        return one.segment

    def add(self, file: tuple[int, int, int, int] | None, marks: tuple[Mark, ...], segment: Segment) -> None:
        """Note a segment that holds and is not written to any more."""
        if file is not None and segment.problem is None and segment.failed < 0 and segment.closed and not segment.torn:
            self._write(_Found(file, marks, segment))

    def _write(self, said: Any) -> None:
        try:
            self._file.write(_encode(said) + b"\n")
            self._file.flush()
        except OSError as error:
            raise unavailable(f"{self._path} cannot be written", error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._file.close()
        if kind is None:
            self._path.unlink(missing_ok=True)


def identity(root: Path, standing: Standing) -> tuple[int, int, int, int] | None:
    """What tells one state of a file from another: where it is, its length, and when it was last changed in any way."""
    try:
        found = (root / standing.name).stat(follow_symlinks=False)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_ctime_ns


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
