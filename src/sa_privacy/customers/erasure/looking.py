"""Looking through people of a database for those who were erased, and erasing them anew: ranges of keys, wherever a worker is.

What a worker tells of it names erasures, and nobody: the keys of people stay where they were found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, insert, not_, select

from sa_privacy.bulk import CHUNKS, WORKS, Key, Lease, Station, end_of, mark_done, patiently, range_of, within
from sa_privacy.customers.destruction.emptied import NOBODYS, is_marked
from sa_privacy.customers.erasure.entries import ErasureLedger, LedgerEntry
from sa_privacy.customers.erasure.settling import known_records, wait_for_all
from sa_privacy.customers.erasure.tables import ERASURES
from sa_privacy.customers.owned import OwnedTable
from sa_privacy.errors import ErasureRefused, NoAccess, RetentionRefused, UnderHold, UnknownPerson
from sa_privacy.ledger import Desk

__all__ = ["Again", "Found", "Looking", "Refused", "close", "enter", "looking_at"]


@dataclass(frozen=True, slots=True)
class Refused:
    """A person who is back and could not be erased.

    :param record: of their erasure, in the ledger.
    :param why: in words.
    """

    record: str
    kind: str
    why: str


@dataclass
class Found:
    """What was found in a range.

    :param looked_at: people.
    :param back: of those who are back, the record of their last erasure, and those of all of them.
    :param refused: by record, of these the ones who could not be erased.
    """

    looked_at: int = 0
    back: dict[str, tuple[str, ...]] = field(default_factory=dict)
    refused: dict[str, Refused] = field(default_factory=dict)

    def add(self, other: Found) -> None:
        """Both together."""
        self.looked_at += other.looked_at
        self.back |= other.back
        self.refused |= other.refused


class Again(Protocol):
    """Erases one person anew, in a transaction."""

    def __call__(
        self, connection: Connection, entry: LedgerEntry, key: object, around: ExitStack, *, dry_run: bool
    ) -> None: ...


class Looking:
    """The people of one table.

    :param entries: erasures of people of their kind of which the database does not know, oldest first: a key can have been
        given to several people.
    """

    def __init__(
        self,
        desk: Desk,
        ledger: ErasureLedger,
        owned: OwnedTable,
        again: Again,
        engine: Engine,
        entries: Iterable[LedgerEntry],
        *,
        dry_run: bool,
    ) -> None:
        self._desk, self._ledger, self._owned, self._again, self._engine = desk, ledger, owned, again, engine
        self._dry_run = dry_run
        self._wanted: dict[str, list[LedgerEntry]] = {}
        for entry in entries:
            self._wanted.setdefault(entry.subject, []).append(entry)
        self._key: Any = next(column for column in owned.table.columns if column.name == owned.key)
        # Not the shells that erasing leaves meanwhile: one may get a key that an erased person had.
        self._people = select(self._key).where(self._key.is_not(None), not_(is_marked(owned.table, *NOBODYS)))

    def end_of_range(self, after: Key | None, size: int) -> Key | None:
        """The key with which a range of `size` people ends; None: there are fewer."""

        def ask() -> Key | None:
            wanted = end_of(self._people, [self._key], after, size)
            with self._engine.connect() as connection, self._desk.open(connection, everything=True, reading=True):
                found = connection.execute(wanted).first()
            return None if found is None else tuple(found)

        return patiently(ask)

    def carry_out(self, lease: Lease) -> Found:
        """Looks at the people of a chunk, and erases those who are back: each in a transaction of their own."""
        with self._engine.connect() as connection, self._desk.open(connection, everything=True, reading=True):
            inside = within([self._key], range_of(connection, lease))
            keys = connection.scalars(self._people.where(*inside)).all()
        found = Found(len(keys))
        for key in keys:
            entries = self._wanted.get(self._ledger.pseudonym(self._owned.kind, key))
            if entries is not None:
                found.back[entries[-1].record] = tuple(entry.record for entry in entries)
                self._erase(key, entries, found)
        with (
            self._engine.connect() as connection,
            connection.begin(),
            self._desk.whole(connection),
            self._desk.open(connection, deletes=[WORKS.name, CHUNKS.name]),
        ):
            mark_done(connection, lease, len(found.back))
        return found

    def _erase(self, key: object, entries: Sequence[LedgerEntry], found: Found) -> None:
        """Erases one of them anew: all of theirs, or nothing."""
        last = entries[-1]
        try:
            with (
                ExitStack() as around,
                self._engine.connect() as connection,
                connection.begin(),
                self._desk.whole(connection),
            ):
                wait_for_all(connection)
                with self._desk.open(connection):
                    if known_records(connection, [last.record]):  # somebody else was faster
                        return
                self._again(connection, last, key, around, dry_run=self._dry_run)
                if not self._dry_run:
                    enter(self._desk, connection, entries[:-1])
        except (ErasureRefused, RetentionRefused, UnderHold, UnknownPerson) as error:
            found.refused[last.record] = Refused(last.record, last.kind, error.message)
            return
        if not self._dry_run:
            close(self._ledger, entries)


def enter(desk: Desk, connection: Connection, entries: Sequence[LedgerEntry]) -> None:
    """The database gets records of erasures that had nothing to do."""
    held = desk.held()
    with desk.open(connection):
        known = known_records(connection, [one.record for one in entries])
        rows = [
            {
                "record": one.record,
                "kind": one.kind,
                "at": one.at,
                "plan": one.plan,
                "counts": "{}",
                "kept": "[]",
                "actor": held.actor,
                "reason": "a backup was restored, in which they are not",
                "policy": desk.policy.hash,
                "ledger": True,
            }
            for one in entries
            if one.record not in known
        ]
        if rows:
            connection.execute(insert(ERASURES), rows)


def close(ledger: ErasureLedger, entries: Sequence[LedgerEntry]) -> None:
    """Erasures of which nobody had said how they ended are done now."""
    for one in entries:
        if one.state != "done":
            ledger.end(one.record, "done")


def looking_at(station: Station, kind: str, table: str, dry_run: bool) -> _Acting:
    """The same at a station, which reads the ledger by itself.

    :raises NoAccess: nothing says who acts there.
    :raises PolicyError: the station knows no ledger of erasures.
    """
    if station.access is None:
        raise NoAccess(
            "nobody acts in the worker process.",
            hint='make() returns engine, privacy, and who acts: lambda: privacy.request(actor="staff:1", role="officer").',
        )
    with station.access():
        part = station.privacy.erasure.looking(station.engine, kind, table, dry_run=dry_run)
    return _Acting(part, station.access)


class _Acting:
    """A part for which somebody acts."""

    def __init__(self, part: Looking, access: Callable[[], Any]) -> None:
        self._part, self._access = part, access

    def carry_out(self, lease: Lease) -> Found:
        """The same, and who does it is in the log."""
        with self._access():
            return self._part.carry_out(lease)
