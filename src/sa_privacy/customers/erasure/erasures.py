"""Making plans of erasures, and carrying them out: ``privacy.erasure``."""

from __future__ import annotations

import json
import secrets
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, func, insert, select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from sa_privacy.accesslog.eventlog import EventLog
from sa_privacy.bulk import Make, crew_of
from sa_privacy.crypto import SigningKey
from sa_privacy.crypto.pseudonym import Pseudonyms
from sa_privacy.customers.destruction import Graph, carry_out
from sa_privacy.customers.destruction.emptied import NOBODYS, mark
from sa_privacy.customers.destruction.rows import matching
from sa_privacy.customers.erasure.aftermath import Aftermath
from sa_privacy.customers.erasure.certificate import Certificate
from sa_privacy.customers.erasure.endings import Holding
from sa_privacy.customers.erasure.entries import ErasureLedger, LedgerEntry, State
from sa_privacy.customers.erasure.ledgers import is_nobodys
from sa_privacy.customers.erasure.looking import Looking
from sa_privacy.customers.erasure.plan import ErasurePlan, Kept
from sa_privacy.customers.erasure.planning import Planner
from sa_privacy.customers.erasure.replay import Progress, Replay, ReplayReport, no_ledger
from sa_privacy.customers.erasure.settling import settle, standing, wait_for_none
from sa_privacy.customers.erasure.tables import ERASURES
from sa_privacy.customers.erasure.traces import erasing
from sa_privacy.customers.owned import Owned, OwnedTable, known_tables
from sa_privacy.customers.requests.book import find
from sa_privacy.errors import ErasureRefused, LogUnavailable, PlanMoved, UnknownPerson
from sa_privacy.gate.people.people_keys import PeopleKeys
from sa_privacy.ledger import Desk, Person, alone_with_people, find_person, let_past, must_be_sync

__all__ = ["Erasures"]

_PATIENCE: Final = 10  # seconds


