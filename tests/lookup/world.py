"""People who can be looked up: each kind of lookup, alone, unique, shared and in a composite."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, MetaData, String, Table, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, foreign, mapped_column, relationship

from sa_privacy import DataSubject, Encrypted, Lookup, Policy, lookup_key, pii_column

POLICY = Policy(
    policy={"id": "lookup", "version": "1"},
    categories={name: {} for name in ("name", "email", "phone", "birthday")},
    purposes={
        "service": {"use": ["name", "email", "phone", "birthday"], "delete": ["letters", "people"]},
        "sign_in": {"match": ["email"]},
        "post": {"use": ["name"]},
    },
    roles={"clerk": {"purposes": ["service", "sign_in", "post"]}},
)


def digits(phone: str) -> str:
    """A telephone number without what people put between its digits."""
    return "".join(filter(str.isdigit, phone))


class Base(DeclarativeBase):
    """Registry of these models."""


class Person(Base):
    """A person with an address that is unique, whatever its case."""

    __tablename__ = "people"
    __data_subject__ = DataSubject("person", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(category="name")
    email: Mapped[str | None] = pii_column(
        String(320), category="email", lookup=Lookup("casefold", shared="email"), unique=True
    )
    phone: Mapped[str | None] = pii_column(category="phone", lookup=digits)
    born: Mapped[date | None] = pii_column(Date, category="birthday", lookup="exact", index=True)


class Letter(Base):
    """What was sent to an address: a natural key, shared with people."""

    __tablename__ = "letters"
    __data_subject__ = DataSubject("person", via="person_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    email: Mapped[str | None] = pii_column(String(320), category="email", lookup=Lookup("casefold", shared="email"))
    person: Mapped[Person | None] = relationship(
        primaryjoin=lambda: foreign(Letter.email) == Person.email, viewonly=True
    )


class Member(Base):
    """Unique in a shop, not in the world: said in SQLAlchemy's words, and with the expression."""

    __tablename__ = "members"
    __data_subject__ = DataSubject("member", key="id")
    __table_args__ = (UniqueConstraint("shop", "email", name="uq_member_email"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    shop: Mapped[str] = mapped_column(String(20))
    email: Mapped[str] = pii_column(String(320), category="email", lookup="exact")
    code: Mapped[str] = pii_column(String(20), category="name", lookup="exact")


Index("uq_member_code", Member.shop, lookup_key(Member.code), unique=True)

CORE = MetaData()
CONTACTS = Table(
    "contacts",
    CORE,
    Column("id", Integer, primary_key=True),
    Column("email", Encrypted(String(320), category="email", lookup="exact"), unique=True),
)
