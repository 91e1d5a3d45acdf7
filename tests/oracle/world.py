"""The models that statements are drawn over, and a policy in which every personal column can be granted by itself.

| | |
|---|---|
| inheritance | `Clerk` has a table of its own, `Guest` shares that of `Person` |
| self-reference | `Person.boss` |
| several schemas | `crm.contacts`; and `crm.tags`, which is personal where `tags` is not |
| views | `v_people` over personal columns, `v_deep` over that view, `v_plain` over plain tables |
| odd names | the column `"Nick"` |

A case that the fuzzer has found names this module as its ``world`` (see `tests/attack_cases/case.py`).
"""

from __future__ import annotations

from typing import Any, Final, Literal

from sqlalchemy import Column, Engine, ForeignKey, Integer, MetaData, String, Table, Text, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from sa_privacy import DataSubject, Policy, pii_column
from sa_privacy.columns.build import build_catalogue

__all__ = [
    "CATALOGUE",
    "CATEGORIES",
    "CREATE_VIEWS",
    "PERSONAL",
    "POLICY",
    "PROTECTED",
    "TABLES",
    "VIEWS",
    "VIEW_TABLES",
    "Base",
    "Clerk",
    "Columns",
    "Contact",
    "Guest",
    "Order",
    "Person",
    "PersonalTag",
    "Product",
    "Tag",
    "Type",
    "connected",
    "rows",
    "views_of",
]

Type = Literal["text", "int"]
Columns = dict[str, Type]


class Base(DeclarativeBase):
    """Registry of the models."""


class Person(Base):
    """A person."""

    __tablename__ = "people"
    __data_subject__ = DataSubject("person", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str | None] = mapped_column(Text)
    city: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str | None] = pii_column(Text, category="name", encrypt=False)
    email: Mapped[str | None] = pii_column(Text, category="email", encrypt=False, unique=True)
    score: Mapped[int | None] = pii_column(Integer, category="score", encrypt=False)
    boss_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    boss: Mapped[Person | None] = relationship(remote_side="Person.id", back_populates="team")
    team: Mapped[list[Person]] = relationship(back_populates="boss")
    orders: Mapped[list[Order]] = relationship(back_populates="person")

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}


class Clerk(Person):
    """A person with a row in a table of its own."""

    __tablename__ = "clerks"

    id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    desk: Mapped[str | None] = pii_column(Text, category="desk", encrypt=False)
    grade: Mapped[int | None]

    __mapper_args__ = {"polymorphic_identity": "clerk"}


class Guest(Person):
    """A person of another kind, in the same table."""

    nick: Mapped[str | None] = pii_column("Nick", Text, category="nick", encrypt=False)

    __mapper_args__ = {"polymorphic_identity": "guest"}


class Order(Base):
    """Belongs to a person."""

    __tablename__ = "orders"
    __data_subject__ = DataSubject("person", via="person")

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))
    status: Mapped[str | None] = mapped_column(Text)
    total: Mapped[int | None] = pii_column(Integer, category="total", encrypt=False)
    note: Mapped[str | None] = pii_column(Text, category="note", encrypt=False)
    person: Mapped[Person | None] = relationship(back_populates="orders")
    product: Mapped[Product | None] = relationship()


class Product(Base):
    """Nothing personal."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None] = mapped_column(Text)
    price: Mapped[int | None]


class Tag(Base):
    """Nothing personal, under a name that something personal has in another schema."""

    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))
    label: Mapped[str | None] = mapped_column(Text)


class Contact(Base):
    """In another schema, with a category that a column of `people` has too."""

    __tablename__ = "contacts"
    __table_args__ = {"schema": "crm"}

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(Integer)
    label: Mapped[str | None] = mapped_column(Text)
    mail: Mapped[str | None] = pii_column(Text, category="email", encrypt=False)
    phone: Mapped[str | None] = pii_column(Text, category="phone", encrypt=False)


class PersonalTag(Base):
    """The namesake of `Tag`."""

    __tablename__ = "tags"
    __table_args__ = {"schema": "crm"}

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str | None] = pii_column(Text, category="label", encrypt=False)


#: By name: the query, and the columns it shows. Each stands on tables and views above it.
VIEWS: Final[dict[str, tuple[str, Columns]]] = {
    "v_people": (
        "SELECT id, email AS mail, city FROM people WHERE score IS NOT NULL",
        {"id": "int", "mail": "text", "city": "text"},
    ),
    "v_deep": ("SELECT v.id, v.mail AS address FROM v_people v", {"id": "int", "address": "text"}),
    "v_plain": (
        "SELECT p.id, p.title, t.label FROM products p JOIN tags t ON t.product_id = p.id",
        {"id": "int", "title": "text", "label": "text"},
    ),
}
CREATE_VIEWS: Final = tuple(f"CREATE VIEW {name} AS {query}" for name, (query, _) in VIEWS.items())
_VIEWS: Final = MetaData()
VIEW_TABLES: Final = {
    view: Table(view, _VIEWS, *(Column(name, Text if kind == "text" else Integer) for name, kind in columns.items()))
    for view, (_, columns) in VIEWS.items()
}


#: The tables by full name, and their columns.
TABLES: Final[dict[str, Columns]] = {
    full: {c.name: "text" if isinstance(c.type, String) else "int" for c in table.columns}
    for full, table in Base.metadata.tables.items()
}
CATEGORIES: Final = ("name", "email", "score", "desk", "nick", "total", "note", "phone", "label")
#: The tables from which only a grant lets delete.
PROTECTED: Final = ("people", "clerks", "orders", "crm.contacts", "crm.tags")
_GRANTS: Final[dict[str, Any]] = {
    **{f"r_{name}": {"read": [name], "match": [name]} for name in CATEGORIES},
    **{f"w_{name}": {"write": [name]} for name in CATEGORIES},
    **{f"d_{name.replace('.', '_')}": {"delete": [name]} for name in PROTECTED},
}
POLICY: Final = Policy(
    policy={"id": "oracle", "version": "1"},
    categories={name: {} for name in CATEGORIES},
    purposes=_GRANTS,
    roles={"clerk": {"purposes": list(_GRANTS)}, "engineer": {"maintenance": True}},
)
CATALOGUE: Final = build_catalogue(POLICY, [Base.metadata])
#: The categories of personal columns, by full name.
PERSONAL: Final = {name: column.category for name, column in CATALOGUE.columns.items()}


def connected(engine: Engine) -> Engine:
    """The engine, with `crm` behind each connection: a schema of PostgreSQL, an attached database of SQLite."""
    if engine.dialect.name == "sqlite":
        file = engine.url.database
        place = f"'{file}.crm'" if file else "':memory:'"

        @event.listens_for(engine, "connect")
        def attach(connection: Any, record: Any) -> None:
            cursor = connection.cursor()
            cursor.execute(f"ATTACH {place} AS crm")
            cursor.close()
    else:
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS crm")
    return engine


def views_of(engine: Engine) -> None:
    """Makes the views; on PostgreSQL from 15 on, such as ask for what their caller may see."""
    with engine.begin() as connection:
        for statement in CREATE_VIEWS:
            connection.exec_driver_sql(statement)
        version = getattr(engine.dialect, "server_version_info", ())
        for name in VIEWS if engine.dialect.name == "postgresql" and version >= (15,) else ():
            connection.exec_driver_sql(f"ALTER VIEW {name} SET (security_invoker = true)")


def rows() -> list[Base]:
    """Nothing: the databases are asked what they would read, and so are we."""
    return []
