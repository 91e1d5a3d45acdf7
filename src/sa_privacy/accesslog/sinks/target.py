"""Where the lines of segments are shipped to, and how far they came: a table, or stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import msgspec
from sqlalchemy import URL, Connection, Engine, and_, insert, select, update
from sqlalchemy.exc import IntegrityError

from sa_privacy.accesslog.journal.segment import unavailable
from sa_privacy.accesslog.sinks.entry import SEQS, Row
from sa_privacy.accesslog.sinks.put import put
from sa_privacy.accesslog.sinks.table import EventTable, reaching
from sa_privacy.errors import LogUnavailable

__all__ = ["Batch", "Mark", "Move", "StdoutTarget", "TableTarget", "Target", "Unshippable"]

_ASKED_AT_ONCE = 500
_TRIES = 5


class Unshippable(LogUnavailable):
    """A line of the journal cannot be shipped, and waiting does not help: somebody has to look."""


class Mark(NamedTuple):
    """How far a segment was shipped.

    :ivar bytes: how many of it, uncompressed.
    :ivar seq: the number of the next event.
    :ivar hash: of the last line shipped.
    :ivar closed: whether that was its closing line.
    """

    bytes: int = 0
    seq: int = 0
    hash: str = ""
    closed: bool = False


class Move(NamedTuple):
    """One segment's part in a batch."""

    segment: str
    before: Mark
    after: Mark


@dataclass(slots=True)
class Batch:
    """Lines that are shipped together, all or none, of one or more segments."""

    moves: list[Move] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    size: int = 0


class Target(Protocol):
    """A place that takes lines of segments.

    :ivar name: in words, for people and metrics.
    :ivar apart: whether it works without Python's lock, in another process or thread: then reading ahead gains time.
    """

    name: str
    apart: bool

    def marks(self, segments: Collection[str]) -> dict[str, Mark]:
        """How far these segments were shipped; those of which nothing was are left out.

        :raises LogUnavailable: the place is away.
        """
        ...

    def take(self, batch: Batch) -> bool:
        """Take a batch and remember its marks. False: somebody else shipped of these segments meanwhile, and nothing was
        taken.

        :raises LogUnavailable: the place is away; nothing was taken, or all was and will be recognised.
        :raises Unshippable: it holds another line under the same number.
        """
        ...

    def close(self) -> None:
        """Let go."""
        ...


class _Overtaken(Exception):
    """Somebody else moved a mark first."""


class TableTarget:
    """The SQL table. The marks are kept with the events, in the same transaction.

    :param place: a database URL, an engine of its own, or the table.
    :param make: makes the table, before it is first used, where it is not there.
    """

    def __init__(self, place: str | URL | Engine | EventTable, *, make: bool = False) -> None:
        self._own = not isinstance(place, EventTable)
        self.table = place if isinstance(place, EventTable) else EventTable(place)
        self.name = self.table.name
        self.apart = True
        self._numbers: dict[str, int] = {}
        self._make = make

    def marks(self, segments: Collection[str]) -> dict[str, Mark]:
        if self._make:
            self.table.create()
            self._make = False
        shipped = self.table.schema.shipped.c
        query = select(shipped.segment, shipped.bytes, shipped.seq, shipped.hash, shipped.closed)
        names, found = list(segments), {}
        with reaching(self.table.engine), self.table.engine.connect() as connection:
            for begin in range(0, len(names), _ASKED_AT_ONCE):
                some = query.where(shipped.segment.in_(names[begin : begin + _ASKED_AT_ONCE]))
                found.update({name: Mark(*mark) for name, *mark in connection.execute(some)})
        return found

    def take(self, batch: Batch) -> bool:
        self.table.make_months({row[2][:7] for row in batch.rows})
        with reaching(self.table.engine):
            taken = self._try(batch)
            if taken is not None:
                return taken
            for _ in range(_TRIES):
                missing = self._missing(batch)
                taken = self._try(batch, missing)
                if taken is not None:
                    return taken
        raise LogUnavailable("Others ship the same events all the time.", hint="let one shipper ship a journal.")

    def _try(self, batch: Batch, missing: set[tuple[str, int]] | None = None) -> bool | None:
        """Take the batch, or of its events only those; None: some were there already, so look which."""
        rows: Sequence[Row] = batch.rows
        if missing is not None:
            rows = [row for row in batch.rows if row[:2] in missing]
        driver: Any = self.table.engine.dialect.dbapi
        try:
            with self.table.engine.begin() as connection:
                self._move(connection, batch.moves)
                fresh = put(connection, self.table.schema, rows, self._numbers)
        except _Overtaken:
            return False
        except (IntegrityError, driver.IntegrityError):
            return None
        self._numbers.update(fresh)
        return True

    def _move(self, connection: Connection, moves: list[Move]) -> None:
        """Move the marks, which keeps others from them until the end of the transaction.

        :raises _Overtaken: others did.
        """
        shipped = self.table.schema.shipped
        for segment, before, after in moves:
            if before.bytes:
                mine = and_(shipped.c.segment == segment, shipped.c.bytes == before.bytes)
                if connection.execute(update(shipped).where(mine).values(**after._asdict())).rowcount != 1:
                    raise _Overtaken
            else:
                try:
                    connection.execute(insert(shipped), {"segment": segment, **after._asdict()})
                except IntegrityError:
                    raise _Overtaken from None

    def _missing(self, batch: Batch) -> set[tuple[str, int]]:
        """The events of a batch that the table does not hold; what it holds must be the same line."""
        events = self.table.schema.events.c
        missing = {row[:2]: row[7] for row in batch.rows}
        numbers = self.table.writers()
        known = {numbers[name[0]] * SEQS + name[1]: name for name in missing if name[0] in numbers}
        ids = list(known)
        with self.table.engine.connect() as connection:
            for begin in range(0, len(ids), _ASKED_AT_ONCE):
                some = events.id.in_(ids[begin : begin + _ASKED_AT_ONCE])
                for found, line in connection.execute(select(events.id, events.line).where(some)):
                    writer, seq = known[found]
                    if missing.pop((writer, seq)) != line:
                        raise Unshippable(
                            f"{self.name} holds another line under the number {writer}:{seq} than the journal.",
                            hint="one of them was changed: run verify on both.",
                        )
        return set(missing)

    def close(self) -> None:
        if self._own:
            self.table.close()


