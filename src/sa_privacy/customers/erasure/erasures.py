"""Making plans of erasures, and carrying them out: ``privacy.erasure``."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, Engine, Table, insert, select
from sqlalchemy.orm import Session

from sa_privacy.crypto.pseudonym import Pseudonyms
from sa_privacy.customers.destruction import Graph, Survey, carry_out
from sa_privacy.customers.destruction.rows import matching
from sa_privacy.customers.erasure.endings import Holding, endings_of
from sa_privacy.customers.erasure.plan import ErasurePlan, plan_hash
from sa_privacy.customers.erasure.tables import ERASURES
from sa_privacy.customers.owned import Owned, OwnedTable, known_tables
from sa_privacy.errors import ErasureRefused, PlanMoved
from sa_privacy.ledger import Desk, Person, find_person

__all__ = ["Erasures"]


class Erasures:
    """Plans and carries out erasures of people.

    :param pseudonyms: keys the hashes of plans; None: each plan has a key of its own, and is known only to who made it.
    :param holding: which rows are under a hold.
    """

    def __init__(
        self, desk: Desk, pseudonyms: Pseudonyms | None, holding: Callable[[], Holding | None] = lambda: None
    ) -> None:
        self._desk = desk
        self._owned = Owned(desk.live)
        self._pseudonyms = pseudonyms
        self._holding = holding

    def plan(self, session: Session | Connection, subject: object) -> ErasurePlan:
        """What the erasure of a person would do. Changes nothing.

        :param subject: the key of their row, or ``(kind, key)``.
        :raises UnknownPerson: there is none.
        :raises ErasureRefused: who acts is not among those who erase.
        :raises RetentionRefused: the policy's schedules cannot be carried out.
        """
        self._must_erase()
        with self._desk.open(session, everything=True) as connection:
            person = find_person(self._desk, connection, subject)
            return self._plan(connection, person, self._salt(person))

    def run(self, engine: Engine | Connection, plan: ErasurePlan, *, reason: str | None = None) -> str:
        """Carries a plan out, in a transaction of its own: all of it, or nothing.

        :param engine: or a connection without a transaction; for an ``AsyncConnection``, ``await connection.run_sync(...)``.
        :returns: the record of the erasure.
        :raises PlanMoved: the data is not as it was. Nothing was erased.
        :raises ErasureRefused: something holds it back, or who acts is not among those who erase.
        """
        self._must_erase()
        if isinstance(engine, Engine):
            with engine.connect() as connection:
                return self.run(connection, plan, reason=reason)
        if engine.in_transaction():
            raise ErasureRefused(
                "an erasure is a transaction of its own, and the connection is in one.",
                hint="run(engine, plan), or commit first.",
            )
        with engine.begin(), self._desk.whole(engine):
            return self._run(engine, plan, reason)

    def _run(self, connection: Connection, plan: ErasurePlan, reason: str | None) -> str:
        with self._desk.open(connection, everything=True, subjects=[(plan.kind, plan.subject)]):
            person = find_person(self._desk, connection, (plan.kind, plan.subject))
            self._lock(connection, person)
            now = self._plan(connection, person, plan.salt)
            if now.hash != plan.hash:
                raise PlanMoved(
                    "the data is not as it was when the plan was made.",
                    hint="nothing was erased: make a new plan, and look at it.",
                )
            if now.held:
                raise _held(now)
            carry_out(connection, self._graph(), now.steps)
            return self._record(connection, now, reason)

    def _plan(self, connection: Connection, person: Person, salt: str) -> ErasurePlan:
        policy, moment = self._desk.policy, self._desk.now()
        found = endings_of(connection, policy, self._owned.tables(person.kind), person.key, moment, self._holding())
        values = {one.table: one.values for one in policy.retention.values() if one.table is not None}
        steps = Survey(self._graph(), self._desk.live.current(), values).steps(connection, found.endings)
        kept, held = tuple(found.kept), tuple(found.held)
        return ErasurePlan(
            person.kind,
            person.text,
            moment,
            steps,
            kept,
            held,
            tuple(column.name for column in self._owned.nobodys()),
            salt,
            plan_hash(policy.hash, person.kind, steps, kept, held, salt),
        )

    def _record(self, connection: Connection, plan: ErasurePlan, reason: str | None) -> str:
        held, record = self._desk.held(), str(uuid.uuid4())
        kept = [asdict(one) | {"until": _iso(one.until)} for one in plan.kept]
        connection.execute(
            insert(ERASURES).values(
                record=record,
                kind=plan.kind,
                at=self._desk.now(),
                plan=plan.hash,
                counts=json.dumps(plan.counts, sort_keys=True),
                kept=json.dumps(kept, sort_keys=True, ensure_ascii=False),
                actor=held.actor,
                reason=reason or held.reason,
                policy=self._desk.policy.hash,
            )
        )
        return record

    def _lock(self, connection: Connection, person: Person) -> None:
        """Nobody else erases or changes the person's own row until this is over (PostgreSQL; SQLite has one writer)."""
        for owned in self._owned.tables(person.kind):
            if not owned.steps and _is_own(owned, self._desk):
                table: Table = owned.table
                key = next(column for column in table.columns if column.name == owned.key)
                connection.execute(
                    select(*table.primary_key.columns).where(matching([key], [(person.key,)])).with_for_update()
                )

    def _graph(self) -> Graph:
        return Graph(known_tables(self._desk.live))

    def _salt(self, person: Person) -> str:
        if self._pseudonyms is None:
            return secrets.token_hex(16)
        return self._pseudonyms.of_kind(person.kind)(person.text)

    def _must_erase(self) -> None:
        rules, held = self._desk.policy.erasure, self._desk.held()
        roles = rules.roles if rules is not None else frozenset()
        if held.system is None and roles.isdisjoint(held.roles):
            raise ErasureRefused(
                "who acts is not among those who erase.",
                hint=f"roles that do: {', '.join(sorted(roles)) or 'none; name them in the policy, [erasure] roles'}.",
            )


def _is_own(owned: OwnedTable, desk: Desk) -> bool:
    known = desk.live.current().by_name[owned.name]
    return known.subject is not None and known.subject.person


def _held(plan: ErasurePlan) -> ErasureRefused:
    what = ", ".join(dict.fromkeys(f'{one.by} "{one.what}" on {one.table}' for one in plan.held))
    ends = [text for one in plan.held for text in [*one.ends.values()][:1]]
    return ErasureRefused(
        f"something holds it back: {what}.",
        hint=f"erase once that is over: {'; '.join(dict.fromkeys(ends))}."
        if ends
        else "a hold is released by who placed it.",
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
