"""Models with inheritance, and with personal keys: what the shop of `world` does not have."""

from __future__ import annotations

from sqlalchemy import Engine, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from sa_privacy import Privacy, pii_column

__all__ = ["Account", "Base", "Employee", "Letter", "Member", "Person", "Visitor", "fill", "rows"]


class Base(DeclarativeBase):
    """Registry of these models."""


class Person(Base):
    """The base of a hierarchy."""

    __tablename__ = "people"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = pii_column(String(40), category="name", encrypt=False)
    email: Mapped[str | None] = pii_column(String(40), category="email", encrypt=False)


class Visitor(Person):
    """In the table of its parent."""

    __mapper_args__ = {"polymorphic_identity": "visitor"}

    phone: Mapped[str | None] = pii_column(String(40), category="phone", encrypt=False)
    interest: Mapped[str | None] = pii_column(String(40), category="usage_history", encrypt=False)


class Employee(Person):
    """In a table of its own, joined."""

    __tablename__ = "employees"
    __mapper_args__ = {"polymorphic_identity": "employee"}

    id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    salary: Mapped[int | None] = pii_column(category="amount", encrypt=False)
    home: Mapped[str | None] = pii_column(String(40), category="address", encrypt=False)
    desk: Mapped[str | None] = mapped_column(String(40))


class Member(Employee):
    """A third level, in the table of its parent."""

    __mapper_args__ = {"polymorphic_identity": "member"}


class Account(Base):
    """Its key is itself personal."""

    __tablename__ = "accounts"

    login: Mapped[str] = pii_column(String(40), category="email", encrypt=False, primary_key=True)
    colour: Mapped[str] = mapped_column(String(20), default="red")
    letters: Mapped[list[Letter]] = relationship(back_populates="account")


class Letter(Base):
    """Its foreign key is personal, and one of its columns waits to be asked for."""

    __tablename__ = "letters"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = pii_column(String(40), ForeignKey("accounts.login"), category="email", encrypt=False)
    subject: Mapped[str | None] = pii_column(String(40), category="name", encrypt=False)
    body: Mapped[str | None] = pii_column(String(40), category="usage_history", encrypt=False, deferred=True)
    account: Mapped[Account] = relationship(back_populates="letters")


def rows(engine: Engine) -> None:
    """One row of each, for an engine without a Privacy."""
    with Session(engine) as session:
        session.add_all(
            [
                Person(name="Pia", email="pia@example.com"),
                Visitor(name="Vic", email="vic@example.com", phone="1", interest="hats"),
                Employee(name="Eve", email="eve@example.com", salary=10, home="Elm Road", desk="A1"),
                Member(name="Mia", email="mia@example.com", salary=20, home="Mill Lane", desk="B2"),
                Account(login="ann@example.com", letters=[Letter(subject="Hello", body="Dear shop")]),
            ]
        )
        session.commit()


def fill(privacy: Privacy, engine: Engine) -> None:
    """Makes the tables and one row of each."""
    Base.metadata.create_all(engine)
    with privacy.access(maintenance=True, role="engineer", actor="tests", reason="rows"):
        rows(engine)
