"""After a restore: people who are back, although they were erased, are erased anew.

A database that was restored from a backup has no record of the erasures since; the ledger has. Its people are found by their
pseudonyms among the keys of all people. Then the database gets the record of each of these erasures, also of those whose people
are not in it: so a second replay has nothing to do, and somebody who comes later and is given the key of an erased person is
nobody whom a replay looks for. Until then nobody may use the restored database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, insert, select, update

from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.customers.destruction.rows import in_batches
from sa_privacy.customers.erasure.entries import ErasureLedger, LedgerEntry
from sa_privacy.customers.erasure.settling import known_records, standing, unheard_of, wait_for_all
from sa_privacy.customers.erasure.tables import ERASURES
from sa_privacy.customers.owned import Owned, OwnedTable
from sa_privacy.errors import ErasureRefused, PolicyError, RetentionRefused, UnderHold, UnknownPerson
from sa_privacy.ledger import Desk

__all__ = ["Progress", "Refused", "Replay", "ReplayReport", "no_ledger"]

Progress = Callable[[str, int], object]
"""Told a kind of people, and how many of them were looked at so far."""

_AT_ONCE = 5_000  # keys that are read in one statement


@dataclass(frozen=True, slots=True)
class Refused:
    """A person who is back and could not be erased.

    :param record: of their erasure, in the ledger.
    :param why: in words.
    """

    record: str
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay found and did.

    :param dry_run: nothing was done.
    :param entries: how many erasures the ledger knew and the database did not.
    :param looked_at: people in the database, by kind.
    :param found: how many of them had been erased.
    :param erased: how many were erased anew; of a dry run, would be.
    :param refused: the others; they are found again by the next replay.
    :param keys: how many restored keys of people who are not in the database were destroyed; of a dry run, would be.
    :param problems: what is wrong with the ledger itself, in words.
    """

    dry_run: bool
    entries: int
    looked_at: dict[str, int]
    found: int
    erased: int
    refused: tuple[Refused, ...]
    keys: int
    problems: tuple[str, ...]


class _Again(Protocol):
    def __call__(
        self, connection: Connection, entry: LedgerEntry, key: object, around: ExitStack, *, dry_run: bool
    ) -> None: ...


@dataclass
class _Back:
    """Somebody who is back, and their erasures, oldest first: a key can have been given to several people."""

    key: Any
    entries: list[LedgerEntry] = field(default_factory=list)


