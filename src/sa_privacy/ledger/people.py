"""Whom a ledger is about: the row of a person, found by what the application says of them.

An application names people by keys as it holds them, often as text; the database says which row that is, and how it writes
that key itself. A ledger keeps what the database writes, so that a statement can compare the two: ``text`` of a person is
``CAST(key AS VARCHAR)``, whatever the key's type.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Integer, String, Uuid, cast, column, func, select, table
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.types import TypeDecorator, TypeEngine

from sa_privacy.access.desk import at_desk
from sa_privacy.access.subjects import as_subjects, of_kinds
from sa_privacy.columns.catalogue import PersonalTable
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.crypto.pseudonym import canonical
from sa_privacy.errors import PolicyError, UnknownPerson
from sa_privacy.gate.people.key_types import as_own_type
from sa_privacy.ledger.desk import Desk
from sa_privacy.ledger.tables import KEY_LENGTH, OWN_CATEGORY

__all__ = [
    "Person",
    "alone_with_people",
    "find_people",
    "find_person",
    "key_text",
    "known_people",
    "look_for",
    "own_key",
]

_AT_ONCE: Final = 500  # keys in one question
_WRITING_OF_PEOPLE: Final = 0x5A9E0071  # of this library, among an application's own locks
_LARGEST: Final = 2**63  # of what a database takes for a whole number


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose row is there.

    :param kind: the kind of person, e.g. ``"customer"``.
    :param key: of their row, as the application's own type.
    :param text: the key as the database writes it; what ledgers keep.
    """

    kind: str
    key: Any
    text: str

    def __repr__(self) -> str:
        return f"<Person {self.kind}>"


def key_text(key: Any) -> Any:
    """A key in a statement as ledgers keep it, to be compared with what they hold.

    :param key: a SQLAlchemy expression.
    :raises PolicyError: one person's key is stored in several ways: in a sealed column, or in one that tells no capital
        letters from small ones. What somebody said would be missed then.
    """
    kind = getattr(key.type, "impl", key.type)
    if isinstance(key.type, Encrypted) or isinstance(kind, CITEXT) or getattr(kind, "collation", None) == "NOCASE":
        raise PolicyError(
            f"people cannot be told apart by {getattr(key, 'name', 'this expression')}: one key is stored in several ways.",
            hint="DataSubject(key=...) with a column that is neither sealed nor CITEXT or NOCASE: its primary key.",
        )
    return cast(key, String)


def find_person(desk: Desk, connection: Connection, subject: object) -> Person:
    """The person whom an argument means.

    :param subject: the key of their row, or ``(kind, key)``.
    :raises UnknownPerson: there is none.
    :raises PolicyError: the argument cannot be meant: it is no key, or there is no such kind of people, or it has to be said.
    """
    person = look_for(desk, connection, subject)[2]
    if person is None:
        raise UnknownPerson(
            "there is no such person.", hint="give the key of a row that is there, as the application's models hold it."
        )
    return person


def look_for(desk: Desk, connection: Connection, subject: object) -> tuple[str, object, Person | None]:
    """The kind and the key that an argument means, and the person, if there is one.

    :raises PolicyError: the argument cannot be meant.
    """
    if isinstance(subject, (list, set, frozenset)):
        raise PolicyError("this is about one person.", hint="give the key of their row, or (kind, key).")
    ((kind, key),) = of_kinds(as_subjects(subject), desk.scopes.kinds())
    _beside_erasures(desk, connection)
    return kind, key, known_people(desk, connection, kind, [key]).get(key)


def find_people(desk: Desk, connection: Connection, subjects: object) -> tuple[Person, ...]:
    """The people whom an argument means, each once, in the order in which they were named.

    :param subjects: a key, ``(kind, key)``, or a list or set of these.
    :raises UnknownPerson: one of them is not there; it is not said which.
    :raises PolicyError: the argument cannot be meant.
    """
    wanted = of_kinds(as_subjects(subjects), desk.scopes.kinds())
    by_kind: dict[str, list[object]] = {}
    for kind, key in wanted:
        by_kind.setdefault(kind, []).append(key)
    _beside_erasures(desk, connection)
    found = {kind: known_people(desk, connection, kind, keys) for kind, keys in by_kind.items()}
    if any(len(found[kind]) < len(keys) for kind, keys in by_kind.items()):
        raise UnknownPerson(
            "there is no such person." if len(wanted) == 1 else f"not all of these {len(wanted)} people are there.",
            hint="give the keys of rows that are there, as the application's models hold them.",
        )
    people = (found[kind][key] for kind, key in wanted)
    return tuple({(person.kind, person.text): person for person in people}.values())


