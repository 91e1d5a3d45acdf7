"""Making sure who asks: what a check found is noted, whether it succeeded or not, and few checks fail.

A check that failed and one against somebody who is not there are the same entry. Failures are counted twice: of the request,
which is closed after a few, and of whoever it was checked against, in all requests together, so that somebody who guesses
does not get more attempts by asking more often. For that a step holds a keyed pseudonym of whom it was checked against, whether
they are there or not, and a number that counts these checks: two that are written at once have the same one, and one of them
is refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from sa_privacy.crypto.pseudonym import Pseudonyms
from sa_privacy.customers.requests.book import checks_of
from sa_privacy.customers.requests.checks import needed
from sa_privacy.customers.requests.course import Course, Work
from sa_privacy.customers.requests.states import advance
from sa_privacy.customers.requests.view import Request
from sa_privacy.customers.requests.who import SIGNED_IN, rules_of
from sa_privacy.errors import KeyUnavailable, RequestRefused
from sa_privacy.ledger import Desk, Person, look_for

__all__ = ["Identity", "name_of_checked"]

_DOMAIN = "sa-privacy-identity:"


def name_of_checked(pseudonyms: Pseudonyms, kind: str, key: object) -> str:
    """What steps hold of whom a check was about.

    :param key: as ledgers keep it, of who is there.
    """
    return pseudonyms.of(_DOMAIN + kind, key)


class Identity:
    """Notes checks of identity, at the desk of one policy.

    :param pseudonyms: tell people apart by whom checks are counted.
    """

    def __init__(self, desk: Desk, course: Course, pseudonyms: Pseudonyms | None) -> None:
        self._desk = desk
        self._course = course
        self._pseudonyms = pseudonyms

    def check(
        self,
        session: Session | Connection,
        reference: str,
        subject: object,
        method: str,
        evidence: str | None,
        passed: bool,
    ) -> Request:
        """See :meth:`sa_privacy.customers.requests.requests.Requests.identify`."""
        rules = rules_of(self._desk)
        if rules.identity and method not in rules.identity:
            raise RequestRefused(
                "the policy does not know this way of making sure who somebody is.",
                hint=f"[requests] identity: {', '.join(rules.identity)}.",
            )
        work = self._course.may(session, reference, "identify", own=True)
        if work.who.person is not None:
            if method != SIGNED_IN:
                raise RequestRefused("who is signed in is identified by that.", hint="leave method= out.")
            return self._course.write(session, work, method=method, subject=work.who.person)
        if method == SIGNED_IN or subject is None:
            raise RequestRefused(
                "it has to be said who was checked, and how.",
                hint="identify(session, reference, key, method=..., evidence=...).",
            )
        said = {"method": needed(method, "how it was checked", "method")}
        said["evidence"] = needed(evidence, "what was seen at the check", "evidence")
        if passed is not True and passed is not False:
            raise RequestRefused("a check succeeded, or it did not.", hint="passed=True or passed=False.")
        with self._desk.open(session) as connection:
            kind, key, person = look_for(self._desk, connection, subject)
            counted = self._counted(connection, work, kind, key if person is None else person.text)
        return self._note(session, work, person if passed else None, {**said, "counted": counted})

    def _note(self, session: Session | Connection, work: Work, person: Person | None, said: dict[str, Any]) -> Request:
        """Writes what a check found.

        :param person: who it is; None: it failed.
        """
        found = work.found
        if person is None:
            failed = advance(found.request.progress, "fail", work.at, rules_of(self._desk))
            return self._course.write(session, replace(work, step="fail", after=failed), **said)
        known = (person.kind, person.text)
        if found.subject not in (None, known):
            raise RequestRefused(
                "the request was made sure to be another person's before.",
                hint="close it or let it be withdrawn, and receive a new one.",
            )
        return self._course.write(session, work, subject=known, **said)

    def _counted(self, connection: Connection, work: Work, kind: str, key: object) -> dict[str, Any]:
        """What a step holds by which checks are counted.

        :raises RequestRefused: too many have failed lately.
        """
        if self._pseudonyms is None:
            raise KeyUnavailable(
                "checks of identity need keys, and there are none.", hint="Privacy(..., keys=Keyring.load(...))."
            )
        rules = rules_of(self._desk)
        whom = name_of_checked(self._pseudonyms, kind, key)
        number, failed = checks_of(connection, whom, since=rules.attempts_within.before(work.at))
        if failed >= rules.attempts_of_person:
            raise RequestRefused(
                "checks against the person who was named have failed too often lately, in whichever requests; no other one counts.",
                hint=f"wait: no more than {rules.attempts_of_person} may fail within {rules.attempts_within} "
                "([requests] attempts_of_person, attempts_within); who is signed in needs no check.",
            )
        return {"checked": whom, "check_number": number + 1}
