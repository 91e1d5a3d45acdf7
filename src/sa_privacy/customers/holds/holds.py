"""Placing holds, reviewing and releasing them: ``privacy.holds``."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    delete,
    exists,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.orm import Session

from sa_privacy.customers.holds.guard import make_guards, remove_guards, unguarded
from sa_privacy.customers.holds.guarded import guarded_tables
from sa_privacy.customers.holds.guards import Guard, of_query, query_mark
from sa_privacy.customers.holds.guards import of_table as guard_of
from sa_privacy.customers.holds.hold import Hold, HoldKind
from sa_privacy.customers.holds.tables import HELD, HOLDS, TURN
from sa_privacy.customers.holds.targets import Targets
from sa_privacy.errors import HoldRefused
from sa_privacy.gate.people.people_keys import PeopleKeys
from sa_privacy.ledger import PASSES, Desk, let_past, must_be_sync

__all__ = ["Holds"]

_LONGEST = 100  # of a case number
_SHORTEST = 8  # of the beginning of a hold's id


class Holds:
    """Keeps rows as they are for as long as a case lasts, against every path that would end them. See docs/holds.md."""

    def __init__(self, desk: Desk, keys: PeopleKeys) -> None:
        self._desk = desk
        self._targets = Targets(desk, keys)

    def place(
        self,
        session: Session | Connection,
        *,
        case: str,
        reason: str,
        review_by: date,
        subject: object = None,
        row: tuple[Any, object] | None = None,
        table: Any = None,
        query: tuple[Any, str] | None = None,
        freeze: bool = False,
    ) -> Hold:
        """Places a hold; it is in force once the session's transaction is committed.

        Rows that are held are neither deleted nor emptied, nor made another row or another person's, by anything that goes
        through the database: the triggers of :meth:`guard` refuse it, and have to be there.

        :param case: the number of the case, which everybody who is refused is told.
        :param reason: why; it is sealed.
        :param review_by: the day by which somebody has to look whether it is still wanted.
        :param subject: a person: everything of theirs, in every table, now and later. A key, or ``(kind, key)``.
        :param row: one row: a mapped class or table, and its primary key (a tuple, where it has several columns).
        :param table: every row of a mapped class or table.
        :param query: the rows of a mapped class or table that a condition in SQL finds, at the moment somebody wants them
            gone. It needs triggers of its own, and so the rights of the table's owner.
        :param freeze: personal values of these rows must not be changed either.
        :raises HoldRefused: who acts is not among those who place holds, the triggers are not there, or an argument
            cannot be meant.
        :raises UnknownPerson: the person is not there, or not any more.
        """
        with self._work(session) as connection:
            if not 0 < len(case) <= _LONGEST or not case.isprintable():
                raise HoldRefused(f"a case number has 1 to {_LONGEST} characters.", hint='case="2026-17".')
            self._must_lie_ahead(review_by)
            if sum(one is not None for one in (subject, row, table, query)) != 1:
                raise HoldRefused(
                    "what is to be held?", hint="say one of subject=, row=(Order, 17), table=Order, query=(Order, sql)."
                )
            found = str(uuid.uuid4())
            if subject is not None:
                about = self._targets.of_person(connection, subject)
            elif row is not None:
                about = self._targets.of_row(connection, row)
            elif query is not None:
                about = self._targets.of_query(connection, found, query)
            else:
                about = self._targets.of_table(connection, table)
            self._place(connection, {"hold": found, "case_number": case, "freeze": freeze, **about}, reason, review_by)
            return _hold(self._row(connection, found))

    def review(self, session: Session | Connection, hold: Hold | str, *, review_by: date, reason: str) -> Hold:
        """Somebody looked, and the hold goes on until another day.

        :param hold: or its id, or how that begins: eight characters or more.
        :raises HoldRefused: it is not in force, or who acts is not among those who place holds.
        """
        with self._work(session) as connection:
            self._must_lie_ahead(review_by)
            found = self._row(connection, hold)
            with let_past(connection, "holds"):
                connection.execute(update(HELD).where(HELD.c.hold == found.hold).values(review_by=review_by))
            self._note(connection, "reviewed", found, reason, review_by)
            return _hold(self._row(connection, found.hold))

    def release(self, session: Session | Connection, hold: Hold | str, *, reason: str) -> None:
        """Ends a hold. What was due and held back is due again: make a new plan of it.

        :raises HoldRefused: it is not in force, or who acts is not among those who place holds.
        """
        with self._work(session) as connection:
            found = self._row(connection, hold)
            with let_past(connection, "holds"):
                connection.execute(delete(HELD).where(HELD.c.hold == found.hold))
            self._note(connection, "released", found, reason, found.review_by)

    def in_force(self, session: Session | Connection) -> tuple[Hold, ...]:
        """The holds in force, in the order of the days by which they are to be reviewed.

        :raises HoldRefused: who acts is not among those who place holds.
        """
        with self._desk.open(session) as connection:
            self._must_hold(connection)
            rows = select(HELD).where(HELD.c.kind != TURN).order_by(HELD.c.review_by, HELD.c.id)
            return tuple(map(_hold, connection.execute(rows).all()))

    def guard(self, engine: Engine | Connection) -> tuple[str, ...]:
        """Makes the triggers that keep held rows, as the owner of the tables. Doing it twice changes nothing.

        :param engine: or a connection, in whose transaction they are made.
        :returns: the tables that have new triggers.
        """
        must_be_sync(engine, Engine, Connection)
        if isinstance(engine, Engine):
            with engine.begin() as connection:
                return self.guard(connection)
        with self._desk.whole(engine), self._desk.open(engine, deletes=(PASSES.name,)) as connection:
            _must_be_as_named(connection)
            self._take_turn(connection)
            queries, tables = self._queries(connection), guarded_tables(self._desk.live)
            remove_guards(connection, tables.values(), {query_mark(hold) for hold, _, _ in queries})
            return tuple(make_guards(connection, self._guards(queries)))

    def unguarded(self, session: Session | Connection) -> tuple[str, ...]:
        """The tables whose rows no current trigger keeps: no hold can be placed on them until :meth:`guard` made them, and
        queries that are held already find nothing there.
        """
        with self._desk.open(session) as connection:
            _must_be_as_named(connection)
            return tuple(unguarded(connection, self._guards(self._queries(connection))))

    def missing(self, connection: Connection) -> list[str]:
        """The same, on a connection of an engine that nobody protects."""
        queries = self._queries(connection) if inspect(connection).has_table(HELD.name) else []
        return unguarded(connection, self._guards(queries))

    # -- how it is done -------------------------------------------------------------------------------------------

    def _queries(self, connection: Connection) -> list[tuple[str, str, str]]:
        """Of holds in force that are queries: the hold, the table, the condition."""
        rows = (
            select(HELD.c.hold, HELD.c.table_name, HELD.c.condition).where(HELD.c.kind == "query").order_by(HELD.c.id)
        )
        return [tuple(row) for row in connection.execute(rows)]

    def _guards(self, queries: Iterable[tuple[str, str, str]]) -> Iterator[Guard]:
        """All that have to be there."""
        tables = guarded_tables(self._desk.live)
        yield from map(guard_of, tables.values())
        for hold, name, condition in queries:
            if name in tables:
                yield from of_query(tables, tables[name], hold, condition)

    @contextmanager
    def _work(self, session: Session | Connection) -> Iterator[Connection]:
        """The desk, open for what changes holds, and for all of it or nothing."""
        deletes = (HELD.name, PASSES.name)
        with (
            self._desk.whole(session),
            self._desk.open(session, everything=True, deletes=deletes) as connection,
        ):
            self._must_hold(connection)
            _must_be_as_named(connection)
            yield connection

    def _must_hold(self, connection: Connection) -> None:
        rules, held = self._desk.policy.erasure, self._desk.held()
        roles = rules.roles if rules is not None else frozenset()
        if held.system is None and roles.isdisjoint(self._desk.roles(connection)):
            raise HoldRefused(
                "who acts is not among those who place holds.",
                hint=f"roles that do: {', '.join(sorted(roles)) or 'none; name them in the policy, [erasure] roles'}.",
            )

    def _place(self, connection: Connection, about: dict[str, Any], reason: str, review_by: date) -> None:
        held, now = self._desk.held(), self._desk.now()
        self._take_turn(connection)
        connection.execute(insert(HELD).values(since=now, review_by=review_by, actor=held.actor, **about))
        self._note(connection, "placed", self._row(connection, about["hold"]), reason, review_by)

    def _must_lie_ahead(self, review_by: date) -> None:
        yesterday = self._desk.now().date() - timedelta(days=1)  # it may still be that day where the caller is
        if review_by < yesterday:
            raise HoldRefused(f"{review_by} is over: nobody would look.", hint="name a day to come: review_by=...")

    def _take_turn(self, connection: Connection) -> None:
        """Makes every transaction that began before run into this one, once it destroys something (PostgreSQL)."""
        now = self._desk.now()
        if connection.execute(select(exists().where(HELD.c.kind == TURN))).scalar():
            with let_past(connection, "holds"):
                connection.execute(update(HELD).where(HELD.c.kind == TURN).values(since=now))
            return
        connection.execute(insert(HELD).values(hold=TURN, case_number="", kind=TURN, freeze=False, since=now))

    def _note(self, connection: Connection, step: str, row: Any, reason: str, review_by: date | None) -> None:
        connection.execute(
            insert(HOLDS).values(
                hold=row.hold,
                step=step,
                at=self._desk.now(),
                case_number=row.case_number,
                kind=row.kind,
                table_name=row.table_name,
                freeze=row.freeze,
                review_by=review_by,
                reason=reason,
                actor=self._desk.held().actor,
                policy=self._desk.policy.hash,
            )
        )

    def _row(self, connection: Connection, hold: Hold | str) -> Any:
        wanted = hold.id if isinstance(hold, Hold) else hold
        found = None
        if len(wanted) >= _SHORTEST:
            same = HELD.c.hold.startswith(wanted, autoescape=True)
            found = connection.execute(select(HELD).where(same, HELD.c.kind != TURN)).one_or_none()
        if found is None:
            raise HoldRefused(
                "there is no such hold in force.",
                hint="privacy.holds.in_force(session), and sa-privacy hold list, have them all.",
            )
        return found


def _must_be_as_named(connection: Connection) -> None:
    """Triggers stand on the tables that have the models' names in the database."""
    if connection.get_execution_options().get("schema_translate_map"):
        raise HoldRefused(
            "schema_translate_map puts other tables in the place of those that have the triggers.",
            hint="an engine of its own for each schema: create_engine(..., connect_args={'options': '-csearch_path=tenant'}).",
        )


def _hold(row: Any) -> Hold:
    person = (row.person_kind, row.subject) if row.kind == "subject" else None
    kind: HoldKind = row.kind
    return Hold(
        row.hold,
        row.case_number,
        kind,
        row.table_name,
        bool(row.freeze),
        row.since,
        row.actor,
        row.review_by,
        person,
        row.condition,
    )
