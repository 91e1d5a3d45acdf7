"""What people ask of whoever keeps their data: disclosure (開示), correction (訂正), ceasing its use (利用停止) or its provision
to others (第三者提供の停止), erasure (消去); by themselves or an agent (代理人). ``privacy.requests``.

Each step is a row of a ledger, written in the caller's transaction: with who took it, when, and under which policy. A step
that is refused writes nothing. Until a check of identity has succeeded nothing is linked to anybody, and nothing tells
whether there is such a person: a check that fails and a check against somebody who is not there are the same entry. Such a
failure is an entry and no error, since an error would take the entry back with the transaction, and attempts are counted.

Source: APPI Articles 33 to 37. The law sets no number of days ("without delay") and so knows no extension of them; the
days of ``[requests] answer_within`` are the policy's own promise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from sa_privacy.crypto.pseudonym import Pseudonyms
from sa_privacy.customers.agent import Agent
from sa_privacy.customers.file.files import FileMaker, PersonFile
from sa_privacy.customers.requests.answering import Answer, Answering
from sa_privacy.customers.requests.book import find_all, references
from sa_privacy.customers.requests.ceasing import Stop, must_be_ceasable
from sa_privacy.customers.requests.checks import must_hold, needed, words
from sa_privacy.customers.requests.correction import correct_row
from sa_privacy.customers.requests.course import Course, as_seen_by
from sa_privacy.customers.requests.identity import Identity
from sa_privacy.customers.requests.receiving import Receiving
from sa_privacy.customers.requests.states import STATES, Kind, State
from sa_privacy.customers.requests.view import Request
from sa_privacy.customers.requests.who import SIGNED_IN, must_be_staff, who_acts
from sa_privacy.errors import RequestRefused
from sa_privacy.ledger import Desk
from sa_privacy.policy.ports import ErasurePort

__all__ = ["Answer", "Requests"]


class Requests:
    """People's requests. For an ``AsyncSession``: ``await session.run_sync(lambda s: privacy.requests.receive(s, ...))``.

    Every method raises NoAccess without an access, PolicyError where the policy has no ``[requests]``, RoleDenied for a
    role that it does not name there, and ClockWentBack where the clock shows an earlier time than the ledger.

    :param files: makes the files of people.
    :param pseudonyms: tell apart whom identity was checked against; None: no identity can be checked.
    :param stop: withdraws a consent; None where the application keeps consents itself.
    :param erasure: takes over requests for erasure; None: they wait as ``"handed_on"``.
    """

    def __init__(
        self,
        desk: Desk,
        files: FileMaker,
        *,
        pseudonyms: Pseudonyms | None,
        stop: Stop | None = None,
        erasure: ErasurePort | None = None,
    ) -> None:
        self._desk = desk
        self._course = Course(desk)
        self._receiving = Receiving(desk, self._course)
        self._identity = Identity(desk, self._course, pseudonyms)
        self._answering = Answering(desk, self._course, files, self._erased)
        #: Makes the files, and is told which columns are shown in them.
        self.files = files
        self._stop = stop
        self._erasure = erasure

    def _erased(self, connection: Connection, reference: str) -> bool:
        return self._erasure is None or self._erasure.erased_on_request(connection, reference)

    # -- asking ---------------------------------------------------------------------------------------------------

    def receive(
        self,
        session: Session | Connection,
        kind: Kind,
        *,
        claimed: str | None = None,
        about: str | None = None,
        agent: Agent | None = None,
        language: str | None = None,
        at: datetime | None = None,
        once: str | None = None,
    ) -> Request:
        """Takes a request in. Whoever asks gets the same receipt, whether we know them or not.

        A signed-in customer (``privacy.access(subject=...)`` for a purpose of own rows) is identified by that at once, where
        the policy has ``"signed_in"`` among ``[requests] identity`` or does not say.

        :param claimed: who they say they are; sealed. Needed but of the signed-in.
        :param about: what they ask for, in their words; sealed.
        :param agent: who asks in their place.
        :param language: that the answer is wanted in; the policy's first, if left out.
        :param at: when it arrived, if that was before now; the answer is due from then.
        :param once: a key of this very submission, e.g. of the form: the second time it comes, the first request is returned.
        :raises RequestRefused: something is missing, or cannot be meant.
        """
        return self._receiving.receive(
            session, kind, claimed=claimed, about=about, agent=agent, language=language, at=at, once=once
        )

    def withdraw(self, session: Session | Connection, reference: str, *, reason: str | None = None) -> Request:
        """The person takes the request back."""
        reason = words(reason, "reason")
        return self._course.write(session, self._course.may(session, reference, "withdraw", own=True), reason=reason)

    def show(self, session: Session | Connection, reference: str) -> Request:
        """A request with its steps; of the signed-in, their own only.

        :raises RequestRefused: there is none of that reference, or none of theirs.
        """
        access = self._desk.held()
        with self._desk.open(session, reading=True) as connection:
            who = who_acts(self._desk, connection, access)
            return as_seen_by(who, self._course.find(connection, reference, who).request)

    def list(self, session: Session | Connection, *, state: State | None = None) -> tuple[Request, ...]:
        """All requests, those that are due first; of the signed-in, their own.

        :param state: only those that are in it.
        """
        if state is not None and state not in STATES:
            raise RequestRefused("there is no such state of a request.", hint=f"states: {', '.join(STATES)}.")
        access = self._desk.held()
        with self._desk.open(session, reading=True) as connection:
            who = who_acts(self._desk, connection, access)
            names = references(connection, state=state, subject=who.person)
            return tuple(as_seen_by(who, found.request) for found in find_all(connection, names))

    def overdue(self, session: Session | Connection) -> tuple[Request, ...]:
        """The requests that still wait although their day has passed, the oldest first."""
        access = self._desk.held()
        with self._desk.open(session, reading=True) as connection:
            who = who_acts(self._desk, connection, access)
            must_be_staff(who)
            names = references(connection, due_before=self._desk.moment().date())
            return tuple(found.request for found in find_all(connection, names))

    # -- dealing with it ------------------------------------------------------------------------------------------

    def identify(
        self,
        session: Session | Connection,
        reference: str,
        subject: object = None,
        *,
        method: str = SIGNED_IN,
        evidence: str | None = None,
        passed: bool = True,
    ) -> Request:
        """Notes the outcome of a check of identity. A check that fails is noted too, and no error: look at ``.state``.

        It is the same entry whether the check failed or there is no such person. After ``[requests] attempts`` failures the
        request is closed. A signed-in customer may identify themselves again for a request of theirs.

        :param subject: the key of their row, or ``(kind, key)``, as whoever checked has found it. An address is no key:
            two people may share one.
        :param method: one of ``[requests] identity``.
        :param evidence: what was seen; sealed.
        :param passed: whether it is that person; of an agent, also whether they may ask for them.
        :raises RequestRefused: the method is none of the policy's, evidence is missing, the request was made sure to be
            somebody else's before, or of checks against the same person ``[requests] attempts_of_person`` have failed within
            ``attempts_within``, in whichever requests.
        """
        return self._identity.check(session, reference, subject, method, evidence, passed)

    def begin(self, session: Session | Connection, reference: str) -> Request:
        """Somebody takes an identified request into work."""
        return self._course.write(session, self._course.may(session, reference, "begin"))

    def correct(
        self,
        session: Session | Connection,
        reference: str,
        changes: Mapping[str, object],
        *,
        evidence: str,
        row: object = None,
    ) -> Request:
        """Changes what is wrong. Which columns were changed is noted; neither the old value nor the new one is.

        :param changes: ``{"customers.address": "..."}``: personal columns of one table of the person's.
        :param evidence: what shows that the new value is true; sealed.
        :param row: the primary key of the row, where the table has several of theirs.
        :raises RequestRefused: a column is not personal or not of one table, or there is no such row of theirs.
        """
        needed(evidence, "what shows that the new value is true", "evidence")
        work = self._course.may(session, reference, "correct")
        with self._desk.whole(session):
            correct_row(self._desk, self.files.owned, session, self._course.subject_of(work), changes, row)
            return self._course.write(session, work, what=sorted(changes), evidence=evidence)

    def cease(self, session: Session | Connection, reference: str, *names: str, evidence: str | None = None) -> Request:
        """Stops the use for purposes, or the provision to recipients, from the next statement on: consent is withdrawn.

        :param names: purposes that ask for consent, of a request to cease use; third parties, to cease provision.
        :raises RequestRefused: consent has no say there, so that there is nothing to withdraw.
        """
        evidence = words(evidence, "evidence")
        work = self._course.may(session, reference, "cease")
        must_be_ceasable(self._desk.policy, work.found.request.kind, names)
        if self._stop is None:
            raise RequestRefused(
                "the application keeps consents itself.",
                hint="withdraw it there; this ledger cannot.",
            )
        how: Literal["web", "letter"] = "web" if work.found.request.was_signed_in else "letter"
        what = "purpose" if work.found.request.kind == "cease_use" else "recipient"
        with self._desk.whole(session):
            for name in dict.fromkeys(names):
                self._stop(session, self._course.subject_of(work), f"{what}:{name}", how, f"request {reference}")
            return self._course.write(session, work, what=names, evidence=evidence)

    def hand_on(self, session: Session | Connection, reference: str) -> Request:
        """Accepts a request for erasure and hands it on; it is answered once the data is gone."""
        work = self._course.may(session, reference, "hand_on")
        with self._desk.whole(session):
            made = self._course.write(session, work)
            if self._erasure is not None:
                kind, key = self._course.subject_of(work)
                with self._desk.open(session, subjects=[(kind, key)]) as connection:
                    self._erasure.erase_on_request(connection, kind, key, reference)
            return made

    def preview(self, session: Session | Connection, reference: str, *, leave_out: Collection[str] = ()) -> PersonFile:
        """The file as it would be answered with, to be looked through first. The same check of identity is needed.

        :param leave_out: as for :meth:`answer`.
        """
        return self._answering.preview(session, reference, leave_out)

    def answer(
        self,
        session: Session | Connection,
        reference: str,
        *,
        leave_out: Collection[str] = (),
        article: str | None = None,
        reason: str | None = None,
    ) -> Answer:
        """Answers a request. That of one for disclosure is the person's file, made now and kept nowhere.

        :param leave_out: columns that are not disclosed, ``"table.column"``; takes the article and the reason.
        :param article: by which they are not, e.g. ``"33-2-1"``.
        :param reason: why, for the person; sealed.
        :raises RequestRefused: what was asked for is not done yet, or the article does not hold for it.
        """
        return self._answering.answer(session, reference, leave_out, article, reason)

    def refuse(self, session: Session | Connection, reference: str, *, article: str, reason: str) -> Request:
        """Refuses what was asked for. The reason is for the person (Article 36).

        :param article: of the law, e.g. ``"34-1"``; ``sa_privacy.customers.requests.articles`` has them in words.
        :raises RequestRefused: the article does not hold for requests of this kind, or there is no reason.
        """
        work = self._course.may(session, reference, "refuse")
        must_hold(work.found.request.kind, article)
        needed(reason, "why", "reason")
        return self._course.write(session, work, article=article, reason=reason)

    def close(self, session: Session | Connection, reference: str, *, reason: str) -> Request:
        """Ends a request of which nobody could make sure whose it is."""
        needed(reason, "why", "reason")
        return self._course.write(session, self._course.may(session, reference, "close"), reason=reason)
