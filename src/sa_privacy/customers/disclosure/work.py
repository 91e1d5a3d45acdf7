"""The desk at which one disclosure is worked on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from sa_privacy.customers.disclosure.tables import PROVISIONS
from sa_privacy.customers.disclosure.terms import Terms
from sa_privacy.ledger import Desk, Person

if TYPE_CHECKING:
    from sa_privacy.gate.statements.evidence import Evidence

__all__ = ["Work"]


@dataclass(frozen=True, slots=True)
class Work:
    """One disclosure on its way.

    :param record: the id that its record gets.
    """

    desk: Desk
    evidence: Evidence
    session: Session
    terms: Terms
    record: str

    @contextmanager
    def at_desk(self, people: Collection[Person] = (), reads: Collection[str] = ()) -> Iterator[Connection]:
        """The desk, whose events say whom it gives data to and under which record.

        :param people: whose data it is about, where the statements do not say so themselves.
        :param reads: categories of the application's data.
        """
        subjects = [(person.kind, person.key) for person in people]
        with self.desk.open(self.session, reads=reads, subjects=subjects) as connection:
            self.evidence.say_with(self.desk.held(), recipient=self.terms.recipient.name, provision=self.record)
            yield connection

    def is_recorded(self, connection: Connection) -> bool:
        """Whether its record is in the transaction of the connection."""
        with self.desk.open(connection, asked=False, reading=True):
            return connection.scalar(select(PROVISIONS.c.id).where(PROVISIONS.c.id == self.record)) is not None
