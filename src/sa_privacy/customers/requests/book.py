"""Requests and their steps as rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Connection, Table, and_, case, func, select
from sqlalchemy.dialects import postgresql, sqlite

from sa_privacy.customers.agent import Agent
from sa_privacy.customers.requests.states import OPEN, State, Step
from sa_privacy.customers.requests.tables import REQUESTS, STEPS
from sa_privacy.customers.requests.view import Request, Taken, progress_of
from sa_privacy.errors import RequestRefused

__all__ = [
    "Found",
    "add_request",
    "add_step",
    "checks_of",
    "find",
    "find_all",
    "find_once",
    "has_step",
    "references",
    "subject_of",
]

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Found:
    """A request, and whose it is; None as long as nobody knows.

    :param subject: the kind of person and their key as the ledger keeps it.
    """

    request: Request
    subject: tuple[str, str] | None

    @property
    def last_at(self) -> datetime:
        """When something was last done for it."""
        return self.request.steps[-1].at if self.request.steps else self.request.received_at

    def __repr__(self) -> str:
        return f"<Found {self.request!r}>"


def find(connection: Connection, reference: str) -> Found | None:
    """The request of this reference with its steps: two statements, whether it is there or not."""
    row = connection.execute(select(REQUESTS).where(REQUESTS.c.reference == reference)).one_or_none()
    rows = connection.execute(select(STEPS).where(STEPS.c.request == reference).order_by(STEPS.c.number)).all()
    return None if row is None else _found(row, rows)


def find_all(connection: Connection, names: Sequence[str]) -> Iterator[Found]:
    """The requests of these references, in that order: two statements for 500 of them."""
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        rows = {
            row.reference: row for row in connection.execute(select(REQUESTS).where(REQUESTS.c.reference.in_(some)))
        }
        steps: dict[str, list[Any]] = {}
        taken = select(STEPS).where(STEPS.c.request.in_(some)).order_by(STEPS.c.request, STEPS.c.number)
        for row in connection.execute(taken):
            steps.setdefault(row.request, []).append(row)
        yield from (_found(rows[name], steps.get(name, ())) for name in some if name in rows)


def find_once(connection: Connection, once: str) -> str | None:
    """The reference of the request that was received under this key already."""
    found: str | None = connection.scalar(select(REQUESTS.c.reference).where(REQUESTS.c.once == once))
    return found


def references(
    connection: Connection,
    *,
    state: State | None = None,
    subject: tuple[str, str] | None = None,
    due_before: date | None = None,
) -> list[str]:
    """The references of requests of which all that is said holds, those that are due first.

    :param due_before: those that still wait, and had to be answered before that day.
    """
    last = (
        select(STEPS.c.request, func.max(STEPS.c.number).label("number"))
        .group_by(STEPS.c.request)
        .subquery("last_step")
    )
    now = func.coalesce(STEPS.c.state, "received")
    wanted: list[ColumnElement[bool]] = []
    if state is not None:
        wanted.append(now == state)
    if due_before is not None:
        wanted += [REQUESTS.c.due_on < due_before, now.in_(OPEN)]
    if subject is not None:
        theirs = STEPS.alias("theirs")
        mine = select(theirs.c.request).where(theirs.c.subject_kind == subject[0], theirs.c.subject == subject[1])
        wanted.append(REQUESTS.c.reference.in_(mine))
    rows = (
        select(REQUESTS.c.reference)
        .select_from(
            REQUESTS.outerjoin(last, last.c.request == REQUESTS.c.reference).outerjoin(
                STEPS, and_(STEPS.c.request == last.c.request, STEPS.c.number == last.c.number)
            )
        )
        .where(*wanted)
        .order_by(REQUESTS.c.due_on, REQUESTS.c.received_at, REQUESTS.c.reference)
    )
    return list(connection.scalars(rows))


def checks_of(connection: Connection, checked: str, *, since: datetime) -> tuple[int, int]:
    """The number of the last check of identity against somebody, in whichever request, and how many have failed lately.

    :param checked: their pseudonym.
    :param since: failures of then or before do not count.
    """
    failed = case((and_(STEPS.c.step == "fail", STEPS.c.at > since), 1), else_=0)
    counted = select(func.coalesce(func.max(STEPS.c.check_number), 0), func.coalesce(func.sum(failed), 0))
    last, failures = connection.execute(counted.where(STEPS.c.checked == checked)).one()
    return last, failures


def subject_of(steps: Iterable[Any]) -> tuple[str, str] | None:
    """Whose the request is, by its last successful check."""
    found = None
    for row in steps:
        if row.subject is not None:
            found = (row.subject_kind, row.subject)
    return found


def add_request(connection: Connection, **values: Any) -> None:
    """One more request.

    :raises RequestRefused: one was received under the same key a moment ago.
    """
    if not _added(connection, REQUESTS, values):
        raise RequestRefused(
            "the same request is being received at this very moment.",
            hint="begin the transaction again: the first one is found then.",
        )


def add_step(connection: Connection, found: Found, **values: Any) -> None:
    """One more step.

    :raises RequestRefused: somebody else has taken a step a moment ago, or noted another check against the same person.
    """
    number = len(found.request.steps) + 1
    if what := values.pop("what", ()):
        values["what"] = json.dumps(list(what), ensure_ascii=False)
    if not _added(connection, STEPS, {"request": found.request.reference, "number": number, **values}):
        raise RequestRefused(
            "somebody else has just done something about this request.",
            hint="begin the transaction again, and look at it: privacy.requests.show(...).",
        )


def has_step(connection: Connection, found: Found, step: Step, at: datetime) -> bool:
    """Whether the next step of a request, as it was found, is this one."""
    number = len(found.request.steps) + 1
    this = (
        STEPS.c.request == found.request.reference,
        STEPS.c.number == number,
        STEPS.c.step == step,
        STEPS.c.at == at,
    )
    return connection.execute(select(STEPS.c.number).where(*this)).first() is not None


def _added(connection: Connection, table: Table, values: dict[str, Any]) -> bool:
    """Whether the row went in: of two that may not be there both, one does, and neither transaction breaks."""
    made = sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
    key = next(iter(table.primary_key.columns))
    added = made.values(**values).on_conflict_do_nothing().returning(key)
    return connection.execute(added).first() is not None


def _found(row: Any, rows: Iterable[Any]) -> Found:
    steps = tuple(map(_taken, rows := list(rows)))
    state, failures, until = progress_of(steps)
    subject = subject_of(rows)
    request = Request(
        reference=row.reference,
        kind=row.kind,
        state=state,
        received_at=row.received_at,
        due_on=row.due_on,
        language=row.language,
        authority=row.authority,
        failures=failures,
        identified_until=until,
        steps=steps,
        claimed=row.claimed,
        about=row.about,
        agent=None if row.authority is None else Agent(row.agent, row.authority, row.agent_evidence),
        person=subject,
    )
    return Found(request, subject)


def _taken(row: Any) -> Taken:
    return Taken(
        number=row.number,
        at=row.at,
        step=row.step,
        state=row.state,
        by=row.actor,
        by_person=row.by_person,
        policy=row.policy,
        method=row.method,
        valid_until=row.valid_until,
        article=row.article,
        what=tuple(cast("list[str]", json.loads(row.what))) if row.what else (),
        reason=row.reason,
        evidence=row.evidence,
    )
