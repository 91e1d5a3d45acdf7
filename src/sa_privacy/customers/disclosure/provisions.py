"""What was given away, to whom and on what, as the records of APPI Article 29 say it; and what was received (Article 30)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, select
from sqlalchemy.orm import Session

from sa_privacy.access.words import as_text
from sa_privacy.customers.disclosure.document import safe_in_a_spreadsheet
from sa_privacy.customers.disclosure.tables import PROVIDED, PROVISIONS, RECEIPTS, RECEIVED
from sa_privacy.customers.speaking import is_the_person
from sa_privacy.errors import DisclosureRefused, PolicyError, UnknownPerson
from sa_privacy.gate.rows.own_rows import is_subject
from sa_privacy.ledger import Desk, Person, find_person

__all__ = ["Provision", "Provisions", "Receipt", "as_list", "as_titles", "provisions_of", "receipts_of"]

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Provision:
    """One time that data was given away.

    :ivar kind: of the recipient; ``"processor"``: it was entrusted, which is no provision to a third party.
    :ivar recipient_name: by language.
    :ivar categories: what of the person's was given; of a provision as a whole, what was asked for.
    :ivar people: of how many people data was given at that time.
    :ivar consent: the entry of the consent ledger that it rests on, where one person is asked about.
    :ivar article: of APPI 27(1), where it rests on a ground.
    :ivar evidence: what was shown for the ground.
    """

    id: str
    at: datetime
    recipient: str
    kind: str
    recipient_name: Mapping[str, str]
    address: str | None
    representative: str | None
    country: str | None
    contract: str | None
    categories: tuple[str, ...]
    people: int
    ground: str | None
    clause: str | None
    article: str | None
    evidence: Mapping[str, str] = field(repr=False)
    actor: str
    purposes: tuple[str, ...]
    policy: str
    keep_until: datetime
    consent: str | None = None

    @property
    def is_entrustment(self) -> bool:
        """Whether it went to a processor, who works for us (APPI 27(5))."""
        return self.kind == "processor"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One time that data was received from somebody else.

    :ivar at: when it was received; ``entered_at`` is when that was written down.
    :ivar how_obtained: how the giver had come by it.
    """

    id: str
    at: datetime
    entered_at: datetime
    giver: str = field(repr=False)
    address: str | None = field(repr=False)
    representative: str | None = field(repr=False)
    how_obtained: str = field(repr=False)
    categories: tuple[str, ...]
    people: int
    actor: str
    policy: str
    keep_until: datetime


