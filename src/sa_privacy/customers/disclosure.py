"""The one door through which data leaves to others: read, recorded and handed over, or none of it.

What is given is read through the gate, for the access that gives it. The record is written in the transaction of the read,
and the data can be had only once that was committed: so there is no disclosure without a record, whatever fails.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, false, func, select, update
from sqlalchemy.orm import Session

from sa_privacy.columns.catalogue import PersonalColumn
from sa_privacy.customers.consent_port import ConsentLedger
from sa_privacy.customers.consent_tables import CONSENT_STATE
from sa_privacy.customers.disclosure_document import FORMATS, Document, PersonGiven
from sa_privacy.customers.owned import Owned, OwnedTable, categories_read, in_batches, same_key
from sa_privacy.customers.provision_tables import PROVIDED, PROVISIONS
from sa_privacy.customers.provisions import as_list, as_titles
from sa_privacy.customers.terms import Terms, terms_of
from sa_privacy.customers.until_committed import Awaited
from sa_privacy.errors import DisclosureRefused, PolicyError
from sa_privacy.ledger import Desk, Person, find_people

if TYPE_CHECKING:
    from sa_privacy.gate.evidence import Evidence
    from sa_privacy.policy import ConsentPort

__all__ = ["Disclosure", "Disclosures"]

NO_CONSENT: Final = "no_consent"
NOTHING_HELD: Final = "nothing_held"


class Disclosure:
    """What was given away, to be handed over once its record is committed.

    :ivar records: the ids of its records; empty where nothing was given.
    :ivar given: of how many people.
    :ivar left_out: how many people were left out, by why: ``"no_consent"``, ``"nothing_held"``. Not who.
    :ivar format: ``"json"`` or ``"csv"``.
    """

    __slots__ = ("_awaited", "_data", "format", "given", "left_out", "records", "to")

    def __init__(
        self, document: Document, data: bytes, form: str, left_out: Mapping[str, int], awaited: Awaited | None
    ) -> None:
        self.to = document.terms.recipient.name
        self.given = len(document.people)
        self.records: tuple[str, ...] = (document.record,) if document.people else ()
        self.left_out: Mapping[str, int] = MappingProxyType(dict(left_out))
        self.format = form
        self._data = data
        self._awaited = awaited

    @property
    def data(self) -> bytes:
        """The document, in UTF-8. See docs/disclosure.md.

        :raises DisclosureRefused: the transaction with the record has not been committed, or was rolled back.
        """
        state = "committed" if self._awaited is None else self._awaited.state
        if state == "pending":
            raise DisclosureRefused(
                "the record of this disclosure is not committed yet, so its data cannot be had.",
                hint="session.commit() first; then read .data and send it.",
            )
        if state == "void":
            raise DisclosureRefused(
                "the record of this disclosure was rolled back, so nothing was given.",
                hint="disclose again, and commit before reading .data.",
            )
        return self._data

    def __repr__(self) -> str:
        state = "nothing to record" if self._awaited is None else self._awaited.state
        return f"<Disclosure to={self.to!r} given={self.given} left_out={sum(self.left_out.values())} {state}>"

    def __reduce__(self) -> Any:
        raise TypeError("a disclosure stays in the process that made it; send its data.")


@dataclass(slots=True)
class _Gathered:
    """What is found for the people of one disclosure, in their order."""

    people: list[tuple[Person, PersonGiven]] = field(default_factory=list)
    consents: dict[tuple[str, str], str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


class Disclosures:
    """Gives data away for one policy.

    :param evidence: writes what is refused into the access log.
    :param consents: who knows what people agreed to.
    """

    def __init__(self, desk: Desk, evidence: Evidence, consents: ConsentPort) -> None:
        self._desk = desk
        self._evidence = evidence
        self._consents = consents
        self._owned = Owned(desk.live)

    def disclose(
        self,
        session: Session,
        *,
        to: str,
        subjects: object,
        categories: str | Iterable[str],
        ground: str | None = None,
        evidence: Mapping[str, object] | None = None,
        format: str = "json",  # noqa: A002 - the contract's name
    ) -> Disclosure:
        """See :meth:`sa_privacy.Privacy.disclose`."""
        record = str(uuid.uuid4())
        access = self._desk.held()
        if not isinstance(session, Session):
            raise PolicyError(
                f"a {type(session).__name__} cannot tell when the record of a disclosure was committed.",
                hint="give a Session; for an AsyncSession, await session.run_sync(...).",
            )
        if not isinstance(categories, str):
            categories = tuple(categories)
        now = self._desk.moment()
        with self._written_down_if_refused(to):
            if format not in FORMATS:
                raise DisclosureRefused("there is no such format.", hint=f"formats: {', '.join(FORMATS)}.")
            terms = terms_of(
                self._desk.policy,
                access,
                access.roles,
                to=to,
                categories=categories,
                ground=ground,
                evidence=evidence,
                now=now,
            )
            port = self._port(terms)
            at = self._moment(session)
        gathered = self._gather(session, terms, port, subjects, record)
        document = self._document(terms, record, at, gathered)
        data = FORMATS[format](document)
        if not gathered.people:
            return Disclosure(document, data, format, gathered.left_out, None)
        awaited = Awaited(session)
        try:
            self._write(session, document, gathered, format)
        except BaseException:
            awaited.broken = True
            raise
        return Disclosure(document, data, format, gathered.left_out, awaited)

    # -- who may --------------------------------------------------------------------------------------------------

    @contextmanager
    def _written_down_if_refused(self, to: object) -> Iterator[None]:
        try:
            yield
        except DisclosureRefused as error:
            known = to if isinstance(to, str) and to in self._desk.policy.recipients else None
            self._evidence.write_refusal(self._desk.held(), [f"disclose {error.code}"], recipient=known)
            raise

    def _port(self, terms: Terms) -> ConsentPort | None:
        asks = any(self._desk.policy.purposes[name].consent != "none" for name in terms.purposes)
        return self._consents if terms.needs_consent or asks else None

    def _moment(self, session: Session) -> datetime:
        """When it is given: not before what is on record already, in a transaction.

        :raises DisclosureRefused: there is none.
        :raises ClockWentBack: the clock shows an earlier time than the last record.
        """
        with self._desk.open(session) as connection:
            if _commits_by_itself(connection):
                raise DisclosureRefused(
                    "on an autocommit connection the record and what it rests on are no one transaction.",
                    hint="use an engine or session without AUTOCOMMIT for disclosures.",
                )
            return self._desk.moment(after=connection.scalar(select(func.max(PROVISIONS.c.at))))

    # -- what is given --------------------------------------------------------------------------------------------

    def _gather(
        self, session: Session, terms: Terms, port: ConsentPort | None, subjects: object, record: str
    ) -> _Gathered:
        gathered = _Gathered()
        with self._at_work(session, terms, record) as connection:
            people = find_people(self._desk, connection, subjects)
            if port is not None:
                _keep_withdrawals_waiting(connection)
        numbers = {(person.kind, person.text): number for number, person in enumerate(people, 1)}
        for kind in dict.fromkeys(person.kind for person in people):
            tables = self._sources(kind, terms)
            for some in in_batches(person for person in people if person.kind == kind):
                asked = self._agreeing(session, terms, port, kind, some, record, gathered)
                gathered.left_out[NO_CONSENT] += len(some) - len(asked)
                self._read(session, terms, tables, asked, numbers, record, gathered)
        gathered.left_out = +gathered.left_out
        gathered.people.sort(key=lambda pair: pair[1].number)
        return gathered

    def _sources(self, kind: str, terms: Terms) -> Sequence[tuple[OwnedTable, tuple[PersonalColumn, ...]]]:
        """What is looked at for people of a kind. A column that is narrowed to purposes is for these alone, for a
        processor too.
        """
        found = []
        for table in self._owned.tables(kind):
            columns = table.holding(terms.categories)
            if terms.purposes:
                columns = tuple(c for c in columns if c.purposes is None or not c.purposes.isdisjoint(terms.purposes))
            if columns:
                found.append((table, columns))
        return found

    def _agreeing(
        self,
        session: Session,
        terms: Terms,
        port: ConsentPort | None,
        kind: str,
        some: list[Person],
        record: str,
        gathered: _Gathered,
    ) -> list[Person]:
        """Those of whom data may be given, as of now and until the transaction ends."""
        if port is None:
            return some
        with self._at_work(session, terms, record, some) as connection:
            if terms.needs_consent:
                agreed = port.agreed(connection, terms.recipient.name, kind, [person.key for person in some])
                keys = {same_key(key) for key in agreed}
                if isinstance(port, ConsentLedger):
                    gathered.consents.update(_entries(connection, terms.recipient.name, kind, some))
            else:
                keys = self._not_refusing(connection, terms, port, kind, some)
        return [person for person in some if same_key(person.key) in keys]

    def _not_refusing(
        self, connection: Connection, terms: Terms, port: ConsentPort, kind: str, some: list[Person]
    ) -> set[str]:
        """Those who may be reached for every purpose that the processor works for."""
        own = self._owned.tables(kind)[0]
        key = own.table.c[own.key]
        conditions = [
            port.condition(name, kind, key)
            for name in terms.purposes
            if self._desk.policy.purposes[name].consent != "none"
        ]
        found = connection.scalars(select(key).where(key.in_([person.key for person in some]), *conditions))
        return {same_key(one) for one in found.all()}

    def _read(
        self,
        session: Session,
        terms: Terms,
        tables: Sequence[tuple[OwnedTable, tuple[PersonalColumn, ...]]],
        people: Sequence[Person],
        numbers: Mapping[tuple[str, str], int],
        record: str,
        gathered: _Gathered,
    ) -> None:
        """Reads what is there of some people."""
        held: dict[str, dict[str, list[Mapping[str, Any]]]] = {same_key(person.key): {} for person in people}
        for table, columns in tables if people else ():
            names = [column.column for column in columns]
            with self._at_work(session, terms, record, reads=categories_read(table, columns)) as connection:
                for row in table.rows(connection, [person.key for person in people], names):
                    values = {name: value for name, value in row.values.items() if value is not None}
                    if values:
                        held[row.owner].setdefault(table.name, []).append(values)
        for person in people:
            found = held[same_key(person.key)]
            if found:
                number = numbers[person.kind, person.text]
                gathered.people.append((person, PersonGiven(number, person.kind, found)))
            else:
                gathered.left_out[NOTHING_HELD] += 1

    def _document(self, terms: Terms, record: str, now: datetime, gathered: _Gathered) -> Document:
        kinds = sorted({person.kind for person, _ in gathered.people})
        sources = [source for kind in kinds for source in self._sources(kind, terms)]
        return Document(
            record,
            now,
            self._desk.policy,
            terms,
            [column for _, columns in sources for column in columns],
            [given for _, given in gathered.people],
            len(kinds) < 2 and all(table.single for table, _ in sources),
        )

    # -- the record -----------------------------------------------------------------------------------------------

    def _write(self, session: Session, document: Document, gathered: _Gathered, form: str) -> None:
        """One row for each person, then the one that they belong to: without it nothing was given."""
        known = {(column.table, column.column): column.category for column in document.columns}
        batches = list(in_batches(gathered.people))
        for some in batches:
            people = [person for person, _ in some]
            with self._at_work(session, document.terms, document.record, people) as connection:
                connection.execute(
                    PROVIDED.insert(),
                    [
                        {
                            "provision": document.record,
                            "number": given.number,
                            "subject_kind": person.kind,
                            "subject_key": person.text,
                            "categories": as_list(_categories(given, known)),
                            "consent": gathered.consents.get((person.kind, person.text)),
                        }
                        for person, given in some
                    ],
                )
                if some is batches[-1]:
                    connection.execute(PROVISIONS.insert().values(**self._head(document, form)))

    def _head(self, document: Document, form: str) -> dict[str, Any]:
        """What APPI 29 asks for, and what it rests on."""
        terms, access = document.terms, self._desk.held()
        recipient, proof = terms.recipient, terms.proof
        return {
            "id": document.record,
            "at": document.at,
            "recipient": recipient.name,
            "kind": recipient.kind,
            "recipient_name": as_titles(recipient.title),
            "address": recipient.address,
            "representative": recipient.representative,
            "country": recipient.country,
            "contract": recipient.contract,
            "categories": as_list(terms.categories),
            "people": len(document.people),
            "ground": proof.ground.name if proof is not None else None,
            "clause": proof.ground.clause if proof is not None else None,
            "article": proof.article if proof is not None else None,
            "evidence": proof.shown if proof is not None else None,
            "actor": access.actor,
            "purposes": as_list(access.purposes),
            "format": form,
            "policy": self._desk.policy.hash,
            "keep_until": terms.keep.after(document.at),
        }

    @contextmanager
    def _at_work(
        self,
        session: Session,
        terms: Terms,
        record: str,
        people: Collection[Person] = (),
        reads: Collection[str] = (),
    ) -> Iterator[Connection]:
        """The desk, whose events say whom it gives data to and under which record."""
        subjects = [(person.kind, person.key) for person in people]
        with self._desk.open(session, reads=reads, subjects=subjects) as connection:
            self._evidence.say_with(self._desk.held(), recipient=terms.recipient.name, provision=record)
            yield connection


def _commits_by_itself(connection: Connection) -> bool:
    """Whether each statement is a transaction of its own: told to SQLAlchemy, or to the driver."""
    asked = connection.get_execution_options().get("isolation_level")
    return asked == "AUTOCOMMIT" or getattr(connection.connection.dbapi_connection, "autocommit", False) is True


def _categories(given: PersonGiven, known: Mapping[tuple[str, str], str]) -> set[str]:
    return {known[table, name] for table, rows in given.tables.items() for row in rows for name in row}


def _entries(
    connection: Connection, recipient: str, kind: str, people: Collection[Person]
) -> dict[tuple[str, str], str]:
    """The entry of the ledger that counts, of each who ever said something: nobody can change it before the record is
    written.
    """
    state = CONSENT_STATE.c
    found = connection.execute(
        select(state.subject, state.record).where(
            state.what == f"recipient:{recipient}",
            state.kind == kind,
            state.subject.in_([person.text for person in people]),
        )
    )
    return {(kind, subject): entry for subject, entry in found.all()}


def _keep_withdrawals_waiting(connection: Connection) -> None:
    """On SQLite a transaction that only reads keeps nobody from writing: from here on it is one that writes, so that who
    withdraws a consent waits until it ends. PostgreSQL locks the rows of the consents that are looked at.
    """
    if connection.dialect.name == "sqlite":
        connection.execute(update(PROVISIONS).where(false()).values(people=0))
