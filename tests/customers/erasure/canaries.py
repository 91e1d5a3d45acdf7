"""People whose data can be told from anything else, down to the bytes."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Engine, ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column

__all__ = ["CANARIES", "KEYS", "Base", "Letter", "Person", "fill", "officer", "protected"]


class Base(DeclarativeBase):
    """Registry of these models."""


class Person(Base):
    """Known by a name in plain, with an index, and by what is sealed."""

    __tablename__ = "canary_people"
    __data_subject__ = DataSubject("person", key="id")
    __table_args__ = (Index("canary_name", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(String(80), category="name", encrypt=False)
    email: Mapped[str] = pii_column(String(320), category="email", lookup="casefold", unique=True)


class Letter(Base):
    """Long enough that PostgreSQL keeps it elsewhere, and compressed; SQLite on several pages."""

    __tablename__ = "canary_letters"
    __data_subject__ = DataSubject("person", via="person_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("canary_people.id"))
    text: Mapped[str] = pii_column(Text, category="note", encrypt=False)
    secret: Mapped[str] = pii_column(Text, category="note", key="subject")


POLICY: Final = Policy(
    policy={"id": "canaries", "version": "1"},
    categories={name: {} for name in ("name", "email", "note")},
    purposes={"everything": {"use": ["name", "email", "note"]}},
    roles={"officer": {}, "engineer": {"maintenance": True}},
    erasure={"roles": ["officer"]},
)
KEYS: Final = Keyring.generate()
CANARIES: Final = {
    "name": "Canary Quillfeather-7Gx2",
    "text": "what-Zyx9-the-8Kqw-letter-5Jvb-says",
    "email": "canary.plume.4Wtz@example.com",
    "secret": "what-3Hnm-nobody-6Prd-may-see",
}
PLAIN: Final = tuple(CANARIES[name] for name in ("name", "text"))
SEALED: Final = tuple(CANARIES[name] for name in ("email", "secret"))


def letter(canary: str, seed: int) -> str:
    """Some thousand characters: the first half compresses well, the second not at all."""
    chance = random.Random(seed)
    noise = "".join(chance.choices(string.ascii_letters + string.digits, k=9_000))
    return f"{'all is well. ' * 400}{canary}{'and so on. ' * 300}{noise}"


def short_letter(canary: str) -> str:
    """Compressed, and kept in the row."""
    return f"{'all is well. ' * 300}{canary}"


@contextmanager
def protected(engine: Engine, **more: Any) -> Iterator[Privacy]:
    """A ``Privacy`` on the engine."""
    made = Privacy(POLICY, **({"keys": KEYS, "log": None, "metadata": Base} | more))
    made.install(engine)
    try:
        yield made
    finally:
        made.close()


def officer(privacy: Privacy) -> Any:
    """Somebody who erases."""
    return privacy.access(actor="officer:1", role="officer", reason="asked for")


def fill(privacy: Privacy, engine: Engine) -> None:
    """Fifty people; the canary is 25."""
    with privacy.access(maintenance=True, role="engineer", actor="tests", reason="rows"), Session(engine) as session:
        Base.metadata.create_all(session.connection())
        privacy.metadata.create_all(session.connection())
        for key in range(1, 51):
            said = {name: f"{name} of number {key} {key * 7919:x}" for name in CANARIES} if key != 25 else CANARIES
            session.add(Person(id=key, name=said["name"], email=said["email"]))
            session.flush()
            for text in (letter(said["text"], key), short_letter(said["text"])):
                session.add(Letter(person_id=key, text=text, secret=said["secret"]))
        session.commit()


def erase(privacy: Privacy, engine: Engine, key: int = 25) -> Any:
    """All of them is gone."""
    with officer(privacy), Session(engine) as session:
        plan = privacy.erasure.plan(session, key)
        session.rollback()
        return privacy.erasure.run(engine, plan)