class Provisions:
    """Asks the records. Who may give data away may ask, and so may maintenance, and people about themselves."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def of(self, session: Session | Connection, subject: object) -> tuple[Provision, ...]:
        """What was given away of one person, entrustments included, in order of time.

        :param subject: the key of their row, or ``(kind, key)``.
        :raises DisclosureRefused: the access in force may not ask.
        :raises UnknownPerson: there is no such person.
        """
        return self._about(session, subject, provisions_of)

    def received_of(self, session: Session | Connection, subject: object) -> tuple[Receipt, ...]:
        """What was received about one person from others, in order of time; raises as :meth:`of`."""
        return self._about(session, subject, receipts_of)

    def list(
        self, session: Session | Connection, *, recipient: str | None = None, since: datetime | None = None
    ) -> tuple[Provision, ...]:
        """What was given away, in order of time.

        :param recipient: to this one alone, as the policy names it.
        :param since: the first moment, aware.
        :raises DisclosureRefused: the access in force may not ask.
        """
        self._must_be_allowed(session)
        conditions = _conditions(recipient, since)
        wanted = select(PROVISIONS).where(*conditions).order_by(PROVISIONS.c.at, PROVISIONS.c.id)
        with self._desk.open(session, reading=True) as connection:
            return tuple(_provision(row) for row in connection.execute(wanted).mappings().all())

    def due(self, session: Session | Connection) -> tuple[Provision, ...]:
        """Those past the time for which they are kept. They are removed by retention, and by nothing else: the table is
        append-only.

        :raises DisclosureRefused: the access in force may not ask.
        """
        self._must_be_allowed(session)
        wanted = select(PROVISIONS).where(PROVISIONS.c.keep_until < self._desk.moment()).order_by(PROVISIONS.c.at)
        with self._desk.open(session, reading=True) as connection:
            return tuple(_provision(row) for row in connection.execute(wanted).mappings().all())

    def export(
        self, session: Session | Connection, *, recipient: str | None = None, since: datetime | None = None
    ) -> bytes:
        """The records as an authority may ask for them: CSV in UTF-8, a line for each person of each provision.

        :param recipient: to this one alone, as the policy names it.
        :param since: the first moment, aware.
        :raises DisclosureRefused: the access in force may not ask.
        """
        self._must_be_allowed(session)
        conditions = _conditions(recipient, since)
        wanted = _of_people().where(*conditions).order_by(PROVISIONS.c.at, PROVISIONS.c.id, PROVIDED.c.number)
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(_EXPORTED)
        with self._desk.open(session, reading=True) as connection:
            for row in connection.execute(wanted).mappings().all():
                writer.writerow([safe_in_a_spreadsheet(cell) for cell in self._exported(row)])
        return text.getvalue().encode()

    def _exported(self, row: Mapping[Any, Any]) -> Iterator[object]:
        one = _provision(row)
        language = self._desk.policy.languages[0]
        evidence = json.dumps(dict(one.evidence), ensure_ascii=False) if one.evidence else None
        for name in _EXPORTED:
            if name == "recipient_name":
                yield one.recipient_name.get(language, one.recipient)
            elif name == "entrustment":
                yield one.is_entrustment
            elif name == "evidence":
                yield evidence
            elif name in {"subject_kind", "subject_key"}:
                yield row[name]
            elif name in {"categories", "purposes"}:
                yield " ".join(getattr(one, name))
            else:
                yield getattr(one, name)

    def _about(
        self, session: Session | Connection, subject: object, ask: Callable[[Connection, Person], tuple[R, ...]]
    ) -> tuple[R, ...]:
        access = self._desk.held()
        themselves = is_the_person(access)
        if not themselves:
            self._must_be_allowed(session)
        with self._desk.open(session, reading=True) as connection:
            try:
                person = find_person(self._desk, connection, subject)
            except UnknownPerson:
                if themselves:  # nobody is told whether there is somebody else
                    self._must_be_allowed(session)
                raise
        if themselves and not is_subject(access, person.kind, person.key, self._desk.live.current()):
            self._must_be_allowed(session)
        with self._desk.open(session, subjects=[(person.kind, person.key)], reading=True) as connection:
            return ask(connection, person)

    def _must_be_allowed(self, session: Session | Connection) -> None:
        access, roles = self._desk.held(), self._desk.policy.roles
        with self._desk.open(session, reading=True) as connection:
            acting = self._desk.roles(connection)
        if access.maintenance or any(roles[role].disclose for role in acting if role in roles):
            return
        able = sorted(role.name for role in roles.values() if role.disclose)
        raise DisclosureRefused(
            "the records of what was given away are for those who may give it.",
            hint=f"{', '.join(able) or 'no role of the policy'} may ask; people may ask about themselves.",
            purpose=access.purposes,
            roles=access.roles,
        )


def _conditions(recipient: object, since: object) -> list[ColumnElement[bool]]:
    """What narrows the records that are asked for.

    :raises PolicyError: an argument cannot be meant.
    """
    found: list[ColumnElement[bool]] = []
    if recipient is not None:
        if not isinstance(recipient, str):
            raise PolicyError("a recipient is named by text.", hint='recipient="police", as the policy names it.')
        found.append(PROVISIONS.c.recipient == as_text(recipient).replace("\0", "\\0"))
    if since is not None:
        if not isinstance(since, datetime) or since.tzinfo is None:
            raise PolicyError("since= is a moment with its time zone.", hint="datetime(2026, 4, 1, tzinfo=UTC).")
        found.append(PROVISIONS.c.at >= since)
    return found


_EXPORTED = (
    *("id", "at", "entrustment", "kind", "recipient", "recipient_name", "address", "representative", "country"),
    *("contract", "subject_kind", "subject_key", "categories", "consent", "ground", "clause", "article", "evidence"),
    *("purposes", "actor", "policy", "keep_until"),
)


def provisions_of(connection: Connection, person: Person) -> tuple[Provision, ...]:
    """What was given away of a person.

    :param connection: of an open desk.
    """
    wanted = _of_people().where(PROVIDED.c.subject_kind == person.kind, PROVIDED.c.subject_key == person.text)
    rows = connection.execute(wanted.order_by(PROVISIONS.c.at, PROVISIONS.c.id)).mappings().all()
    return tuple(_provision(row) for row in rows)


def receipts_of(connection: Connection, person: Person) -> tuple[Receipt, ...]:
    """What was received about a person.

    :param connection: of an open desk.
    """
    wanted = (
        select(RECEIPTS)
        .join_from(RECEIVED, RECEIPTS, RECEIPTS.c.id == RECEIVED.c.receipt)
        .where(RECEIVED.c.subject_kind == person.kind, RECEIVED.c.subject_key == person.text)
        .order_by(RECEIPTS.c.at, RECEIPTS.c.id)
    )
    rows = connection.execute(wanted).mappings().all()
    return tuple(Receipt(**{**row, "categories": tuple(row["categories"].split())}) for row in rows)


def _of_people() -> Select[Any]:
    """The records with the people in them; what of each was given stands in place of what was asked for."""
    own = PROVIDED.c
    return select(
        *(column for column in PROVISIONS.c if column.name != "categories"),
        own.categories,
        own.consent,
        own.subject_kind,
        own.subject_key,
    ).join_from(PROVIDED, PROVISIONS, PROVISIONS.c.id == own.provision)


def _provision(row: Mapping[Any, Any]) -> Provision:
    said = {name: row[name] for name in Provision.__dataclass_fields__ if name in row}
    said["recipient_name"] = json.loads(row["recipient_name"])
    said["evidence"] = json.loads(row["evidence"]) if row["evidence"] is not None else {}
    said["categories"] = tuple(row["categories"].split())
    said["purposes"] = tuple(row["purposes"].split())
    return Provision(**said)


def as_list(names: Iterable[str]) -> str:
    """Names of the policy, which hold no blanks, as one text."""
    return " ".join(sorted(names))


def as_titles(titles: Mapping[str, str]) -> str:
    """Words by language as one text."""
    return json.dumps(dict(titles), ensure_ascii=False)
