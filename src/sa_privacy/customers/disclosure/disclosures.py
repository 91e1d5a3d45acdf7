"""The one door through which data leaves to others: read, recorded and handed over, or none of it.

What is given is read through the gate, for the access that gives it. The record is written in the transaction of the read,
and the data can be had only once that was committed: so there is no disclosure without a record, whatever fails.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sa_privacy.access.desk import at_desk
from sa_privacy.access.subjects import as_subjects
from sa_privacy.customers.disclosure.document import FORMATS, Document
from sa_privacy.customers.disclosure.gathering import Gathering
from sa_privacy.customers.disclosure.record import write_record
from sa_privacy.customers.disclosure.tables import PROVISIONS
from sa_privacy.customers.disclosure.terms import Terms, terms_of
from sa_privacy.customers.disclosure.until_committed import Awaited
from sa_privacy.customers.disclosure.work import Work
from sa_privacy.customers.owned import Owned
from sa_privacy.errors import DisclosureRefused, PolicyError
from sa_privacy.ledger import Desk

if TYPE_CHECKING:
    from sa_privacy.gate.statements.evidence import Evidence
    from sa_privacy.policy import ConsentPort

__all__ = ["Disclosure", "Disclosures"]

_IN_ONE_EVENT: Final = 10_000


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

        :raises DisclosureRefused: the transaction with the record has not been committed, was rolled back, or is not the
            session's own.
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
        if state == "unknown":
            raise DisclosureRefused(
                "the session is part of a transaction that somebody else ends, so its commit is none.",
                hint='give it one of its own: Session(engine); in tests, Session(..., join_transaction_mode="create_savepoint").',
            )
        return self._data

    def __repr__(self) -> str:
        state = "nothing to record" if self._awaited is None else self._awaited.state
        return f"<Disclosure to={self.to!r} given={self.given} left_out={sum(self.left_out.values())} {state}>"

    def __reduce__(self) -> Any:
        raise TypeError("a disclosure stays in the process that made it; send its data.")


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
        if not isinstance(session, Session):
            raise PolicyError(
                f"{type(session).__name__} cannot tell when the record of a disclosure was committed.",
                hint="give a Session; for an AsyncSession, await session.run_sync(...).",
            )
        with self._written_down_if_refused(to, subjects):
            form: object = format
            if not isinstance(form, str) or form not in FORMATS:
                raise DisclosureRefused("there is no such format.", hint=f"formats: {', '.join(FORMATS)}.")
            with self._desk.open(session) as connection:
                roles = self._desk.roles(connection)
            terms = self._terms(roles, to, categories, ground, evidence)
            at = self._moment(session)
        work = Work(self._desk, self._evidence, session, terms, record=str(uuid.uuid4()))
        gathered = Gathering(work, self._owned, self._consents).of(subjects)
        people = [given for _, given in gathered.people]
        document = Document(work.record, at, self._desk.policy, terms, gathered.columns, people, gathered.flat)
        data = FORMATS[format](document)
        if not people:
            return Disclosure(document, data, format, gathered.left_out, None)
        with work.at_desk() as connection:
            awaited = Awaited(session, connection, self._desk.scopes.carry(partial(work.is_recorded, connection)))
        try:
            write_record(work, document, gathered, format)
        except BaseException:
            awaited.broken = True
            raise
        return Disclosure(document, data, format, gathered.left_out, awaited)

    @contextmanager
    def _written_down_if_refused(self, to: object, subjects: object) -> Iterator[None]:
        try:
            yield
        except DisclosureRefused as error:
            known = to if isinstance(to, str) and to in self._desk.policy.recipients else None
            with at_desk(self._desk.scopes, subjects=self._whose(subjects)) as access:
                self._evidence.write_refusal(access, [f"disclose {error.code}"], recipient=known)
            raise

    def _whose(self, subjects: object) -> Collection[tuple[str, object]]:
        """Whose data was asked for, as far as that was said, and of how many an event can tell."""
        try:
            whose = self._desk.scopes.whose(as_subjects(subjects))
        except PolicyError:
            return ()
        return whose if len(whose) <= _IN_ONE_EVENT else ()

    def _terms(
        self, roles: Collection[str], to: str, categories: str | Iterable[str], ground: str | None, evidence: object
    ) -> Terms:
        return terms_of(
            self._desk.policy,
            self._desk.held(),
            roles,
            to=to,
            categories=categories,
            ground=ground,
            evidence=evidence,
            now=self._desk.moment(),
        )

    def _moment(self, session: Session) -> datetime:
        """When it is given: not before what is on record already.

        :raises ClockWentBack: the clock shows an earlier time than the last record.
        """
        with self._desk.open(session) as connection:
            return self._desk.moment(after=connection.scalar(select(func.max(PROVISIONS.c.at))))
