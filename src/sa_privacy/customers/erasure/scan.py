"""Looks for bytes where a database keeps its own: in its files, its logs, its dumps. It knows nothing of tables.

What is looked for is a text that occurs nowhere else: a canary, a name with its birthday. It is found as it stands, in UTF-16, in
hexadecimal and escaped as dumps have it, and inside values that PostgreSQL has compressed (pglz puts a byte between any eight; LZ4
leaves what occurs once as it is). A text of 16 bytes and more is looked for by its halves too, for where a page ends in it. What is
sealed is not found, and should not be: it is noise once its key is gone. Nor is a text that a compressed value refers back to.
"""

from __future__ import annotations

import gzip
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from sa_privacy.errors import PolicyError

__all__ = ["Sighting", "scan"]

_SIDES: Final = ("-wal", "-journal", "-shm")  # what SQLite keeps beside a file
_AT_ONCE: Final = 1 << 20
_HALVED: Final = 16  # bytes
_SHORTEST: Final = 6


@dataclass(frozen=True, slots=True)
class Sighting:
    """Bytes that were found.

    :param needle: which text it is, counted from 0.
    :param path: of the file.
    :param offset: of the first, in bytes; of what is compressed as a whole, in what it holds.
    :param count: how often.
    :param whole: the whole text; else a half of it.
    """

    needle: int
    path: Path
    offset: int
    count: int
    whole: bool

    @property
    def in_log(self) -> bool:
        """Whether the file is a write-ahead log or a journal, which ends by itself."""
        return "pg_wal" in self.path.parts or self.path.name.endswith(_SIDES)


def scan(
    needles: Sequence[str | bytes],
    *places: str | os.PathLike[str],
    pg_restore: str = "pg_restore",
    progress: Callable[[Path], object] | None = None,
) -> tuple[Sighting, ...]:
    """Looks for texts in files. Takes the memory of one text, whatever the size of the files.

    :param needles: the texts, of at least 6 bytes each.
    :param places: a SQLite file (what lies beside it is looked at, too), a directory of PostgreSQL, a dump of whatever format.
        A server writes to its files late: `CHECKPOINT` first.
    :param pg_restore: the program that opens dumps in PostgreSQL's own formats.
    :param progress: told each file.
    :raises PolicyError: a text is too short, a place is not there, may not be read, or is a dump that cannot be opened.
    """
    wanted = [_Needle(needle) for needle in needles]
    found: list[Sighting] = []
    for place in map(Path, places):
        if not place.exists():
            raise PolicyError(f"there is nothing at {place}.", hint="give the path of a file or directory.")
        for path in _files(place):
            if progress is not None:
                progress(path)
            try:
                found += _search(path, wanted, pg_restore)
            except FileNotFoundError:  # the server took it away meanwhile
                continue
            except PermissionError:
                raise PolicyError(
                    f"{path} may not be read.",
                    hint="run this as the user who owns the files, on the machine of the server.",
                ) from None
    return tuple(found)


