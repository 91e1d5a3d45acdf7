"""The shop of this folder as mapped classes, for statements that SQLAlchemy compiles."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import Column, ForeignKey, Integer, String, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import asyncpg, psycopg
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator, UserDefinedType

from sa_privacy.columns.catalogue import Catalogue, PersonalTable, SubjectPath
from sa_privacy.footprint import Declarations, Footprint, binds_by_name, footprint_of_text, footprint_of_tree
from tests.footprint.shop import Database, table


class Base(DeclarativeBase):
    pass


class Sealed(TypeDecorator[str]):
    """A type like the sealed one: it changes values, not SQL."""

    impl = String
    cache_ok = True


class Customer(Base):
    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Sealed)
    email: Mapped[str] = mapped_column(Sealed(320))
    phone: Mapped[str | None] = mapped_column(Sealed)
    birthday: Mapped[str | None] = mapped_column(Sealed)
    segment: Mapped[str | None]
    tier: Mapped[str | None] = mapped_column("tier", String)
    orders: Mapped[list[Order]] = relationship(back_populates="customer")


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    total: Mapped[int | None]
    text: Mapped[str | None] = mapped_column("note", Sealed)
    customer: Mapped[Customer] = relationship(back_populates="orders")


class Person(Base):
    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    full: Mapped[str] = mapped_column("Full Name", String)
    boss_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    boss: Mapped[Person | None] = relationship(remote_side="Person.id")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}


class Clerk(Person):
    __tablename__ = "clerks"

    id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    desk: Mapped[str]
    __mapper_args__ = {"polymorphic_identity": "clerk"}


class Guest(Person):
    nick: Mapped[str | None]
    __mapper_args__ = {"polymorphic_identity": "guest"}


class Contact(Base):
    __tablename__ = "contacts"
    __table_args__ = {"schema": "crm"}

    id: Mapped[int] = mapped_column(primary_key=True)
    phone: Mapped[str]


class Product(Base):
    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None]


class Upper(UserDefinedType[str]):
    """A type that puts SQL around its column."""

    cache_ok = True

    def get_col_spec(self, **options: Any) -> str:
        return "TEXT"

    def column_expression(self, column: Any) -> Any:
        from sqlalchemy import func

        return func.upper(column)


loud = Table("loud", Base.metadata, Column("id", Integer, primary_key=True), Column("name", Upper()))
view = Table("v_mail", Base.metadata, Column("id", Integer, primary_key=True), Column("mail", String))

CATALOGUE = Catalogue(
    (
        table(
            "customers",
            "id name email phone birthday segment tier",
            {"name": True, "email": True, "phone": True, "birthday": True, "segment": False},
            SubjectPath("customer", "id"),
        ),
        table("orders", "id customer_id total note", {"note": True}, SubjectPath("customer", "customer_id")),
        PersonalTable(
            "people",
            None,
            "people",
            table("people", "id", {"Full Name": False, "nick": False}).columns,
            ("id", "kind", "Full Name", "boss_id", "nick"),
            SubjectPath("person", "id"),
        ),
        table("clerks", "id desk", {"desk": False}, SubjectPath("person", "id")),
        table("contacts", "id phone", {"phone": False}, None, "crm"),
        table("loud", "id name", {"name": False}),
    ),
    frozenset({(None, "products"), (None, "v_mail")}),
)


class Shop(Database):
    tables: ClassVar[dict[str, tuple[str, ...]]] = {
        **{t.table: t.all_columns for t in CATALOGUE},
        "products": ("id", "title"),
    }


DIALECTS: dict[str, Any] = {
    name: dialect()
    for name, dialect in {
        "sqlite": sqlite.dialect,
        "psycopg": psycopg.dialect,
        "asyncpg": asyncpg.dialect,
        "postgresql": postgresql.dialect,
    }.items()
}


def compiled(statement: Any, driver: str, **options: Any) -> SQLCompiler:
    """The statement as the engine of a driver compiles it."""
    result: SQLCompiler = statement.compile(dialect=DIALECTS[driver], **options)
    return result


def by_tree(result: SQLCompiler, **options: Any) -> Footprint | None:
    return footprint_of_tree(
        result, catalogue=CATALOGUE, declarations=Declarations(), relations=options.get("relations", Shop())
    )


def by_text(result: SQLCompiler) -> Footprint:
    """The footprint of the text, with parameters under their names."""
    dialect = result.dialect
    found = footprint_of_text(
        result.string,
        dialect=dialect.name,  # type: ignore[arg-type]
        paramstyle=dialect.paramstyle,
        catalogue=CATALOGUE,
        relations=Shop(),
        declarations=Declarations(),
    )
    return binds_by_name(found, result)


def comparable(found: Footprint) -> tuple[object, ...]:
    """A footprint with what has no order put in order."""
    return (
        found.reads,
        found.matches,
        found.writes,
        found.deletes,
        found.inside,
        found.outputs,
        found.assigned,
        sorted((name, sorted(map(repr, predicates))) for name, predicates in found.mentions),
        sorted(found.named),
        sorted(found.returned),
        found.perhaps,
        found.unseen,
        [(name, sorted(map(repr, row))) for name, row in found.inserts],
    )
