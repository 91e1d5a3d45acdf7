"""Consent (同意): what people said of the use of their data, entered in the transaction of the caller. ``privacy.consents``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from sa_privacy.access import Access
from sa_privacy.access.subjects import as_subjects, of_kinds
from sa_privacy.customers.agent import Agent
from sa_privacy.customers.consent_book import New, entries, locked_state, said_with_key, state_of, write
from sa_privacy.customers.consent_entry import (
    HOW,
    ConsentEntry,
    ConsentState,
    How,
    Said,
    must_follow,
    must_not_be_twice,
)
from sa_privacy.customers.consent_matters import Matter, matter_of
from sa_privacy.customers.consent_port import ConsentLedger
from sa_privacy.errors import ConsentRefused, PolicyError, UnknownPerson
from sa_privacy.ledger import Desk, Person, find_person

__all__ = ["Consents"]

_APART: Final = timedelta(seconds=5)  # how far the clock of whoever says when may be ahead
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class _Words:
    """What a caller says of an entry."""

    how: How
    at: datetime | None
    language: str | None
    evidence: str | None
    by: Agent | None
    idempotency_key: str | None


class Consents:
    """The ledger of consent of one policy.

    Everything is written in the transaction of the session, and counts when that is committed: from then on, for the next
    statement of anybody. Somebody must act: an access with a ``subject`` speaks for that person alone; any other must name
    its ``actor``.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        #: The ledger as the gate asks it.
        self.port = ConsentLedger(desk)

    def give(
        self,
        session: Session | Connection,
        subject: object,
        to: str,
        *,
        how: How,
        at: datetime | None = None,
        language: str | None = None,
        evidence: str | None = None,
        by: Agent | None = None,
        idempotency_key: str | None = None,
    ) -> ConsentEntry:
        """The person agrees. Giving again renews it.

        :param session: or a ``Connection``. For an ``AsyncSession``: ``await session.run_sync(lambda s: ...)``.
        :param subject: the person: the key of their row, or ``(kind, key)``.
        :param to: the purpose or the recipient, as the policy names it.
        :param how: in what way they said so.
        :param at: when, aware; now, where it is left out.
        :param language: in which the wording was shown; needed where there is one in several languages.
        :param evidence: what shows it, e.g. the number of the form; sealed.
        :param by: the agent who said it for them.
        :param idempotency_key: the same entry, sent again with the same key, is entered once.
        :raises ConsentRefused: it may not be entered; nothing was written.
        :raises UnknownPerson: there is no such person.
        :raises PolicyError: an argument cannot be meant.
        :raises NoAccess: no access is declared.
        :raises ClockWentBack: the ledger holds a later entry.
        """
        words = _Words(how, at, language, evidence, by, idempotency_key)
        return self._enter(session, subject, to, "given", words)

    def refuse(
        self,
        session: Session | Connection,
        subject: object,
        to: str,
        *,
        how: How,
        at: datetime | None = None,
        language: str | None = None,
        evidence: str | None = None,
        by: Agent | None = None,
        idempotency_key: str | None = None,
    ) -> ConsentEntry:
        """The person says no: to the question, or to what is done unless they object. Takes what :meth:`give` takes."""
        words = _Words(how, at, language, evidence, by, idempotency_key)
        return self._enter(session, subject, to, "refused", words)

    def withdraw(
        self,
        session: Session | Connection,
        subject: object,
        to: str,
        *,
        how: How,
        at: datetime | None = None,
        language: str | None = None,
        evidence: str | None = None,
        by: Agent | None = None,
        idempotency_key: str | None = None,
    ) -> ConsentEntry:
        """The person takes a consent back. Takes what :meth:`give` takes.

        :raises ConsentRefused: there is no consent to take back.
        """
        words = _Words(how, at, language, evidence, by, idempotency_key)
        return self._enter(session, subject, to, "withdrawn", words)

    def state(self, session: Session | Connection, subject: object, to: str) -> ConsentState:
        """What counts now for a person and a purpose or recipient. Raises what :meth:`give` raises."""
        matter = matter_of(self._desk.policy, to)
        with self._about(session, subject) as (connection, person, _):
            return ConsentState.of(matter, state_of(connection, person, matter), self._desk.moment())

    def history(self, session: Session | Connection, subject: object) -> list[ConsentEntry]:
        """All that a person ever said, in the order in which it was entered. Raises what :meth:`give` raises."""
        with self._about(session, subject) as (connection, person, _):
            return entries(connection, person)

    def _enter(
        self, session: Session | Connection, subject: object, to: str, said: Said, words: _Words
    ) -> ConsentEntry:
        matter = matter_of(self._desk.policy, to)
        _must_be_meant(words)
        language = self._language(matter, said, words.language)
        with self._about(session, subject) as (connection, person, access):
            for _ in range(_TRIES):
                before = locked_state(connection, person, matter)
                if words.idempotency_key is not None:
                    again = said_with_key(connection, person, matter, words.idempotency_key)
                    if again is not None:
                        return _the_same(again, said)
                now = self._desk.moment(after=before.entered if before is not None else None)
                at = _moment_said(words.at, now, before.at if before is not None else None)
                must_follow(matter, before.said if before is not None else None, said)
                version = before.version if said == "withdrawn" and before is not None else matter.version
                must_not_be_twice(matter, before, said, version, now)
                new = New(
                    said,
                    at,
                    now,
                    words.how,
                    version,
                    language,
                    _valid_until(matter, at) if said == "given" else None,
                    words.evidence,
                    words.by,
                    access.actor,
                    self._desk.policy.hash,
                    words.idempotency_key,
                )
                record = write(connection, person, matter, before, new)
                if record is not None:
                    return entries(connection, person, record=record)[0]
        raise ConsentRefused(
            f'others are changing what this person says of "{matter.name}" all the time.', hint="try again."
        )

    @contextmanager
    def _about(self, session: Session | Connection, subject: object) -> Iterator[tuple[Connection, Person, Access]]:
        """The desk, the person, and the access of whoever may ask about them.

        :raises ConsentRefused: it may not; whether there is such a person is not told then.
        """
        access = self._desk.held()
        _must_act(access)
        whom = of_kinds(as_subjects(subject), self._desk.scopes.kinds())
        with self._desk.open(session, subjects=whom) as connection:
            if access.subject is None:
                yield connection, find_person(self._desk, connection, subject), access
                return
            own = find_person(self._desk, connection, access.subject)
            try:
                person = find_person(self._desk, connection, subject)
            except UnknownPerson:
                person = None
            if person != own:
                raise ConsentRefused(
                    "the access is for one person, and this is somebody else's consent.",
                    hint="people speak for themselves: privacy.access(subject=...) with their own key.",
                )
            yield connection, own, access

    def _language(self, matter: Matter, said: Said, language: str | None) -> str | None:
        """In which language the wording was shown.

        :raises ConsentRefused: there is a wording, and it is not said; or it has no text in it.
        """
        wording = matter.wording
        texts = self._desk.policy.languages if wording is None else tuple(wording.text)
        if language is None and wording is not None and said == "given":
            if len(texts) == 1:
                return texts[0]
            raise ConsentRefused(
                f'in which language was the wording "{wording.name}" shown?',
                hint=f'language="{texts[0]}", or {", ".join(texts[1:])}.',
            )
        if language is not None and language not in texts:
            raise ConsentRefused(
                "there is no wording in that language." if wording is not None else "the policy has no such language.",
                hint=f"languages: {', '.join(texts)}.",
            )
        return language