def alone_with_people(connection: Connection) -> bool:
    """Nobody else writes of people in a ledger until this transaction is over.

    :returns: False: somebody is doing so at this moment.
    """
    if connection.dialect.name != "postgresql":  # SQLite has one writer at a time
        return True
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(_WRITING_OF_PEOPLE))))


def _beside_erasures(desk: Desk, connection: Connection) -> None:
    """Whoever is about to write of people waits until an erasure is over, and an erasure until they have committed: else a
    ledger would name somebody who is not there any more.
    """
    if connection.dialect.name == "postgresql" and desk.held().grant.covers("write", OWN_CATEGORY, None):
        connection.execute(select(func.pg_advisory_xact_lock_shared(_WRITING_OF_PEOPLE)))


def known_people(desk: Desk, connection: Connection, kind: str, keys: Iterable[object]) -> Mapping[object, Person]:
    """Those of the people who are there, by the key that was given.

    :raises PolicyError: the column that tells people of this kind apart is sealed.
    """
    catalogue = desk.live.current()
    found: dict[object, Person] = {}
    for known in catalogue:
        missing = [key for key in keys if key not in found]
        if known.subject is None or known.subject.kind != kind or not known.subject.person or not missing:
            continue
        personal = catalogue.columns.get(f"{known.name}.{known.subject.key}")
        if personal is not None and personal.sealed:
            raise PolicyError(
                f'ledgers cannot tell people of the kind "{kind}" apart: {personal.name} is sealed.',
                hint="DataSubject(key=...) with a column that is not: its primary key.",
                columns=(personal.name,),
            )
        held = desk.held()
        with at_desk(desk.scopes, reads=() if personal is None else (personal.category,), subjects=held.subjects):
            found.update(_rows(connection, known, kind, missing))
    return found


def _rows(
    connection: Connection, known: PersonalTable, kind: str, keys: Iterable[object]
) -> Iterator[tuple[object, Person]]:
    subject = known.subject
    if subject is None or subject.key is None or subject.type is None:
        return
    whole = isinstance(subject.type, Integer)  # of whatever length, so that none is too large to be asked for
    here: Any = column(subject.key, BigInteger() if whole else subject.type)
    rows = select(here, key_text(here)).select_from(table(known.table, here, schema=known.schema))
    given = [(key, own) for key in keys if (own := own_key(key, subject.type)) is not None]
    for start in range(0, len(given), _AT_ONCE):
        some = given[start : start + _AT_ONCE]
        try:
            answer = connection.execute(rows.where(here.in_(dict.fromkeys(own for _, own in some)))).all()
        except DBAPIError:
            raise
        except StatementError:  # the key's type does not take one of them
            continue
        there = {_alike(key, text): Person(kind, key, text) for key, text in answer if len(text) <= KEY_LENGTH}
        yield from ((key, there[_alike(own, own)]) for key, own in some if _alike(own, own) in there)


def own_key(key: object, known: TypeEngine[Any]) -> object:
    """The key as a value of its column's type; None where it is none, so that nobody has it."""
    if isinstance(key, str):
        if "\0" in key or len(key) > KEY_LENGTH or any("\ud800" <= one <= "\udfff" for one in key):
            return None  # no database takes it
        if isinstance(known, Integer) and str(as_own_type(key, known)) != key:
            return None
    if isinstance(known, TypeDecorator):
        return key
    if isinstance(known, Uuid):
        try:
            found = key if isinstance(key, uuid.UUID) else uuid.UUID(key) if isinstance(key, str) else None
        except ValueError:
            return None
        return found if known.as_uuid or found is None else str(found)
    own = as_own_type(key, known)
    if isinstance(known, Integer):
        return own if isinstance(own, int) and -_LARGEST <= own < _LARGEST else None
    if isinstance(known, String):
        return own if isinstance(own, str) else None
    return own


def _alike(key: Any, text: Any) -> str:
    """What is the same for a key that was given and the one of the row that was found by it."""
    if isinstance(key, str):
        return key
    try:
        return canonical(key)
    except (TypeError, ValueError):  # an object of the application's own
        return str(text)
