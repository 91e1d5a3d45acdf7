"""Where people and staff are served: consent, requests, what is given away and received, accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, MetaData
from sqlalchemy.orm import Session

from sa_privacy.customers.consent import Consents
from sa_privacy.customers.disclosure.disclosures import Disclosure, Disclosures
from sa_privacy.customers.disclosure.provisions import Provisions
from sa_privacy.customers.disclosure.receipts import Giver, receive
from sa_privacy.customers.erasure.erasures import Erasures
from sa_privacy.customers.holds.holds import Holds
from sa_privacy.customers.requests.requests import Requests
from sa_privacy.customers.retention.retention import Retention
from sa_privacy.ledger import OWN_TABLES, Desk
from sa_privacy.staff import Staff

__all__ = ["Desks"]


class Desks:
    """The desks of one policy, and the library's own tables that they keep."""

    def __init__(
        self,
        desk: Desk,
        *,
        consents: Consents,
        requests: Requests,
        erasures: Erasures,
        holds: Holds,
        retention: Retention,
        disclosures: Disclosures,
        staff: Staff,
    ) -> None:
        self._desk = desk
        self._consents, self._disclosures, self._staff = consents, disclosures, staff
        self._requests, self._erasures = requests, erasures
        self._holds, self._retention = holds, retention

    @property
    def metadata(self) -> MetaData:
        """The library's own tables: consent, provisions, requests, staff. ``privacy.metadata.create_all(engine)`` makes
        them; ``sa-privacy tables upgrade`` keeps them up to date.
        """
        return OWN_TABLES

    @property
    def staff(self) -> Staff:
        """Accounts, granted roles and pledges of those who act."""
        return self._staff

    @property
    def consents(self) -> Consents:
        """The ledger of consent: who agreed to what, and took it back."""
        return self._consents

    @property
    def requests(self) -> Requests:
        """What people ask for: disclosure, correction, ceasing use or provision, erasure. See docs/requests.md."""
        return self._requests

    @property
    def holds(self) -> Holds:
        """What must stay as it is for as long as a case lasts. See docs/holds.md."""
        return self._holds

    @property
    def erasure(self) -> Erasures:
        """The end of a person's data: a plan to look at, and its execution. See docs/erasure.md."""
        return self._erasures

    @property
    def retention(self) -> Retention:
        """The end of data whose time is over: what is due, and doing it. See docs/retention.md."""
        return self._retention

    def disclose(
        self,
        session: Session,
        *,
        to: str,
        subjects: object,
        categories: str | Iterable[str],
        ground: str | None = None,
        evidence: Mapping[str, object] | None = None,
        format: Literal["json", "csv"] = "json",  # noqa: A002 - the contract's name
    ) -> Disclosure:
        """Gives people's data to a recipient of the policy: the only door out. See docs/disclosure.md.

        Reads it, for the access in force, and writes the record in the session's transaction. The data can be had once
        that is committed: ``disclosure = ...; session.commit(); send(disclosure.data)``.

        :param to: as the policy names the recipient. One of the access's roles must have it under ``disclose``.
        :param subjects: a key, ``(kind, key)``, or a list or set of these.
        :param categories: what is to be given: one category of the policy, or several.
        :param ground: of the policy, where data is given without consent.
        :param evidence: what the ground requires, and nothing else.
        :param format: of the data, ``"json"`` or ``"csv"``.
        :raises DisclosureRefused: it may not be given; it is logged as a denial, and says what is in the way.
        :raises UnknownPerson: not all of the people are there.
        :raises LogUnavailable: it cannot be logged; roll back.
        """
        return self._disclosures.disclose(
            session,
            to=to,
            subjects=subjects,
            categories=categories,
            ground=ground,
            evidence=evidence,
            format=format,
        )

    def received(
        self,
        session: Session | Connection,
        *,
        from_: str | Giver,
        subjects: object,
        categories: str | Iterable[str],
        how_obtained: str,
        at: datetime | None = None,
    ) -> str:
        """Writes down that data was received from somebody else (APPI 30), in the transaction of its rows.

        :param from_: a recipient of the policy, or a :class:`~sa_privacy.Giver`.
        :param subjects: whose data it is, whose rows must be there: a key, ``(kind, key)``, or a list or set of these.
        :param categories: what was received; the access in force must cover writing it.
        :param how_obtained: how the giver had come by it.
        :param at: when it was received, aware; None: now.
        :returns: the id of the record.
        :raises DisclosureRefused: something of it is missing, or the access does not cover it.
        """
        return receive(
            self._desk,
            session,
            from_=from_,
            subjects=subjects,
            categories=categories,
            how_obtained=how_obtained,
            at=at,
        )

    @property
    def provisions(self) -> Provisions:
        """The records of what was given away and received."""
        return Provisions(self._desk)