def _must_act(access: Access) -> None:
    if access.subject is not None:
        return
    purposes = access.grant.policy.purposes
    if any(purposes[name].rows == "own" for name in access.purposes if name in purposes):
        raise ConsentRefused(
            "the purpose reaches one person's own data, and the access does not say whose.",
            hint="privacy.access(subject=...).",
        )
    if access.actor is None:
        raise ConsentRefused(
            "who enters or reads a consent stands in the ledger and the log, and the access names nobody.",
            hint="privacy.access(actor=...), or privacy.access(subject=...) for the person.",
        )


def _must_be_meant(words: _Words) -> None:
    if words.how not in HOW:
        raise PolicyError("how was it said?", hint=f"how= is one of {', '.join(HOW)}.")
    by: Any = words.by
    if by is not None and not isinstance(by, Agent):
        raise PolicyError(
            f"a {type(by).__name__} is no agent.", hint="by=Agent(name=..., authority=..., evidence=...)."
        )
    texts: list[tuple[str, Any]] = [("evidence", words.evidence), ("idempotency_key", words.idempotency_key)]
    for name, text in texts:
        if text is not None and (not isinstance(text, str) or not text.strip()):
            raise PolicyError(f"{name} is a text with something in it.", hint=f"leave {name} out where there is none.")
    if words.idempotency_key is not None and len(words.idempotency_key) > 200:
        raise PolicyError("an idempotency key has at most 200 characters.", hint="a UUID will do.")
    at: Any = words.at
    if at is not None and (not isinstance(at, datetime) or at.tzinfo is None):
        raise PolicyError("at= is a moment with its time zone.", hint="datetime.now(UTC).")


def _moment_said(at: datetime | None, now: datetime, last: datetime | None) -> datetime:
    if at is None:
        return now
    if at > now + _APART:
        raise ConsentRefused(
            "nothing can have been said in the future.", hint="at= is when it was said, not from when."
        )
    if last is not None and at < last:
        raise ConsentRefused(
            "something later is in the ledger already: what was said before it changes nothing any more.",
            hint="look at privacy.consents.history(...).",
        )
    return min(at, now)


def _valid_until(matter: Matter, at: datetime) -> datetime | None:
    period = matter.wording.valid_for if matter.wording is not None else None
    try:
        return period.after(at) if period is not None else None
    except OverflowError:  # for ever
        return None


def _the_same(entry: ConsentEntry, said: Said) -> ConsentEntry:
    if entry.said == said:
        return entry
    raise ConsentRefused(
        f"this idempotency key stands for another entry: that it was {entry.said}.", hint="a new entry takes a new key."
    )