class Erasures:
    """Plans and carries out erasures of people.

    :param pseudonyms: keys the hashes of plans; None: each plan has a key of its own, and is known only to who made it.
    :param holding: which rows are under a hold.
    :param log: is told of each erasure, before anything is destroyed and when it is over.
    :param ledger: knows of erasures when a backup does not; None: a restored backup brings people back.
    """

    def __init__(
        self,
        desk: Desk,
        pseudonyms: Pseudonyms | None,
        holding: Callable[[], Holding | None] = lambda: None,
        *,
        log: EventLog | None = None,
        ledger: ErasureLedger | None = None,
    ) -> None:
        self._desk = desk
        self._owned = Owned(desk.live)
        self._pseudonyms = pseudonyms
        self._holding = holding
        self._log = log
        #: People's own keys, which end with them.
        self.keys: PeopleKeys | None = None
        self._ledger = ledger

    def plan(self, session: Session | Connection, subject: object) -> ErasurePlan:
        """What the erasure of a person would do. Changes nothing.

        :param subject: the key of their row, or ``(kind, key)``.
        :raises UnknownPerson: there is none.
        :raises ErasureRefused: who acts is not among those who erase.
        :raises RetentionRefused: the policy's schedules cannot be carried out.
        """
        self._must_erase()
        with self._desk.open(session, everything=True, reading=True) as connection:
            person = find_person(self._desk, connection, subject)
            return self._plan(connection, person, self._salt(person))

    def run(
        self,
        engine: Engine | Connection,
        plan: ErasurePlan,
        *,
        request: str | None = None,
        reason: str | None = None,
        signing_key: SigningKey | None = None,
    ) -> Certificate:
        """Carries a plan out, in a transaction of its own: all of it, or nothing.

        :param engine: or a connection without a transaction; for an ``AsyncConnection``, ``await connection.run_sync(...)``.
        :param request: the reference of the request for it, which was handed on and can be answered afterwards.
        :param signing_key: signs the certificate.
        :raises PlanMoved: the data is not as it was, or the person is not there any more. Nothing was erased.
        :raises ErasureRefused: something holds it back, or who acts is not among those who erase.
        :raises LogUnavailable: it cannot be written into the access log or the ledger of erasures. Nothing was erased.
        """
        self._must_erase()
        must_be_sync(engine, Engine, Connection)
        if isinstance(engine, Engine):
            with engine.connect() as connection:
                return self.run(connection, plan, request=request, reason=reason, signing_key=signing_key)
        if engine.in_transaction():
            raise ErasureRefused(
                "an erasure is a transaction of its own, and the connection is in one.",
                hint="run(engine, plan), or commit first.",
            )
        record = str(uuid.uuid4())
        with ExitStack() as around, engine.begin(), self._undone_by_errors(record), self._desk.whole(engine):
            made = self._run(engine, plan, record, around, request, reason)
        self._say_done(record)
        return made if signing_key is None else made.signed(signing_key)

    def resume(self, engine: Engine) -> Mapping[str, State]:
        """Closes the entries of the ledger that a process which was killed left open: the database tells whether the erasure
        was committed. Erases nobody.

        :returns: by record, *done* or *undone*.
        :raises ErasureRefused: the database does not know what the ledger knows: it was restored, and :meth:`replay` is next.
        :raises PolicyError: there is no ledger.
        """
        ledger = self._must_replay(engine)
        return settle(self._desk, ledger, engine)

    def unknown(self, engine: Engine) -> int:
        """How many erasures the ledger knows that the database does not: more than 0 where a backup was restored and
        :meth:`replay` has not run. For health checks; whoever asks is one who erases, or a system.

        :raises PolicyError: there is no ledger.
        """
        ledger = self._must_replay(engine)
        return len(standing(self._desk, ledger, engine, but=("begun", "undone")))

    def replay(
        self,
        engine: Engine,
        *,
        dry_run: bool = False,
        sure: bool = False,
        workers: int = 1,
        executor: Executor | None = None,
        make: Make | None = None,
        progress: Progress | None = None,
    ) -> ReplayReport:
        """Erases people anew who are back because a backup was restored: those of the ledger whose erasure the database does
        not know. To be run before anybody uses the restored database; doing it twice, or again after an error, is fine.

        :param dry_run: changes nothing.
        :param sure: the ledger is that of this database, although it knows none of the erasures that the database knows.
        :param executor: any ``concurrent.futures.Executor`` that looks through people; `workers`: how many chunks of them it
            gets at once.
        :param make: for workers in other processes, as for ``retention.run``; the ``Privacy`` has the ledger, too.
        :param progress: told now and then how many people of which kind were looked at.
        :raises PolicyError: there is no ledger, or it was written with another keyring.
        :raises ErasureRefused: who acts is not among those who erase, or it seems to be the ledger of another database.
        """
        ledger = self._must_replay(engine)

        def looking(owned: OwnedTable, entries: Sequence[LedgerEntry]) -> Looking:
            return Looking(self._desk, ledger, owned, self._again, engine, entries, dry_run=dry_run)

        crew = crew_of(executor, workers, make)
        replay = Replay(self._desk, ledger, self._owned, looking, engine, crew, progress)
        return replay.run(dry_run=dry_run, sure=sure)

    def looking(self, engine: Engine, kind: str, table: str, *, dry_run: bool) -> Looking:
        """What looks through one table for a replay, in another process than the one that runs it."""
        ledger = self._must_replay(engine)
        owned = next(one for one in self._owned.tables(kind) if one.name == table)
        entries = [one for one in standing(self._desk, ledger, engine) if one.kind == kind]
        return Looking(self._desk, ledger, owned, self._again, engine, entries, dry_run=dry_run)

    def certificate(self, session: Session | Connection, record: str) -> Certificate:
        """The certificate of an erasure that was carried out, not signed.

        :param record: of the erasure.
        :raises ErasureRefused: there is no such record, or who acts is not among those who erase.
        """
        self._must_erase()
        with self._desk.open(session, reading=True) as connection:
            row = connection.execute(select(ERASURES).where(ERASURES.c.record == record)).one_or_none()
        if row is None:
            raise ErasureRefused("there is no such record of an erasure.", hint="sa_privacy_erasures has them all.")
        return _certificate(dict(row._mapping))

    def erase_on_request(self, connection: Connection, kind: str, key: str, reference: str) -> None:
        """See :class:`~sa_privacy.policy.ports.ErasurePort`: the request itself says that somebody waits."""

    def erased_on_request(self, connection: Connection, reference: str) -> bool:
        """Whether a request was carried out, or its person erased upon another; whatever the request, where the policy leaves
        erasure to the application.
        """
        if self._desk.policy.erasure is None:
            return True
        rows = select(func.count()).select_from(ERASURES).where(ERASURES.c.request == reference)
        return bool(connection.scalar(rows)) or is_nobodys(connection, reference)

    def _again(
        self, connection: Connection, entry: LedgerEntry, key: object, around: ExitStack, *, dry_run: bool
    ) -> None:
        """Erases a person of the ledger, as of then: what a reason kept then is kept."""
        with self._desk.open(connection, everything=True, subjects=[(entry.kind, key)]):
            person = self._locked(connection, entry.kind, key)
            plan = self._plan(connection, person, self._salt(person), entry.at)
            if plan.held:
                raise _held(plan)
            if not dry_run:
                self._erase(connection, person, plan, entry.record, around, None, "a backup was restored")

    def _run(
        self,
        connection: Connection,
        plan: ErasurePlan,
        record: str,
        around: ExitStack,
        request: str | None,
        reason: str | None,
    ) -> Certificate:
        """The erasure, in its transaction.

        :param around: left once that is committed, or not.
        """
        wait_for_none(connection)
        with self._desk.open(connection, everything=True, subjects=[(plan.kind, plan.subject)]):
            person = self._locked(connection, plan.kind, plan.subject)
            now = self._plan(connection, person, plan.salt)
            if now.hash != plan.hash:
                raise PlanMoved(
                    "the data is not as it was when the plan was made.",
                    hint="nothing was erased: make a new plan, and look at it.",
                )
            if now.held:
                raise _held(now)
            if request is not None:
                self._must_be_handed_on(connection, person, request)
            if self._ledger is not None:
                held = self._desk.held()
                self._ledger.begin(
                    *(record, person.kind, person.key, now.hash),
                    actor=held.actor,
                    reason=reason or held.reason,
                    policy=self._desk.policy.hash,
                )
            return self._erase(connection, person, now, record, around, request, reason)

    def _erase(
        self,
        connection: Connection,
        person: Person,
        plan: ErasurePlan,
        record: str,
        around: ExitStack,
        request: str | None,
        reason: str | None,
    ) -> Certificate:
        """What is done once nothing stands against it: by :meth:`run`, and again by :meth:`replay`."""
        graph = self._graph()
        aftermath = Aftermath(connection, graph, self._owned.tables(person.kind), person, plan)
        own = () if self.keys is None else self.keys.ids_of(connection, person.kind, person.key)
        # -- what has to be on the disk before anything is destroyed
        around.enter_context(erasing(self._log, self._pseudonyms, self._desk.held(), person, self._desk.policy.hash))
        # -- destruction
        with let_past(connection, "erasure"):
            moved = carry_out(connection, graph, plan.steps)
            if self.keys is not None:
                self.keys.destroy(connection, person.kind, person.key, own)
            self._leave(connection, person, plan)
        aftermath.check(moved)
        return self._record(connection, plan, record, request, reason)

    @contextmanager
    def _undone_by_errors(self, record: str) -> Iterator[None]:
        """Inside the transaction: what an error ends is never committed. An error of the commit itself may be."""
        try:
            yield
        except BaseException as error:
            if self._ledger is not None:
                with suppress(LogUnavailable):  # then the entry stays open, for resume()
                    self._ledger.undone(record)
            if isinstance(error, DBAPIError) and not isinstance(error, OperationalError):
                raise refused_by_database(error) from None
            raise

    def _say_done(self, record: str) -> None:
        if self._ledger is None:
            return
        try:
            self._ledger.end(record, "done")
        except LogUnavailable:
            warnings.warn(
                "the erasure is done, and its entry in the ledger of erasures stays open until privacy.erasure.resume(engine).",
                RuntimeWarning,
                stacklevel=3,
            )

    def _plan(self, connection: Connection, person: Person, salt: str, moment: datetime | None = None) -> ErasurePlan:
        planner = Planner(
            self._desk, self._owned, self._graph(), self._pseudonyms, self._holding(), self._ledger is not None
        )
        return planner.plan(connection, person, salt, moment or self._desk.now())

    def _record(
        self, connection: Connection, plan: ErasurePlan, record: str, request: str | None, reason: str | None
    ) -> Certificate:
        held = self._desk.held()
        kept = [_certified(one) for one in plan.kept]
        values = {
            "record": record,
            "kind": plan.kind,
            "at": self._desk.now(),
            "plan": plan.hash,
            "counts": json.dumps(plan.counts, sort_keys=True),
            "kept": json.dumps(kept, sort_keys=True, ensure_ascii=False),
            "actor": held.actor,
            "reason": reason or held.reason,
            "policy": self._desk.policy.hash,
            "request": request,
            "ledger": plan.ledger,
        }
        connection.execute(insert(ERASURES).values(**values))
        return _certificate(values)

    def _leave(self, connection: Connection, person: Person, plan: ErasurePlan) -> None:
        """What stays of the person's own row is nobody's from now on: it is not erased again, and not shown as somebody."""
        for owned in self._owned.tables(person.kind):
            emptied = [one for one in plan.steps if one.verb == "anonymise" and one.table == owned.name]
            if owned.person:
                for step in emptied:
                    mark(connection, owned.table, step.keys, [NOBODYS])

    def _locked(self, connection: Connection, kind: str, key: object) -> Person:
        """The person. Nobody else erases them, changes their own row or writes of them until this is over."""
        until = time.monotonic() + _PATIENCE
        while not alone_with_people(connection):
            if time.monotonic() > until:
                raise ErasureRefused(
                    "somebody is writing of people in the ledgers, or erasing another.",
                    hint="nothing was erased: try again; a session that wrote there must have been committed.",
                )
            time.sleep(0.05)
        try:
            person = find_person(self._desk, connection, (kind, key))
        except UnknownPerson:
            raise _gone() from None
        for owned in self._owned.tables(person.kind):
            if owned.person:
                table: Table = owned.table
                column = next(column for column in table.columns if column.name == owned.key)
                own = select(*table.primary_key.columns).where(matching([column], [(person.key,)])).with_for_update()
                there = connection.execute(own).first() is not None
                if (
                    owned.single and not there and not column.foreign_keys
                ):  # somebody was faster; not everybody is a subclass
                    raise _gone()
        return person

    def _must_be_handed_on(self, connection: Connection, person: Person, reference: str) -> None:
        found = find(connection, reference)
        if found is None or found.subject != (person.kind, person.text) or found.request.state != "handed_on":
            raise ErasureRefused(
                "the person has no request for erasure of this reference that was handed on.",
                hint="privacy.requests.hand_on(...) first; the plan has to be made after that.",
            )

    def _graph(self) -> Graph:
        return Graph(known_tables(self._desk.live))

    def _salt(self, person: Person) -> str:
        if self._pseudonyms is None:
            return secrets.token_hex(16)
        return self._pseudonyms.of_kind(person.kind)(person.text)

    def _must_replay(self, engine: Engine) -> ErasureLedger:
        """Whether who acts may compare the ledger with a database: the ledger."""
        self._must_erase()
        must_be_sync(engine, Engine)
        if self._ledger is None:
            raise no_ledger()
        return self._ledger

    def _must_erase(self) -> None:
        rules, held = self._desk.policy.erasure, self._desk.held()
        roles = rules.roles if rules is not None else frozenset()
        if held.system is None and roles.isdisjoint(held.roles):
            raise ErasureRefused(
                "who acts is not among those who erase.",
                hint=f"roles that do: {', '.join(sorted(roles)) or 'none; name them in the policy, [erasure] roles'}.",
            )


