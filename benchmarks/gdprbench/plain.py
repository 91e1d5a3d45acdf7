"""Plain SQLAlchemy. Whatever the policy asks is written by hand, and holds as long as nobody forgets it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.gdprbench.records import OBJECTED
from benchmarks.gdprbench.systems import System
from benchmarks.gdprbench.trace import Operation

__all__ = ["Plain"]


class Base(DeclarativeBase):
    """Registry of these models."""


class Person(Base):
    """Whose the records are."""

    __tablename__ = "people"

    id: Mapped[str] = mapped_column(String(20), primary_key=True)


class Record(Base):
    """A record of GDPRbench."""

    __tablename__ = "records"

    key: Mapped[str] = mapped_column(String(20), primary_key=True)
    usr: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    pur: Mapped[str] = mapped_column(String(20), index=True)
    obj: Mapped[str] = mapped_column(String(20), index=True)
    dec: Mapped[str] = mapped_column(String(20))
    acl: Mapped[str] = mapped_column(String(20))
    shr: Mapped[str] = mapped_column(String(20), index=True)
    src: Mapped[str] = mapped_column(String(20))
    cat: Mapped[str] = mapped_column(String(20))
    data: Mapped[str]


class Use(Base):
    """That the regulator looked at somebody's records: the smallest log that can answer whose."""

    __tablename__ = "uses"

    id: Mapped[int] = mapped_column(primary_key=True)
    usr: Mapped[str] = mapped_column(String(20), index=True)
    rows: Mapped[int]


class Plain(System):
    """The application without this library."""

    name, base, records, people = "plain", Base, Record, Person

    def acting(self, operation: Operation) -> AbstractContextManager[object]:
        return nullcontext()

    def looking_after(self) -> AbstractContextManager[object]:
        return nullcontext()

    def conditions(self, operation: Operation) -> Iterator[ColumnElement[bool]]:
        if operation.subject is not None:
            yield Record.usr == operation.subject
        if operation.purpose is not None:
            yield Record.pur == operation.purpose
            yield Record.obj != OBJECTED

    def note_use(self, session: Session, operation: Operation, rows: int) -> None:
        if operation.role == "regulator":
            session.add(Use(usr=operation.value, rows=rows))

    def uses(self, session: Session, user: str) -> list[int]:
        return list(session.scalars(select(Use.rows).where(Use.usr == user).order_by(Use.id)))