def _files(place: Path) -> Iterator[Path]:
    if not place.is_dir():
        yield place
        yield from (side for end in _SIDES if (side := place.with_name(place.name + end)).exists())
        return
    if (place / "toc.dat").exists():  # a dump of many files, each compressed in its own way
        yield place

    def refused(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    for directory, _, names in os.walk(place, followlinks=True, onerror=refused):
        yield from (path for name in sorted(names) if (path := Path(directory, name)).is_file())


def _search(path: Path, wanted: Sequence[_Needle], pg_restore: str) -> Iterator[Sighting]:
    if path.is_dir():
        yield from _in_stream(path, wanted, _restored(path, pg_restore))
        return
    with path.open("rb") as file:
        head = file.read(5)
        if head == b"PGDMP" and path.name != "toc.dat":  # that one is opened with its directory
            yield from _in_stream(path, wanted, _restored(path, pg_restore))
        elif head[:2] == b"\x1f\x8b":
            yield from _in_stream(path, wanted, gzip.GzipFile(path))
        file.seek(0)
        yield from _in_stream(path, wanted, file)


def _in_stream(path: Path, wanted: Sequence[_Needle], opened: object) -> Iterator[Sighting]:
    """Some of it at a time, with the end of what was before it."""
    seen: list[dict[int, tuple[int, bool]]] = [{} for _ in wanted]
    overlap = max((one.longest for one in wanted), default=0)
    with _reading(opened) as stream:
        before, start = b"", 0
        while some := stream.read(_AT_ONCE):
            here = before + some
            for needle, places in zip(wanted, seen, strict=True):
                for offset, end, whole in needle.in_bytes(here):
                    if whole or start + offset not in places:
                        places[start + offset] = start + end, whole
            before = here[-overlap:]
            start += len(here) - len(before)
    for at, places in enumerate(seen):
        yield from _tally(at, path, _apart(places))


def _apart(places: dict[int, tuple[int, bool]]) -> Iterator[tuple[int, bool]]:
    """Halves that are not of a whole."""
    last = 0
    for offset, (end, whole) in sorted(places.items()):
        if whole or offset >= last:
            yield offset, whole
        if whole:
            last = end


def _tally(needle: int, path: Path, places: Iterable[tuple[int, bool]]) -> Iterator[Sighting]:
    first: dict[bool, tuple[int, int]] = {}
    for offset, whole in places:
        start, count = first.get(whole, (offset, 0))
        first[whole] = (start, count + 1)
    for whole, (offset, count) in sorted(first.items(), reverse=True):
        yield Sighting(needle, path, offset, count, whole)


@contextmanager
def _reading(opened: object) -> Iterator[IO[bytes]]:
    if isinstance(opened, subprocess.Popen):
        with opened as process:
            assert process.stdout is not None  # noqa: S101 - both are pipes
            assert process.stderr is not None  # noqa: S101
            yield process.stdout
            said = process.stderr.read().decode(errors="replace").strip().splitlines()
        if process.returncode:
            raise PolicyError(
                f"pg_restore cannot open the dump: {said[-1] if said else process.returncode}.",
                hint="name one that is as new as the dump: --pg-restore /usr/lib/postgresql/18/bin/pg_restore.",
            )
        return
    with opened as stream:  # type: ignore[attr-defined]
        yield stream


def _restored(path: Path, pg_restore: str) -> subprocess.Popen[bytes]:
    """A dump in PostgreSQL's own format, as SQL. Nothing is written to any database."""
    try:
        return subprocess.Popen(  # noqa: S603 - a program that whoever scans has named
            [pg_restore, "--file=-", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise PolicyError(
            f"{path} is a dump in PostgreSQL's own format, and there is no {pg_restore}.",
            hint="install PostgreSQL's client programs, or name it: --pg-restore PATH.",
        ) from None


class _Needle:
    """Everything that a text may look like.

    A pattern is tried only where four of its bytes stand as they are: of any eight that follow each other, pglz leaves either the
    first four together or the last.
    """

    def __init__(self, needle: str | bytes) -> None:
        plain = needle if isinstance(needle, bytes) else needle.encode()
        if len(plain) < _SHORTEST:
            raise PolicyError(
                f"a text of fewer than {_SHORTEST} bytes is found everywhere.", hint="look for one that occurs once."
            )
        self._whole = _pattern(plain)
        half = len(plain) // 2
        self._parts = [plain[:half], plain[half:]] if len(plain) >= _HALVED else [plain]
        self._patterns = [_pattern(part) for part in self._parts]
        self._forms = _forms(needle, plain)
        self.longest = max(map(len, (*self._forms, plain * 2))) + 16

    def in_bytes(self, here: bytes) -> Iterator[tuple[int, int, bool]]:
        """Where it begins and ends, and whether it is the whole text."""
        for form in self._forms:
            for at in _everywhere(form, here):
                yield at, at + len(form), True
        for part, pattern in zip(self._parts, self._patterns, strict=True):
            size = min(4, len(part) // 2)
            for at in _everywhere(part[:size], here):
                yield from self._at(at, here, pattern)
            for at in _everywhere(part[size : 2 * size], here):
                if here[at - size : at] != part[:size]:  # else it was looked at already
                    yield from self._at(at - size - 1, here, pattern)

    def _at(self, at: int, here: bytes, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, int, bool]]:
        if at >= 0 and (whole := self._whole.match(here, at)):
            yield at, whole.end(), True
        elif at >= 0 and (part := pattern.match(here, at)):
            yield at, part.end(), len(self._parts) == 1


def _everywhere(form: bytes, here: bytes) -> Iterator[int]:
    at = here.find(form)
    while at >= 0:
        yield at
        at = here.find(form, at + 1)


def _forms(needle: str | bytes, plain: bytes) -> tuple[bytes, ...]:
    """As other encodings and dumps have it."""
    forms = {plain.hex().encode(), plain.hex().upper().encode()}
    forms |= {plain.replace(b"'", b"''"), plain.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\t", b"\\t")}
    if isinstance(needle, str):
        forms |= {needle.encode("utf-16-le"), needle.encode("utf-16-be")}
    return tuple(sorted(forms - {plain}))


def _pattern(plain: bytes) -> re.Pattern[bytes]:
    """As it stands, and as pglz writes what it has not seen before: after any eight bytes comes one that says so."""
    forms = [re.escape(plain)]
    for phase in range(1, min(8, len(plain) - 1) + 1):
        pieces = [plain[:phase], *(plain[at : at + 8] for at in range(phase, len(plain), 8))]
        forms.append(b".".join(map(re.escape, pieces)))
    return re.compile(b"|".join(forms), re.DOTALL)