def refused_by_database(error: DBAPIError) -> ErasureRefused:
    """A constraint or a trigger that the plan knows nothing of. Its name is told; what the database says of values is not."""
    said = getattr(error.orig, "diag", None)
    named = getattr(said, "constraint_name", None) or getattr(error.orig, "constraint_name", None)
    by = f'{type(error.orig).__name__}, "{named}"' if named else type(error.orig).__name__
    return ErasureRefused(
        f"the database refused it: {by}.",
        hint="nothing was erased. A CHECK may need [retention.NAME.values]; rows of a table that is not in the models' "
        "metadata may refer to the person's.",
    )


def _held(plan: ErasurePlan) -> ErasureRefused:
    what = ", ".join(dict.fromkeys(f'{one.by} "{one.what}" on {one.table}' for one in plan.held))
    ends = [text for one in plan.held for text in [*one.ends.values()][:1]]
    return ErasureRefused(
        f"something holds it back: {what}.",
        hint=f"erase once that is over: {'; '.join(dict.fromkeys(ends))}."
        if ends
        else "a hold is released by who placed it.",
    )


def _gone() -> PlanMoved:
    return PlanMoved(
        "the person of the plan is not there any more: erased meanwhile, or removed.",
        hint="nothing is left to do; sa_privacy_erasures has the records of erasures.",
    )


def _certificate(values: Mapping[str, Any]) -> Certificate:
    """The certificate of a row of the table."""
    names = ("record", "kind", "at", "plan", "policy", "request", "ledger")
    counts, kept = json.loads(values["counts"]), tuple(json.loads(values["kept"]))
    return Certificate(**{name: values[name] for name in names}, counts=counts, kept=kept)


def _certified(kept: Kept) -> Mapping[str, Any]:
    """What a certificate says of rows that stay; what people call the reason stands in the policy."""
    said = asdict(kept) | {"until": _iso(kept.until)}
    return {name: value for name, value in said.items() if name != "title"}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
