"""Gathering what a recipient is given: of the people asked for those who agreed, and of these what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, false, select, update

from sa_privacy.columns.catalogue import PersonalColumn
from sa_privacy.customers.consent.port import ConsentLedger
from sa_privacy.customers.consent.tables import CONSENT_STATE
from sa_privacy.customers.disclosure.document import PersonGiven
from sa_privacy.customers.disclosure.tables import PROVISIONS
from sa_privacy.customers.disclosure.work import Work
from sa_privacy.customers.owned import Owned, OwnedTable, categories_read, in_batches, same_key
from sa_privacy.ledger import Person, find_people

if TYPE_CHECKING:
    from sa_privacy.policy import ConsentPort

__all__ = ["NOTHING_HELD", "NO_CONSENT", "Gathered", "Gathering"]

NO_CONSENT: Final = "no_consent"
NOTHING_HELD: Final = "nothing_held"

Source = tuple[OwnedTable, tuple[PersonalColumn, ...]]


@dataclass(slots=True)
class Gathered:
    """What is found for one disclosure.

    :param columns: what was looked at.
    :param flat: all of these are of one kind of people, in tables with one row for each of them.
    :param people: those of whom something is there, in the order in which they were asked for.
    :param consents: the entry of the ledger that counts, by kind and key.
    :param left_out: how many were left out, by why.
    """

    columns: list[PersonalColumn] = field(default_factory=list)
    flat: bool = False
    people: list[tuple[Person, PersonGiven]] = field(default_factory=list)
    consents: dict[tuple[str, str], str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


class Gathering:
    """Gathers for one disclosure."""

    def __init__(self, work: Work, owned: Owned, consents: ConsentPort) -> None:
        self._work = work
        self._owned = owned
        self._consents = consents
        purposes = work.desk.policy.purposes
        #: The purposes, of those that a processor works for, that people are asked about.
        self._asking = [name for name in work.terms.purposes if purposes[name].consent != "none"]
        self._found = Gathered()

    def of(self, subjects: object) -> Gathered:
        """What is there of these people.

        :raises UnknownPerson: not all of them are there.
        """
        with self._work.at_desk() as connection:
            people = find_people(self._work.desk, connection, subjects)
            if self._work.terms.needs_consent or self._asking:
                _keep_withdrawals_waiting(connection)
        numbered = list(enumerate(people, 1))
        kinds = sorted({person.kind for person in people})
        for kind in kinds:
            sources = list(self._sources(kind))
            self._found.columns += [column for _, columns in sources for column in columns]
            self._found.flat = len(kinds) == 1 and all(table.single for table, _ in sources)
            for some in in_batches((at, person) for at, person in numbered if person.kind == kind):
                self._read(sources, self._agreeing(kind, dict(some)))
        self._found.people.sort(key=lambda pair: pair[1].number)
        return self._found

    def _sources(self, kind: str) -> Iterable[Source]:
        """What is looked at for people of a kind. A column that is narrowed to purposes is for these alone, for a
        processor too.
        """
        purposes = self._work.terms.purposes
        for table in self._owned.tables(kind):
            columns = table.holding(self._work.terms.categories)
            if purposes:
                columns = tuple(one for one in columns if one.purposes is None or not one.purposes.isdisjoint(purposes))
            if columns:
                yield table, columns

    def _agreeing(self, kind: str, people: Mapping[int, Person]) -> Mapping[int, Person]:
        """Those of whom data may be given, by their numbers: until the transaction ends nobody takes it back."""
        terms, some = self._work.terms, list(people.values())
        if not terms.needs_consent and not self._asking:
            return people
        with self._work.at_desk(some) as connection:
            if self._asking:
                agreed: Iterable[object] = self._reached(connection, kind, some)
            else:
                recipient = terms.recipient.name
                agreed = self._consents.agreed(connection, recipient, kind, [person.key for person in some])
                if isinstance(self._consents, ConsentLedger):
                    self._found.consents.update(_entries(connection, recipient, kind, some))
        keys = {same_key(key) for key in agreed}
        kept = {number: person for number, person in people.items() if same_key(person.key) in keys}
        self._leave_out(NO_CONSENT, len(people) - len(kept))
        return kept

    def _reached(self, connection: Connection, kind: str, people: Collection[Person]) -> Sequence[object]:
        """The keys of those who may be reached for every purpose that the processor works for, until the transaction ends."""
        if isinstance(self._consents, ConsentLedger):
            for name in self._asking:
                self._consents.hold(connection, name, people)
        own = self._owned.tables(kind)[0]
        key: Any = own.table.c[own.key]
        conditions = [self._consents.condition(name, kind, key) for name in self._asking]
        return connection.scalars(select(key).where(key.in_([one.key for one in people]), *conditions)).all()

    def _read(self, sources: Iterable[Source], people: Mapping[int, Person]) -> None:
        """Reads what is there of some people."""
        if not people:
            return
        held: dict[str, dict[str, list[Mapping[str, Any]]]] = {same_key(one.key): {} for one in people.values()}
        for table, columns in sources:
            names = [column.column for column in columns]
            with self._work.at_desk(reads=categories_read(table, columns)) as connection:
                for row in table.rows(connection, [one.key for one in people.values()], names):
                    values = {name: value for name, value in row.values.items() if value is not None}
                    if values:
                        held[row.owner].setdefault(table.name, []).append(values)
        for number, person in people.items():
            found = held[same_key(person.key)]
            if found:
                self._found.people.append((person, PersonGiven(number, person.kind, found)))
            else:
                self._leave_out(NOTHING_HELD, 1)

    def _leave_out(self, why: str, how_many: int) -> None:
        if how_many:
            self._found.left_out[why] += how_many


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
