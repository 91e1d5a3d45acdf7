"""After a restore: people who are back, although they were erased, are erased anew.

A database that was restored from a backup has no record of the erasures since; the ledger has. Its people are found by their
pseudonyms among the keys of all people. Then the database gets the record of each of these erasures, also of those whose people
are not in it: so a second replay has nothing to do, and somebody who comes later and is given the key of an erased person is
nobody whom a replay looks for. Until then nobody may use the restored database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import Connection, Engine, select, update

from sa_privacy.bulk import CHUNKS, WORKS, Course, Crew, Pace, Task, Work, board_of, cutting, enlist
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.customers.destruction.rows import in_batches
from sa_privacy.customers.erasure.entries import ErasureLedger, LedgerEntry
from sa_privacy.customers.erasure.looking import Found, Looking, Refused, close, enter, looking_at
from sa_privacy.customers.erasure.settling import standing, unheard_of, wait_for_all
from sa_privacy.customers.owned import Owned, OwnedTable
from sa_privacy.errors import ErasureRefused, PolicyError
from sa_privacy.ledger import Desk

__all__ = ["Progress", "Refused", "Replay", "ReplayReport", "no_ledger"]

Progress = Callable[[str, int], object]
"""Told a kind of people, and how many of them were looked at so far."""

_AT_ONCE = 5_000  # keys that are read in one statement


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


class Replay:
    """Carries out what a ledger knows and a database does not.

    :param looking: makes what looks through a table for people of such erasures, and erases them.
    :param crew: who does.
    """

    def __init__(
        self,
        desk: Desk,
        ledger: ErasureLedger,
        owned: Owned,
        looking: Callable[[OwnedTable, Sequence[LedgerEntry]], Looking],
        engine: Engine,
        crew: Crew,
        progress: Progress | None = None,
    ) -> None:
        self._desk = desk
        self._ledger = ledger
        self._owned = owned
        self._looking = looking
        self._engine = engine
        self._crew = crew
        self._progress = progress
        self._job = uuid4().hex
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
            here = self._look(kind, entries, dry_run=dry_run)
            found += len(here.back)
            erased += len(here.back) - len(here.refused)
            self._refused += here.refused.values()
            back = {record for records in here.back.values() for record in records}
            of_them = {entry.subject for entry in entries if entry.record in back}
            self._end_keys(kind, {entry.subject for entry in entries} - of_them, dry_run=dry_run)
            if not dry_run:
                self._make_known([entry for entry in entries if entry.record not in back])
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

    def _look(self, kind: str, entries: Sequence[LedgerEntry], *, dry_run: bool) -> Found:
        """The people of these erasures who are in the database, once they are erased. Nobody joins: who is back and could not
        be erased, only whoever looked through all people knows.
        """
        tables = [one for one in self._owned.tables(kind) if self._is_own(one)]
        if not tables:
            raise PolicyError(
                f'the ledger knows erased people of the kind "{kind}", and the models know no such kind.',
                hint="give the models that the application had: --models, or metadata=.",
            )
        found = Found()
        self._looked_at[kind] = 0

        def ended(_: int, part: Found) -> None:
            found.add(part)
            self._looked_at[kind] = found.looked_at
            if self._progress is not None:
                self._progress(kind, found.looked_at)

        for owned in tables:
            there = {record for records in found.back.values() for record in records}  # in one table suffices
            looking = self._looking(owned, [entry for entry in entries if entry.record not in there])
            looked_at, refused = found.looked_at, dict(found.refused)
            while not self._all_told(owned, looking, ended, dry_run=dry_run):
                found.looked_at, found.refused = looked_at, dict(refused)
        return found

    def _all_told(
        self, owned: OwnedTable, looking: Looking, ended: Callable[[int, Found], object], *, dry_run: bool
    ) -> bool:
        """Looks through one table. False: a worker died when a chunk was done, and did not tell who could not be erased."""
        with self._writing() as connection:
            work = Work("replay", owned.name, (uuid4().hex,))
            board = board_of(connection, work, self._writing, self._crew)
        board.begin(self._desk.now())
        with enlist(_Carried(looking, self._desk)) as here:
            return Course(
                board,
                self._crew,
                Task(self._job, here, looking_at, (owned.kind, owned.name, dry_run), self._crew.make),
                cutting(looking.end_of_range, _AT_ONCE),
                Pace(_AT_ONCE),
                begun=lambda: 0,
                ended=ended,
                settled=lambda _: Found(),
            ).run()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with (
            self._engine.connect() as connection,
            connection.begin(),
            self._desk.whole(connection),
            self._desk.open(connection, deletes=[WORKS.name, CHUNKS.name]),
        ):
            yield connection

    def _is_own(self, owned: OwnedTable) -> bool:
        known = self._desk.live.current().by_name[owned.name]
        return not owned.steps and known.subject is not None and known.subject.person

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

    def _make_known(self, entries: Sequence[LedgerEntry]) -> None:
        """The database gets the record of erasures whose people are not in it."""
        for some in in_batches(entries):
            with self._engine.connect() as connection, connection.begin(), self._desk.whole(connection):
                wait_for_all(connection)
                enter(self._desk, connection, some)
            close(self._ledger, some)


class _Carried:
    """What looks, for other threads: the access under which it does goes with it."""

    def __init__(self, looking: Looking, desk: Desk) -> None:
        self.carry_out = desk.scopes.carry(looking.carry_out)


def no_ledger() -> PolicyError:
    """There is nothing that knows who was erased."""
    return PolicyError(
        "there is no ledger of erasures: nobody can tell who is back.",
        hint='Privacy(..., erasures=AccessLog.open("var/erasures")), from before the first erasure on.',
    )