class _Marks(msgspec.Struct):
    marks: dict[str, Mark]


class StdoutTarget:
    """Lines as they stand, to a stream. The marks are in a file in the journal's directory, written after the stream was
    flushed: what is killed between the two ships those lines again.

    :param directory: of the journal.
    :param stream: where lines go; stdout.
    """

    def __init__(self, directory: str | os.PathLike[str], stream: BinaryIO | None = None) -> None:
        self.name = "stdout"
        self.apart = False
        self._stream = stream if stream is not None else sys.stdout.buffer
        self._path = Path(directory) / "shipped-stdout.json"
        self._marks: dict[str, Mark] | None = None

    def marks(self, segments: Collection[str]) -> dict[str, Mark]:
        if self._marks is None:
            try:
                self._marks = msgspec.json.decode(self._path.read_bytes(), type=_Marks).marks
            except FileNotFoundError:
                self._marks = {}
            except OSError as error:
                raise unavailable(f"{self._path} cannot be read", error) from error
            except msgspec.DecodeError:
                raise Unshippable(
                    f"{self._path} does not say what was shipped.", hint="remove it, and all is shipped again."
                ) from None
        wanted = set(segments)
        return {name: mark for name, mark in self._marks.items() if name in wanted}

    def take(self, batch: Batch) -> bool:
        held = self.marks([move.segment for move in batch.moves])
        if any(held.get(move.segment, Mark()) != move.before for move in batch.moves):
            return False
        try:
            self._stream.write("".join([f"{row[7]}\n" for row in batch.rows]).encode())
            self._stream.flush()
        except BrokenPipeError:
            raise Unshippable(
                "Nobody reads stdout any more.", hint="start it again: it goes on where it was."
            ) from None
        except OSError as error:
            raise unavailable("Lines of the access log cannot be written to stdout", error) from error
        marks = {**(self._marks or {}), **{move.segment: move.after for move in batch.moves}}
        try:
            self._keep(marks)
        except OSError as error:
            raise unavailable(f"{self._path} cannot be written", error) from error
        self._marks = marks
        return True

    def _keep(self, marks: dict[str, Mark]) -> None:
        here = {path.name.removesuffix(".gz") for path in self._path.parent.iterdir()}
        kept = _Marks({name: mark for name, mark in marks.items() if name in here})
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        with open(fresh, "wb", opener=_private) as file:
            file.write(msgspec.json.encode(kept))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def close(self) -> None:
        """Nothing is held."""


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