class Replay:
    """Carries out what a ledger knows and a database does not.

    :param again: erases one person anew, in a transaction.
    """

    def __init__(
        self,
        desk: Desk,
        ledger: ErasureLedger,
        owned: Owned,
        again: _Again,
        engine: Engine,
        progress: Progress | None = None,
    ) -> None:
        self._desk = desk
        self._ledger = ledger
        self._owned = owned
        self._again = again
        self._engine = engine
        self._progress = progress
        self._looked_at: dict[str, int] = {}
        self._refused: list[Refused] = []
        self._keys_ended = 0

    def run(self, *, dry_run: bool, sure: bool) -> ReplayReport:
        """Does it. See :meth:`Erasures.replay`."""
        problems = [str(one) for one in self._ledger.verify().problems]
        missing = standing(self._desk, self._ledger, self._engine)
        unheard, common = unheard_of(self._desk, self._ledger, self._engine)
        if unheard:
            said = f"the database knows {unheard} erasures that the ledger does not know"
            problems.append(f"{said}: an old copy of it, or that of another database; or it was begun after them")
            if missing and not common and not (dry_run or sure):
                raise ErasureRefused(
                    f"{said}, and of those that it does know none: it seems to be the ledger of another database.",
                    hint="nobody was erased. With the right ledger, begun after these erasures: replay(engine, sure=True), "
                    "or --sure.",
                )
        by_kind: dict[str, list[LedgerEntry]] = {}
        for entry in missing:
            by_kind.setdefault(entry.kind, []).append(entry)
        found = erased = 0
        for kind, entries in by_kind.items():
            back = self._find(kind, entries)
            found += len(back)
            left = {entry.subject for entry in entries} - {entry.subject for one in back for entry in one.entries}
            erased += sum(self._erased(one, dry_run=dry_run) for one in back)
            self._end_keys(kind, left, dry_run=dry_run)
            if not dry_run:
                gone = {entry.record for one in back for entry in one.entries}
                self._make_known([entry for entry in entries if entry.record not in gone])
        if missing and not dry_run:
            held = self._desk.held()
            self._ledger.replayed(found, actor=held.actor, reason=held.reason)
        return ReplayReport(
            dry_run,
            len(missing),
            dict(self._looked_at),
            found,
            erased,
            tuple(self._refused),
            self._keys_ended,
            tuple(problems),
        )

    def _find(self, kind: str, entries: Sequence[LedgerEntry]) -> list[_Back]:
        """The people of these erasures who are in the database."""
        wanted: dict[str, list[LedgerEntry]] = {}
        for entry in entries:
            wanted.setdefault(entry.subject, []).append(entry)
        tables = [one for one in self._owned.tables(kind) if self._is_own(one)]
        if not tables:
            raise PolicyError(
                f'the ledger knows erased people of the kind "{kind}", and the models know no such kind.',
                hint="give the models that the application had: --models, or metadata=.",
            )
        found: dict[str, _Back] = {}
        self._looked_at[kind] = 0
        for owned in tables:
            for key in self._keys(owned):
                subject = self._ledger.pseudonym(kind, key)
                if subject in wanted:
                    found[subject] = _Back(key, wanted[subject])
        return list(found.values())

    def _is_own(self, owned: OwnedTable) -> bool:
        known = self._desk.live.current().by_name[owned.name]
        return not owned.steps and known.subject is not None and known.subject.person

    def _keys(self, owned: OwnedTable) -> Iterator[Any]:
        """The keys of all people in a table, some at a time, each time in a transaction of its own."""
        key: Any = next(column for column in owned.table.columns if column.name == owned.key)
        last: Any = None
        while True:
            rows = select(key).where(key.is_not(None)).order_by(key).limit(_AT_ONCE)
            with self._engine.connect() as connection, self._desk.open(connection, everything=True, reading=True):
                keys = connection.scalars(rows if last is None else rows.where(key > last)).all()
            self._looked_at[owned.kind] += len(keys)
            if self._progress is not None:
                self._progress(owned.kind, self._looked_at[owned.kind])
            yield from keys
            if len(keys) < _AT_ONCE:
                return
            last = keys[-1]

    def _end_keys(self, kind: str, subjects: Collection[str], *, dry_run: bool) -> None:
        """Keys of erased people who are not in the database: the table of keys has backups of its own."""
        keys = SUBJECT_KEYS.c
        last = b""
        while subjects:
            rows = select(keys.id, keys.subject).where(
                keys.kind == kind, keys.subject.is_not(None), keys.wrapped.is_not(None), keys.id > last
            )
            with (
                self._engine.connect() as connection,
                connection.begin(),
                self._desk.whole(connection),
                self._desk.open(connection),
            ):
                found = connection.execute(rows.order_by(keys.id).limit(_AT_ONCE)).all()
                theirs = [one for one, subject in found if self._ledger.pseudonym(kind, subject) in subjects]
                for some in in_batches([] if dry_run else theirs):
                    ended = update(SUBJECT_KEYS).where(keys.id.in_(some))
                    connection.execute(ended.values(wrapped=None, destroyed_at=self._desk.now()))
            self._keys_ended += len(theirs)
            if len(found) < _AT_ONCE:
                return
            last = found[-1][0]

    def _erased(self, back: _Back, *, dry_run: bool) -> bool:
        """Erases one of them anew: all of theirs, or nothing."""
        last = back.entries[-1]
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
                        return True
                self._again(connection, last, back.key, around, dry_run=dry_run)
                if not dry_run:
                    self._enter(connection, back.entries[:-1])
        except (ErasureRefused, RetentionRefused, UnderHold, UnknownPerson) as error:
            self._refused.append(Refused(last.record, last.kind, error.message))
            return False
        if not dry_run:
            self._close(back.entries)
        return True

    def _make_known(self, entries: Sequence[LedgerEntry]) -> None:
        """The database gets the record of erasures whose people are not in it."""
        for some in in_batches(entries):
            with self._engine.connect() as connection, connection.begin(), self._desk.whole(connection):
                wait_for_all(connection)
                self._enter(connection, some)
            self._close(some)

    def _enter(self, connection: Connection, entries: Sequence[LedgerEntry]) -> None:
        """Records of erasures that had nothing to do."""
        held = self._desk.held()
        with self._desk.open(connection):
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
                    "policy": self._desk.policy.hash,
                    "ledger": True,
                }
                for one in entries
                if one.record not in known
            ]
            if rows:
                connection.execute(insert(ERASURES), rows)

    def _close(self, entries: Sequence[LedgerEntry]) -> None:
        """Erasures of which nobody had said how they ended are done now."""
        for one in entries:
            if one.state != "done":
                self._ledger.end(one.record, "done")


def no_ledger() -> PolicyError:
    """There is nothing that knows who was erased."""
    return PolicyError(
        "there is no ledger of erasures: nobody can tell who is back.",
        hint='Privacy(..., erasures=AccessLog.open("var/erasures")), from before the first erasure on.',
    )
