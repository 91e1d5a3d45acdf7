"""People, their letters and the pages of these; who agreed to what; rules about them: for tests of rows behind a wall."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, ColumnElement, ForeignKey, Integer, String, Table, exists, func, not_, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from sa_privacy import DataSubject, Policy, pii_column
from sa_privacy.walls import RowRule
from sa_privacy.walls.rows import RowSources

__all__ = [
    "AGREEMENTS",
    "LETTERS",
    "PEOPLE",
    "RULES",
    "Agreed",
    "Base",
    "Letter",
    "Page",
    "Person",
    "policy",
    "sources",
]


class Base(DeclarativeBase):
    """Registry of these models."""


class Person(Base):
    """A person, whom a team looks after."""

    __tablename__ = "people"
    __data_subject__ = DataSubject("person", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = pii_column(String(20), category="name", encrypt=False)
    note: Mapped[str | None] = pii_column(String(20), category="note", encrypt=False)
    team: Mapped[str] = mapped_column(String(20))


class Letter(Base):
    """Of a person, or of nobody."""

    __tablename__ = "letters"
    __data_subject__ = DataSubject("person", via="person")

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    body: Mapped[str | None] = pii_column(String(20), category="note", encrypt=False)
    state: Mapped[str] = mapped_column(String(20))
    person: Mapped[Person | None] = relationship()


class Page(Base):
    """Two steps from its person."""

    __tablename__ = "pages"
    __data_subject__ = DataSubject("person", via="letter_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    letter_id: Mapped[int] = mapped_column(ForeignKey("letters.id"))
    text: Mapped[str | None] = pii_column(String(20), category="name", encrypt=False)


AGREEMENTS: Final = Table(
    "agreements",
    Base.metadata,
    Column("person", Integer, primary_key=True),
    Column("purpose", String(20), primary_key=True),
    Column("said", String(10), nullable=False),
)
"""What people last said to a purpose: ``"given"`` or ``"withdrawn"``."""


class Agreed:
    """An application's own store of consents, in its database."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def condition(self, purpose: str, kind: str, key: Any) -> ColumnElement[bool]:
        assert kind == "person"
        told = AGREEMENTS.alias()
        theirs = select(told.c.said).where(told.c.person == key, told.c.purpose == purpose).correlate_except(told)
        if self._policy.purposes[purpose].consent == "opt_in":
            return exists(theirs.where(told.c.said == "given"))
        return not_(exists(theirs.where(told.c.said == "withdrawn")))

    def agreed(self, *_: Any) -> frozenset[object]:
        raise AssertionError("nothing is given away here")


def policy(purposes: dict[str, Any], **more: Any) -> Policy:
    """A policy of these purposes, whom a clerk, an agent and a visitor act for."""
    return Policy(
        policy={"id": "rows", "version": "1"},
        categories={"name": {}, "note": {}},
        purposes=purposes,
        roles={
            "clerk": {"purposes": list(purposes)},
            "agent": {"purposes": list(purposes)},
            "visitor": {"purposes": list(purposes)},
            "engineer": {"maintenance": True},
        },
        **more,
    )


PEOPLE, LETTERS = Base.metadata.tables["people"], Base.metadata.tables["letters"]

RULES: Final = {
    "their team's people": RowRule(PEOPLE, "agent", None, lambda c, access: c.team == access.details["team"]),
    "their teams' people": RowRule(PEOPLE, "clerk", None, lambda c, access: c.team.in_(access.details["teams"])),
    "open letters": RowRule(LETTERS, None, "post", lambda c, _: func.lower(c.state) == "open"),
    "letters of their team": RowRule(
        LETTERS,
        "agent",
        None,
        lambda c, access: exists(
            select(PEOPLE.c.id).where(PEOPLE.c.id == c.person_id, PEOPLE.c.team == access.details["team"])
        ),
    ),
}
"""Rules that the database can keep."""


def sources(policy: Policy, *rules: str) -> RowSources:
    """Where the conditions of a test come from."""
    return RowSources(Agreed(policy), tuple(RULES[name] for name in rules))
