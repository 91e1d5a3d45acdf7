"""Taking a step of a request: whether it may be taken now, and the row that it makes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from sa_privacy.customers.requests.book import Found, add_step, find, has_step
from sa_privacy.customers.requests.states import Progress, Step, advance
from sa_privacy.customers.requests.view import Request, Taken, progress_of
from sa_privacy.customers.requests.who import Who, must_be_staff, rules_of, who_acts
from sa_privacy.errors import PolicyError, RequestRefused
from sa_privacy.ledger import Desk

__all__ = ["Course", "Work", "as_seen_by"]


@dataclass(frozen=True, slots=True)
class Work:
    """A step that may be taken.

    :param at: when.
    :param after: how far the request is then.
    """

    found: Found
    who: Who
    step: Step
    at: datetime
    after: Progress


def as_seen_by(who: Who, request: Request) -> Request:
    """What somebody sees of a request."""
    return request if who.staff else request.for_the_person()


class Course:
    """Takes steps at a desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def may(self, session: Session | Connection, reference: str, step: Step, *, own: bool = False) -> Work:
        """The step, if it may be taken now; nothing is written.

        :param own: the person themselves may take it, too.
        """
        access = self.desk.held()
        with self.desk.open(session, reading=True) as connection:
            who = who_acts(self.desk, connection, access)
            if not own:
                must_be_staff(who)
            found = self.find(connection, reference, who)
        at = self.desk.moment(after=found.last_at)
        return Work(found, who, step, at, advance(found.request.progress, step, at, rules_of(self.desk)))

    def write(
        self,
        session: Session | Connection,
        work: Work,
        *,
        subject: tuple[str, str] | None = None,
        what: Collection[str] = (),
        counted: Mapping[str, object] | None = None,
        **said: Any,
    ) -> Request:
        """Writes a step, and tells what is so then.

        :param subject: kind and key of the person, of a check that succeeded.
        :param what: the columns, purposes or recipients that it is about.
        :param counted: columns of the step by which checks against one person are counted; nobody is shown them.
        """
        request, whose = work.found.request, subject or work.found.subject
        taken = Taken(
            number=len(request.steps) + 1,
            at=work.at,
            step=work.step,
            state=work.after.state,
            by=work.who.by,
            by_person=work.who.person is not None,
            policy=self.desk.policy.hash,
            valid_until=work.after.identified_until if work.step == "identify" else None,
            what=tuple(what),
            **said,
        )
        with self.desk.open(session, subjects=() if whose is None else (whose,)) as connection:
            add_step(
                connection,
                work.found,
                at=taken.at,
                step=taken.step,
                state=taken.state,
                actor=taken.by,
                by_person=taken.by_person,
                policy=taken.policy,
                valid_until=taken.valid_until,
                subject_kind=None if subject is None else subject[0],
                subject=None if subject is None else subject[1],
                what=taken.what,
                **(counted or {}),
                **said,
            )
        state, failures, until = progress_of((*request.steps, taken))
        steps = (*request.steps, taken)
        made = replace(request, state=state, failures=failures, identified_until=until, steps=steps, person=whose)
        return as_seen_by(work.who, made)

    def is_taken(self, connection: Connection, work: Work) -> bool:
        """Whether a step that was written is in the transaction of the connection."""
        with self.desk.open(connection, asked=False, reading=True):
            return has_step(connection, work.found, work.step, work.at)

    def find(self, connection: Connection, reference: object, who: Who) -> Found:
        """A request, for whoever may see it.

        :raises RequestRefused: there is none of that reference, or it is not the person's: the same error.
        """
        known = isinstance(reference, str) and reference.isascii() and reference.isalnum()
        found = find(connection, str(reference) if known else "none")
        if found is None or (who.person is not None and found.subject != who.person):
            raise RequestRefused("there is no such request.", hint="privacy.requests.list(...) has them all.")
        return found

    @staticmethod
    def subject_of(work: Work) -> tuple[str, str]:
        """Whose the request is, of one that is in work."""
        if work.found.subject is None:
            raise PolicyError("a request in work is somebody's.", hint="the ledger was changed by hand.")
        return work.found.subject
