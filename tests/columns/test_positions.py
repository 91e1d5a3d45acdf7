"""pii_column stands wherever mapped_column stands, and Encrypted wherever a type does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Optional, dataclass_transform

import pytest
from sqlalchemy import (
    JSON,
    Column,
    Computed,
    Date,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.ext.declarative import AbstractConcreteBase
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import (
    DeclarativeBase,
    DeclarativeBaseNoMeta,
    Mapped,
    MappedAsDataclass,
    Session,
    column_property,
    composite,
    configure_mappers,
    declarative_base,
    declared_attr,
    deferred,
    mapped_column,
    registry,
    relationship,
    synonym,
)
from sqlalchemy.schema import CreateTable

from sa_privacy import Encrypted, PurposeDenied, pii_column
from sa_privacy.columns import annotation_of
from sa_privacy.errors import PolicyError
from tests.columns.support import is_cell, make_policy, make_privacy, protected, stored

Email = Annotated[str, pii_column(String(320), category="email")]
Segment = Annotated[str, pii_column(String(40), category="usage_history", encrypt=False)]


@dataclass
class Case:
    """One way of mapping, and what has to come of it.

    :param metadata: what is created.
    :param make: makes an object that can be added to a session.
    :param expected: attribute path of the object, the value it then holds, and its column.
    :param sealed: the personal columns, by name, and whether each is sealed.
    """

    metadata: MetaData
    make: Callable[[], Any]
    expected: dict[str, Any]
    sealed: dict[str, bool]


CASES: dict[str, Callable[[], Case]] = {}


def case(function: Callable[[], Case]) -> Callable[[], Case]:
    CASES[function.__name__] = function
    return function


@case
def declarative() -> Case:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = pii_column(category="name")
        email: Mapped[Optional[str]] = pii_column(String(320), category="email")  # noqa: UP045 - users write it
        birthday: Mapped[date | None] = pii_column(Date, category="birthday")
        segment: Mapped[str] = pii_column(category="usage_history", encrypt=False)
        tier: Mapped[str] = mapped_column(default="basic")

    columns = Customer.__table__.c
    assert [columns.name.nullable, columns.email.nullable, columns.birthday.nullable] == [False, True, True]
    assert isinstance(columns.name.type.inner, Text)  # type: ignore[attr-defined]
    return Case(
        Base.metadata,
        lambda: Customer(name="Ann", email="a@example.org", birthday=date(2000, 1, 2), segment="s"),
        {"name": "Ann", "email": "a@example.org", "birthday": date(2000, 1, 2), "segment": "s", "tier": "basic"},
        {"customers.name": True, "customers.email": True, "customers.birthday": True, "customers.segment": False},
    )


@case
def a_column_name_in_front_of_the_type() -> Case:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = pii_column("e_mail", String(320), category="email")
        name: Mapped[str] = pii_column("full name", category="name")
        phone: Mapped[str] = pii_column(category="phone", name="tel", type_=String(40))
        segment: Mapped[str] = pii_column("seg", category="usage_history", encrypt=False)

    assert isinstance(Customer.__table__.c.tel.type.inner, String)  # type: ignore[attr-defined]
    return Case(
        Base.metadata,
        lambda: Customer(email="e", name="n", phone="p", segment="s"),
        {"email": "e", "name": "n", "phone": "p", "segment": "s"},
        {"customers.e_mail": True, "customers.full name": True, "customers.tel": True, "customers.seg": False},
    )


@case
def what_mapped_column_takes_besides() -> Case:
    class Base(DeclarativeBase):
        pass

    class Place(Base):
        __tablename__ = "places"
        name: Mapped[str] = mapped_column(primary_key=True)

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        town: Mapped[str | None] = pii_column(ForeignKey("places.name"), category="address", encrypt=False)
        born_in: Mapped[str | None] = pii_column(
            "birth_town", String(), ForeignKey("places.name"), category="address", encrypt=False, index=True
        )
        told: Mapped[str | None] = pii_column(
            None, ForeignKey("places.name"), category="address", encrypt=False, unique=True
        )
        shout: Mapped[str | None] = pii_column(
            String(), Computed("upper(birth_town)", persisted=True), category="address", encrypt=False
        )
        email: Mapped[str] = pii_column(category="email", default="d@example.org", key="mail", doc="D", info={"x": 1})
        note: Mapped[str] = pii_column(category="name", deferred=True, default=lambda: "made", sort_order=-1)

    table = Customer.__table__
    assert [str(key.target_fullname) for key in table.c.town.foreign_keys] == ["places.name"]
    assert table.c.birth_town.index
    assert table.c.told.unique
    assert table.c.mail.info["x"] == 1
    return Case(
        Base.metadata,
        lambda: Customer(born_in=None),
        {"email": "d@example.org", "note": "made", "town": None, "shout": None},
        {
            "customers.town": False,
            "customers.birth_town": False,
            "customers.told": False,
            "customers.shout": False,
            "customers.email": True,
            "customers.note": True,
        },
    )


@case
def annotated_types() -> Case:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[Email]
        second: Mapped[Optional[Email]] = mapped_column("email_2")  # noqa: UP045 - users write it
        segment: Mapped[Segment]
        other: Mapped[Segment] = mapped_column("segment_2", index=True)

    return Case(
        Base.metadata,
        lambda: Customer(email="e", second="f", segment="s", other="t"),
        {"email": "e", "second": "f", "segment": "s", "other": "t"},
        {"customers.email": True, "customers.email_2": True, "customers.segment": False, "customers.segment_2": False},
    )


@case
def mapped_as_dataclass() -> Case:
    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class Inquiry(Base, kw_only=True):
        __tablename__ = "inquiries"
        id: Mapped[int] = mapped_column(init=False, primary_key=True)
        email: Mapped[str] = pii_column(String(320), category="email")
        phone: Mapped[str | None] = pii_column(category="phone", default=None)
        name: Mapped[str] = pii_column(category="name", insert_default="inserted", init=False)
        subject: Mapped[str]

    return Case(
        Base.metadata,
        lambda: Inquiry(email="e", subject="s"),
        {"email": "e", "phone": None, "name": "inserted", "subject": "s"},
        {"inquiries.email": True, "inquiries.phone": True, "inquiries.name": True},
    )


@case
def mapped_as_dataclass_with_positions() -> Case:
    @dataclass_transform(field_specifiers=(mapped_column, pii_column))
    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class Inquiry(Base):
        __tablename__ = "inquiries"
        id: Mapped[int] = mapped_column(init=False, primary_key=True)
        email: Mapped[str] = pii_column(String(320), category="email")
        subject: Mapped[str]
        phone: Mapped[str | None] = pii_column(category="phone", default=None, purposes=["all"])
        name: Mapped[str] = pii_column(category="name", insert_default="inserted", init=False)
        wishes: Mapped[list[str]] = pii_column(JSON, category="usage_history", default_factory=list)
        town: Mapped[str] = pii_column(category="address", default="Oslo", kw_only=True)

    return Case(
        Base.metadata,
        lambda: Inquiry("e", "s", "p"),
        {"email": "e", "phone": "p", "name": "inserted", "wishes": [], "town": "Oslo", "subject": "s"},
        {f"inquiries.{name}": True for name in ("email", "phone", "name", "wishes", "town")},
    )


@case
def imperative() -> Case:
    mapping = registry()
    table = Table(
        "customers",
        mapping.metadata,
        Column("id", Integer, primary_key=True),
        Column("email", Encrypted(String(320), category="email")),
        Column("name", Encrypted(category="name"), nullable=False),
    )

    class Customer:
        def __init__(self, **values: Any) -> None:
            for name, value in values.items():
                setattr(self, name, value)

    mapping.map_imperatively(Customer, table, properties={"mail": table.c.email})
    return Case(
        mapping.metadata,
        lambda: Customer(mail="e", name="n"),
        {"mail": "e", "name": "n"},
        {"customers.email": True, "customers.name": True},
    )


@case
def hybrid_declarative_with_a_table() -> Case:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __table__ = Table(
            "customers",
            Base.metadata,
            Column("id", Integer, primary_key=True),
            Column("e_mail", Encrypted(String(320), category="email")),
        )
        email = __table__.c.e_mail

    return Case(Base.metadata, lambda: Customer(email="e"), {"email": "e"}, {"customers.e_mail": True})


@case
def declarative_without_mapped() -> Case:
    class Customer(declarative_base()):  # type: ignore[misc]
        __tablename__ = "customers"
        id = Column(Integer, primary_key=True)
        email = pii_column(String(320), category="email")
        name = deferred(Column(Encrypted(String(80), category="name")))  # type: ignore[var-annotated]
        mail = synonym("email")

    return Case(
        Customer.metadata,
        lambda: Customer(mail="e", name="n"),
        {"email": "e", "mail": "e", "name": "n"},
        {"customers.email": True, "customers.name": True},
    )


@case
def mixins_and_abstract_bases() -> Case:
    class Base(DeclarativeBase):
        pass

    class Named:
        name: Mapped[str] = pii_column(category="name")

    class Reachable(Base):
        __abstract__ = True
        email: Mapped[str] = pii_column(String(320), category="email")

        @declared_attr
        def phone(cls) -> Mapped[str | None]:  # noqa: N805 - a declared_attr is given the class
            return pii_column(f"{cls.__name__.lower()}_phone", category="phone")

    class Customer(Named, Reachable):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Supplier(Named, Reachable):
        __tablename__ = "suppliers"
        id: Mapped[int] = mapped_column(primary_key=True)
        customer: Mapped[int] = mapped_column(ForeignKey("customers.id"))
        behind: Mapped[Customer] = relationship()

    fields = {c.type.field for t in (Customer, Supplier) for c in t.__table__.c if isinstance(c.type, Encrypted)}
    assert len(fields) == 6
    return Case(
        Base.metadata,
        lambda: Supplier(name="sn", email="se", phone="sp", behind=Customer(name="cn", email="ce", phone="cp")),
        {"name": "sn", "email": "se", "phone": "sp", "behind.name": "cn", "behind.email": "ce", "behind.phone": "cp"},
        {
            f"{table}.{column}": True
            for table, phone in (("customers", "customer_phone"), ("suppliers", "supplier_phone"))
            for column in ("name", "email", phone)
        },
    )


@case
def single_table_inheritance() -> Case:
    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = "people"
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        name: Mapped[str] = pii_column(category="name")

    class Customer(Person):
        __mapper_args__ = {"polymorphic_identity": "customer"}
        email: Mapped[str | None] = pii_column(category="email", use_existing_column=True)

    class Visitor(Person):
        __mapper_args__ = {"polymorphic_identity": "visitor"}
        email: Mapped[str | None] = pii_column(category="email", use_existing_column=True)

    assert Visitor.__mapper__.local_table is Person.__table__
    return Case(
        Base.metadata,
        lambda: Customer(name="n", email="e"),
        {"name": "n", "email": "e"},
        {"people.name": True, "people.email": True},
    )


@case
def joined_table_inheritance() -> Case:
    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = "people"
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        name: Mapped[str] = pii_column(category="name")

    class Customer(Person):
        __tablename__ = "customers"
        __mapper_args__ = {"polymorphic_identity": "customer"}
        id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
        email: Mapped[str] = pii_column(category="email")

    return Case(
        Base.metadata,
        lambda: Customer(name="n", email="e"),
        {"name": "n", "email": "e"},
        {"people.name": True, "customers.email": True},
    )


@case
def concrete_inheritance() -> Case:
    class Base(DeclarativeBase):
        pass

    class Person(AbstractConcreteBase, Base):
        strict_attrs = True
        name: Mapped[str] = pii_column(category="name")

    class Customer(Person):
        __tablename__ = "customers"
        __mapper_args__ = {"polymorphic_identity": "customer", "concrete": True}
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = pii_column(category="email")

    configure_mappers()
    return Case(
        Base.metadata,
        lambda: Customer(name="n", email="e"),
        {"name": "n", "email": "e"},
        {"customers.name": True, "customers.email": True},
    )


@dataclass
class Address:
    street: str | None
    town: str | None


@case
def composites_column_properties_and_hybrids() -> Case:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        first: Mapped[str] = pii_column(String(40), category="name", encrypt=False)
        last: Mapped[str] = pii_column(String(40), category="name", encrypt=False)
        street: Mapped[str | None] = pii_column(category="address")
        address: Mapped[Address] = composite("street", pii_column("town", String(40), category="address"))
        full: Mapped[str] = column_property(first + " " + last)

        @hybrid_property
        def initials(self) -> str:
            return self.first[0] + self.last[0]

    return Case(
        Base.metadata,
        lambda: Customer(first="Ann", last="Lee", address=Address("Main St", "Oslo")),
        {"first": "Ann", "address": Address("Main St", "Oslo"), "full": "Ann Lee", "initials": "AL"},
        {
            "customers.first": False,
            "customers.last": False,
            "customers.street": True,
            "customers.town": True,
        },
    )


@case
def columns_added_to_the_class_later() -> Case:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)

    Customer.email = pii_column("e_mail", String(320), category="email")
    Customer.segment = pii_column(String(320), category="usage_history", encrypt=False)
    return Case(
        Base.metadata,
        lambda: Customer(email="e", segment="s"),
        {"email": "e", "segment": "s"},
        {"customers.e_mail": True, "customers.segment": False},
    )


@case
def no_metaclass() -> Case:
    class Base(DeclarativeBaseNoMeta):
        metadata = MetaData(naming_convention={"ix": "ix_%(column_0_label)s"})

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = pii_column(category="email")

    return Case(Base.metadata, lambda: Customer(email="e"), {"email": "e"}, {"customers.email": True})


def _sqlmodel() -> Case:
    from sqlmodel import Field, SQLModel

    class Base(SQLModel, registry=registry()):
        pass

    class Customer(Base, table=True):
        __tablename__ = "customers"
        id: int | None = Field(default=None, primary_key=True)
        email: str = Field(sa_column=Column("e_mail", Encrypted(String(320), category="email"), nullable=False))
        name: str = Field(sa_type=Encrypted(category="name"))

    return Case(
        Base.metadata,
        lambda: Customer(email="e", name="n"),
        {"email": "e", "name": "n"},
        {"customers.e_mail": True, "customers.name": True},
    )


@pytest.mark.parametrize("name", CASES)
def test_a_personal_column_is_known_sealed_and_comes_back(
    name: str, engine: Engine, make_engine: Callable[..., Engine]
) -> None:
    check(CASES[name](), engine, make_engine())


def check(made: Case, engine: Engine, plain: Engine) -> None:
    with protected(engine, made.metadata) as privacy:
        known = {column.name: column.sealed for column in privacy.catalogue.columns.values()}
        assert known == made.sealed
        with Session(engine) as session:
            session.add(made.make())
            session.commit()
        with Session(engine) as session:
            kind = type(made.make())
            session.expunge_all()
            instance = session.scalars(select(kind)).one()
            for path, expected in made.expected.items():
                found: Any = instance
                for step in path.split("."):
                    found = getattr(found, step)
                assert found == expected, path
                assert type(found) is type(expected), path
    for column, sealed in made.sealed.items():
        table, _, bare = column.partition(".")
        for value in stored(plain, table, plain.dialect.identifier_preparer.quote(bare)):
            assert value is None or is_cell(value) is sealed, column


def test_sqlmodel_takes_encrypted_columns(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    check(_sqlmodel(), engine, make_engine())


def test_dataclass_methods_leave_personal_fields_out_unless_asked() -> None:
    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = pii_column(category="email")
        phone: Mapped[str] = pii_column(category="phone", repr=True, compare=True)

    ann, bob = Customer(1, "ann@example.org", "1"), Customer(1, "bob@example.org", "1")
    assert "ann@example.org" not in repr(ann)
    assert "phone='1'" in repr(ann)
    assert ann == bob
    assert ann != Customer(1, "ann@example.org", "2")


def test_tables_in_schemas_have_their_full_name(engine: Engine, backend: str) -> None:
    metadata = MetaData()
    for schema in (None, "crm"):
        Table(
            "contacts",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("phone", Encrypted(String(40), category="phone")),
            schema=schema,
        )
    crm = metadata.tables["crm.contacts"]
    with engine.connect() as connection:
        attach = "CREATE SCHEMA crm" if backend == "postgresql" else None
        if attach:
            connection.execute(text(attach))
            connection.commit()
    if backend == "sqlite":

        @event.listens_for(engine, "connect")
        def attach_database(connection: Any, record: Any) -> None:
            connection.execute("ATTACH ':memory:' AS crm")

        engine.dispose()
    with protected(engine, metadata) as privacy:
        assert set(privacy.catalogue.columns) == {"contacts.phone", "crm.contacts.phone"}
        assert [table.name for table in privacy.catalogue.find("crm", "contacts")] == ["crm.contacts"]
        assert [table.name for table in privacy.catalogue.find(None, "contacts")] == ["contacts"]
        assert len(privacy.catalogue.find("elsewhere", "contacts")) == 2
        with engine.begin() as connection:
            connection.execute(insert(crm), [{"phone": "1"}])
            assert connection.scalars(select(crm.c.phone)).one() == "1"


def test_reflected_and_automapped_tables_count_by_their_name(engine: Engine) -> None:
    metadata = MetaData()
    Table(
        "customers",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("email", Encrypted(String(320), category="email")),
        Column("segment", String(40), info={}),
    )
    reflected = MetaData()
    with protected(engine, metadata) as privacy:
        mapped = automap_base(metadata=reflected)
        mapped.prepare(autoload_with=engine)
        table = reflected.tables["customers"]
        assert annotation_of(table.c.email) is None
        (known,) = privacy.catalogue.find(table.schema, table.name)
        assert known.columns["email"].category == "email"
        explained = privacy.explain(select(mapped.classes.customers))
        assert explained.reads == {"customers.email"}


def test_a_copy_of_a_table_is_as_personal_and_opens_the_same_cells(engine: Engine) -> None:
    metadata = MetaData()
    table = Table(
        "customers",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("email", Encrypted(String(320), category="email")),
        Column("segment", String(40)),
    )
    copied = table.to_metadata(MetaData())
    assert annotation_of(copied.c.email) == annotation_of(table.c.email)
    assert copied.c.email.type.field == table.c.email.type.field == "customers.email"  # type: ignore[attr-defined]
    with protected(engine, metadata), engine.begin() as connection:
        connection.execute(insert(table), [{"email": "e"}])
        assert connection.scalars(select(copied.c.email)).one() == "e"


def test_one_type_object_for_several_columns_binds_each_to_its_own(engine: Engine) -> None:
    sealed = Encrypted(String(40), category="name")
    metadata = MetaData()
    table = Table(
        "customers", metadata, Column("id", Integer, primary_key=True), Column("a", sealed), Column("b", sealed)
    )
    assert sealed.field is None
    assert [table.c.a.type.field, table.c.b.type.field] == ["customers.a", "customers.b"]  # type: ignore[attr-defined]
    with protected(engine, metadata), engine.begin() as connection:
        connection.execute(insert(table), [{"a": "1", "b": "2"}])
        assert connection.execute(select(table.c.a, table.c.b)).one() == ("1", "2")


def test_a_column_appended_to_a_table_later_is_in_the_next_catalogue() -> None:
    metadata = MetaData()
    table = Table("customers", metadata, Column("id", Integer, primary_key=True))
    privacy = make_privacy(metadata)
    assert not privacy.catalogue.columns
    before = privacy.catalogue
    assert privacy.catalogue is before
    table.append_column(Column("email", Encrypted(String(20), category="email")))
    assert set(privacy.catalogue.columns) == {"customers.email"}
    assert privacy.catalogue is not before


def test_the_catalogue_of_a_policy_that_seals_columns_of_others_is_made_once() -> None:
    """Making it says again what is sealed: that is nothing new."""
    metadata = MetaData()
    Table("customers", metadata, Column("id", Integer, primary_key=True), Column("email", String(20)))
    policy = make_policy(columns={"customers.email": {"category": "email", "encrypt": True}})
    privacy = make_privacy(metadata, policy=policy)
    before = privacy.catalogue
    assert before.columns["customers.email"].sealed
    assert privacy.catalogue is before


def test_tables_of_two_databases_whose_names_differ_in_case_are_told_apart() -> None:
    first, second = MetaData(), MetaData()
    Table("Customer", first, Column("Email", String(20)))
    Table("customer", second, Column("email_address", String(20)))
    columns = {"Customer.Email": "email", "customer.email_address": "email"}
    assert {*make_privacy([first, second], policy=make_policy(columns=columns)).catalogue.columns} == {*columns}
    of_the_other = make_policy(columns={"Customer.Email": "email"})
    with pytest.raises(PolicyError, match="no such column") as refused:
        _ = make_privacy(second, policy=of_the_other).catalogue
    assert refused.value.hint is not None
    assert "metadata=Base" in refused.value.hint


def test_annotating_alone_changes_nothing_where_nothing_is_sealed() -> None:
    def make(column: Callable[..., Any], **said: Any) -> tuple[list[str], list[str]]:
        class Base(DeclarativeBase):
            pass

        class Customer(Base):
            __tablename__ = "customers"
            id: Mapped[int] = mapped_column(primary_key=True)
            email: Mapped[str] = column("e_mail", String(320), index=True, **said)
            name: Mapped[str | None] = column(**said)

        ran: list[str] = []
        engine = create_engine("sqlite://")
        event.listen(engine, "before_cursor_execute", lambda *seen: ran.append(f"{seen[2]} {seen[3]}"))
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add(Customer(email="e", name="n"))
            session.commit()
            found = session.scalars(select(Customer).where(func.lower(Customer.email) == "e")).one()
            values = [found.email, str(found.name), *session.scalars(select(Customer.name).order_by(Customer.email))]
            found.name = None
            session.commit()
            assert "email" not in inspect(found).dict
            values.append(str(found.name))
        ran.append(str(CreateTable(Customer.__table__).compile(engine)))  # type: ignore[arg-type]
        return ran, values

    plain = make(mapped_column)
    annotated = make(pii_column, category="email", encrypt=False)
    assert annotated == plain


def test_an_engine_without_a_privacy_reads_annotated_columns_as_plain_ones_beside_a_protected_one(
    make_engine: Callable[..., Engine],
) -> None:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        segment: Mapped[str] = pii_column(category="usage_history", encrypt=False)

    engine, plain = make_engine(), make_engine()
    with protected(engine, Base):
        with Session(plain) as session:
            session.add(Customer(segment="s"))
            session.commit()
            assert session.scalars(select(Customer).where(Customer.segment == "s")).one().segment == "s"
        with Session(engine) as session:
            assert session.scalars(select(Customer)).one().segment == "s"
    with Session(plain) as session:
        assert session.scalars(select(Customer)).one().segment == "s"


def test_several_metadata_collections_with_one_table_name_are_one_table() -> None:
    first, second = MetaData(), MetaData()
    Table("customers", first, Column("id", Integer), Column("email", Encrypted(category="email")))
    Table("customers", second, Column("id", Integer), Column("name", Encrypted(category="name")))
    known = make_privacy([first, second]).catalogue
    assert set(known.columns) == {"customers.email", "customers.name"}
    assert set(known.find(None, "customers")[0].all_columns) == {"id", "email", "name"}
    assert set(make_privacy(first).catalogue.columns) == {"customers.email"}
    assert make_policy().id == "columns"


def test_an_expression_added_to_a_class_in_use_is_as_personal_as_its_columns(engine: Engine) -> None:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        phone: Mapped[str] = pii_column(String(40), category="phone", encrypt=False)

    privacy = make_privacy(Base)
    privacy.install(engine)
    Base.metadata.create_all(engine)
    try:
        with privacy.access("all", role="staff", actor="x"), Session(engine) as session:
            session.add(Customer(phone="p"))
            session.commit()
            Customer.loud = column_property(func.upper(Customer.phone))
            session.expunge_all()
            found: Any = session.scalars(select(Customer)).one()
            assert found.loud == "P"
            with privacy.access("shipping", role="staff", actor="x"):
                with pytest.raises(PurposeDenied):
                    _ = found.loud
                session.expunge_all()
                again: Any = session.scalars(select(Customer)).one()
                with pytest.raises(PurposeDenied):
                    _ = again.loud
    finally:
        privacy.close()


def test_concrete_classes_that_share_a_field_are_loaded_together(engine: Engine) -> None:
    """Their cells come out of one column of a UNION ALL, so they have to be bound to one field."""

    class Base(DeclarativeBase):
        pass

    class Person(AbstractConcreteBase, Base):
        strict_attrs = True
        name: Mapped[str] = pii_column(category="name", field="person.name")

    class Customer(Person):
        __tablename__ = "customers"
        __mapper_args__ = {"polymorphic_identity": "customer", "concrete": True}
        id: Mapped[int] = mapped_column(primary_key=True)

    class Supplier(Person):
        __tablename__ = "suppliers"
        __mapper_args__ = {"polymorphic_identity": "supplier", "concrete": True}
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = pii_column(category="email")

    configure_mappers()
    with protected(engine, Base), Session(engine) as session:
        session.add_all([Customer(name="c"), Supplier(name="s", email="e")])
        session.commit()
        session.expunge_all()
        assert sorted(one.name for one in session.scalars(select(Person))) == ["c", "s"]
        assert session.scalars(select(Supplier)).one().email == "e"


def test_changes_inside_a_sealed_value_are_seen_where_its_sealed_type_is_mutable(engine: Engine) -> None:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        wishes: Mapped[dict[str, Any]] = mapped_column(MutableDict.as_mutable(Encrypted(JSON(), category="email")))

    with protected(engine, Base), Session(engine) as session:
        session.add(Customer(wishes={}))
        session.commit()
        customer = session.scalars(select(Customer)).one()
        customer.wishes["x"] = 1
        session.commit()
        session.expunge_all()
        assert session.scalars(select(Customer)).one().wishes == {"x": 1}
