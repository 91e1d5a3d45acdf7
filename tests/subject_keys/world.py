"""People whose values are sealed under keys of their own, and rows written without the library's help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Date, Engine, ForeignKey, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from sa_privacy import DataSubject, Erased, Keyring, Policy, Privacy, pii_column
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.crypto import SubjectKey, codec_for
from sa_privacy.crypto.subject_cell import key_id_of

POLICY = Policy(
    policy={"id": "people", "version": "1"},
    categories={name: {} for name in ("name", "email", "birthday", "note", "usage")},
    purposes={
        "service": {"use": ["name", "email", "birthday", "note", "usage"], "delete": ["people", "notes"]},
        "mailing": {"use": ["name"]},
        "counting": {"use": ["usage"]},
    },
    roles={"clerk": {"purposes": ["service", "mailing", "counting"]}, "engineer": {"maintenance": True}},
)


class Base(DeclarativeBase):
    """Registry of these models."""


class Person(Base):
    """A person."""

    __tablename__ = "people"
    __data_subject__ = DataSubject("person", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | Erased] = pii_column(category="name", key="subject")
    email: Mapped[str | Erased | None] = pii_column(
        String(320), category="email", lookup="casefold", unique=True, key="subject"
    )
    born: Mapped[date | Erased | None] = pii_column(Date, category="birthday", key="subject")
    visits: Mapped[int | None] = pii_column(category="usage", encrypt=False, type=None)
    tier: Mapped[str] = mapped_column(String(20), default="basic")
    notes: Mapped[list[Note]] = relationship(back_populates="person", order_by="Note.id")


class Note(Base):
    """Belongs to a person. Its columns are called like those of the key table, so that names are told apart."""

    __tablename__ = "notes"
    __data_subject__ = DataSubject("person", via="person")

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    subject: Mapped[str | Erased | None] = pii_column(category="note", key="subject")
    wrapped: Mapped[str | Erased | None] = pii_column(category="note", key="subject")
    kind: Mapped[str | None] = pii_column(category="note")
    person: Mapped[Person] = relationship(back_populates="notes")


NOTES: Any = Note.__table__


def seal(keys: Keyring, attribute: Any, key: SubjectKey, value: Any) -> bytes | None:
    """The cell of a value as a column keeps it."""
    if value is None:
        return None
    sealed = attribute.type
    plaintext = codec_for(type(value)).encode(value)
    cipher = keys.subject_cipher(sealed.field, slots=sealed.lookup is not None)
    if sealed.lookup is None:
        return cipher.seal(plaintext, key)
    slots = keys.digests(sealed.lookup_field).slots(str(value).casefold().encode())
    return cipher.seal(plaintext, key, slots)


class Rows:
    """Writes rows and keys on an engine that nobody protects, and takes keys away.

    :ivar keys: the key of each person.
    """

    def __init__(self, plain: Engine, ring: Keyring) -> None:
        self.plain = plain
        self.ring = ring
        self.keys: dict[int, SubjectKey] = {}

    def run(self, sql: str, **values: Any) -> None:
        """One statement, committed."""
        with self.plain.begin() as connection:
            connection.execute(text(sql), values)

    def key(self, person: int) -> SubjectKey:
        """The person's key; made and kept in the table where there is none."""
        if person not in self.keys:
            key = self.keys[person] = SubjectKey.new()
            with self.plain.begin() as connection:
                connection.execute(
                    SUBJECT_KEYS.insert().values(
                        id=key.id,
                        kind="person",
                        subject=str(person),
                        wrapped=self.ring.subject_keys().wrap(key),
                        made=datetime.now(UTC),
                    )
                )
        return self.keys[person]

    def person(self, id: int, name: str, email: str | None = None, born: date | None = None) -> None:  # noqa: A002
        """One person."""
        key = self.key(id)
        self.run(
            "INSERT INTO people (id, name, email, born, tier) VALUES (:id, :name, :email, :born, 'basic')",
            id=id,
            name=seal(self.ring, Person.name, key, name),
            email=seal(self.ring, Person.email, key, email),
            born=seal(self.ring, Person.born, key, born),
        )

    def note(self, id: int, person: int, subject: str, wrapped: str, kind: str) -> None:  # noqa: A002
        """One note."""
        key = self.key(person)
        self.run(
            "INSERT INTO notes (id, person_id, subject, wrapped, kind) VALUES (:id, :person, :subject, :wrapped, :kind)",
            id=id,
            person=person,
            subject=seal(self.ring, Note.subject, key, subject),
            wrapped=seal(self.ring, Note.wrapped, key, wrapped),
            kind=self.ring.sealer("notes.kind").seal(kind.encode()),
        )

    def destroy(self, person: int) -> None:
        """Destroys a person's key."""
        self.run(
            "UPDATE sa_privacy_subject_keys SET wrapped = NULL, destroyed_at = made WHERE id = :id",
            id=self.keys[person].id,
        )

    def lose(self, person: int) -> None:
        """Takes a person's row out of the key table, as a restore without it does."""
        self.run("DELETE FROM sa_privacy_subject_keys WHERE id = :id", id=self.keys[person].id)


@contextmanager
def clerk(privacy: Privacy, purpose: str = "service") -> Iterator[None]:
    """Acts as a clerk."""
    with privacy.access(purpose, role="clerk", actor="staff:1"):
        yield


class KeyIds(dict[int, set[bytes]]):
    """By person, the ids of the keys that stand in their cells."""

    unlinked = 0


def key_ids(plain: Engine) -> KeyIds:
    """What stands in the database, read without the library; fails if a cell stands under another person's key."""
    found = KeyIds()
    with plain.connect() as connection:
        linked = {
            bytes(key): subject
            for key, subject in connection.execute(text("SELECT id, subject FROM sa_privacy_subject_keys"))
        }
        rows = [
            *connection.execute(text("SELECT id, name, email, born FROM people")),
            *connection.execute(text("SELECT person_id, subject, wrapped FROM notes WHERE person_id IS NOT NULL")),
        ]
    for person, *cells in rows:
        for cell in cells:
            key = None if cell is None else key_id_of(bytes(cell))
            if key is not None:
                found.setdefault(person, set()).add(key)
                assert linked[key] in {None, str(person)}
    found.unlinked = sum(subject is None for subject in linked.values())
    return found


def make_room(plain: Engine) -> None:
    """The rows that are there took no numbers from PostgreSQL: new ones come after them."""
    if plain.dialect.name == "postgresql":
        with plain.begin() as connection:
            connection.execute(
                text(
                    "SELECT setval('people_id_seq', 10 + nextval('people_id_seq')), setval('notes_id_seq', 10 + nextval('notes_id_seq'))"
                )
            )
