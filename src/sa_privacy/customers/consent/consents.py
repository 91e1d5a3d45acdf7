"""Consent (同意): what people said of the use of their data, entered in the transaction of the caller. ``privacy.consents``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from sa_privacy.crypto.pseudonym import Pseudonyms
from sa_privacy.customers.agent import Agent
from sa_privacy.customers.consent.book import counted, entries, shown_text, state_of
from sa_privacy.customers.consent.checks import Words, must_act, must_be_allowed
from sa_privacy.customers.consent.entering import Entering, about_person
from sa_privacy.customers.consent.entry import ConsentCount, ConsentEntry, ConsentState, How
from sa_privacy.customers.consent.export import exported
from sa_privacy.customers.consent.matters import matter_of, matters_of
from sa_privacy.customers.consent.port import ConsentLedger
from sa_privacy.customers.consent.receipt import Format, receipt_of
from sa_privacy.errors import ConsentRefused, KeyUnavailable
from sa_privacy.ledger import Desk

__all__ = ["Consents"]


class Consents:
    """The ledger of consent of one policy.

    Everything is written in the transaction of the session, and counts when that is committed: from then on, for the next
    statement of anybody. Somebody must act: the person, signed in (an access with a ``subject``, in a role that reaches
    people's own rows alone), or anybody else who names their ``actor``. An access with a ``subject`` is about nobody else.

    :param pseudonyms: by which people are named in exports.
    """

    def __init__(self, desk: Desk, pseudonyms: Pseudonyms | None = None) -> None:
        self._desk = desk
        self._entering = Entering(desk)
        self._pseudonyms = pseudonyms
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
        words = Words(how, at, language, evidence, by, idempotency_key)
        return self._entering.enter(session, subject, to, "given", words)

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
        words = Words(how, at, language, evidence, by, idempotency_key)
        return self._entering.enter(session, subject, to, "refused", words)

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
        words = Words(how, at, language, evidence, by, idempotency_key)
        return self._entering.enter(session, subject, to, "withdrawn", words)

    def state(self, session: Session | Connection, subject: object, to: str) -> ConsentState:
        """What counts now for a person and a purpose or recipient. Raises what :meth:`give` raises."""
        matter = matter_of(self._desk.policy, to)
        with about_person(self._desk, session, subject, reading=True) as (connection, person, _):
            return ConsentState.of(matter, state_of(connection, person, matter), self._desk.moment())

    def history(self, session: Session | Connection, subject: object) -> list[ConsentEntry]:
        """All that a person ever said, in the order in which it was entered. Raises what :meth:`give` raises."""
        with about_person(self._desk, session, subject, reading=True) as (connection, person, _):
            return entries(connection, person)

    def counts(self, session: Session | Connection) -> list[ConsentCount]:
        """How many people said what, for everything that the policy needs consent for.

        :raises ConsentRefused: the access is for one person, or nobody acts.
        """
        access = self._desk.held()
        must_act(access)
        with self._desk.open(session, reading=True) as connection:
            must_be_allowed(self._desk, connection, access)
            if access.subject is not None:
                raise ConsentRefused(
                    "the access is for one person, and this counts everybody.", hint="count under an access of staff."
                )
            now = self._desk.moment()
            return [counted(connection, matter, now) for matter in matters_of(self._desk.policy).values()]

    def export(self, session: Session | Connection, subject: object) -> dict[str, Any]:
        """All that a person ever said, as JSON-LD in the terms of the W3C Data Privacy Vocabulary 2.3.

        Agents' names and evidence are not in it; the person is a pseudonym, the one of the access log.

        :raises KeyUnavailable: there are no keys, by which pseudonyms are made.

        Source: https://w3id.org/dpv/guides/consent-27560 (ISO/IEC TS 27560:2023); see ``export.py``.
        """
        if self._pseudonyms is None:
            raise KeyUnavailable(
                "people are named by keyed pseudonyms, and there are no keys.", hint="Privacy(keys=...)."
            )
        with about_person(self._desk, session, subject, reading=True) as (connection, person, _):

            def text(wording: str, version: str, language: str) -> str | None:
                return shown_text(connection, wording, version, language)

            pseudonym, now = self._pseudonyms.of(person.kind, person.key), self._desk.moment()
            return exported(self._desk.policy, pseudonym, entries(connection, person), text, now)

    def receipt(
        self,
        session: Session | Connection,
        subject: object,
        entry_id: str,
        language: str,
        *,
        format: Format = "text",  # noqa: A002 - as in privacy.disclose
    ) -> str:
        """A receipt of one entry, for the person: what was said, when and how, the text that was shown, and how to withdraw.

        :param entry_id: of the entry, as :attr:`ConsentEntry.id <sa_privacy.customers.consent.ConsentEntry>`.
        :param language: ``"en"`` or ``"ja"``.
        :param format: ``"text"`` or ``"html"``.
        :raises ConsentRefused: the person has no such entry.
        """
        with about_person(self._desk, session, subject, reading=True) as (connection, person, _):
            wanted: object = entry_id
            known = isinstance(wanted, str) and wanted.isprintable()
            found = entries(connection, person, record=entry_id) if known else []
            if not found:
                raise ConsentRefused(
                    "this person has no such entry.", hint="privacy.consents.history(...) tells the ids of entries."
                )
            entry, text = found[0], None
            if entry.wording is not None and entry.language is not None:
                text = shown_text(connection, entry.wording, entry.version, entry.language)
        return receipt_of(self._desk.policy, entry, text, language, format)
