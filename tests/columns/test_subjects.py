"""Whose a row is: DataSubject by key, by relationship, by foreign key, over several steps."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Integer, MetaData, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from sa_privacy import DataSubject, Encrypted, PolicyError, pii_column
from sa_privacy.columns import SubjectPath
from tests.columns.support import make_privacy


def paths(metadata: Any) -> dict[str, SubjectPath | None]:
    return {table.name: table.subject for table in make_privacy(metadata).catalogue}


def shop(order_via: str, item_via: str) -> list[type[DeclarativeBase]]:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        __data_subject__ = DataSubject("customer", key="number")
        number: Mapped[int] = mapped_column("id", primary_key=True)
        name: Mapped[str] = pii_column(category="name")

    class Order(Base):
        __tablename__ = "orders"
        __data_subject__ = DataSubject("customer", via=order_via)
        id: Mapped[int] = mapped_column(primary_key=True)
        bought_by: Mapped[int] = mapped_column("customer_id", ForeignKey("customers.id"))
        customer: Mapped[Customer] = relationship()

    class Item(Base):
        __tablename__ = "items"
        __data_subject__ = DataSubject("customer", via=item_via)
        id: Mapped[int] = mapped_column(primary_key=True)
        order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
        order: Mapped[Order] = relationship()

    class Return(Base):
        __tablename__ = "returns"
        __data_subject__ = DataSubject("customer", via="item_id")
        id: Mapped[int] = mapped_column(primary_key=True)
        item_id: Mapped[int] = mapped_column(ForeignKey("items.id"))

    return [Base, Customer, Order, Item, Return]  # SQLAlchemy itself does not keep them


@pytest.mark.parametrize("order_via", ["customer", "customer_id", "bought_by"])
@pytest.mark.parametrize("item_via", ["order", "order_id"])
def test_a_row_leads_to_its_person_by_relationship_attribute_or_column(order_via: str, item_via: str) -> None:
    base, *classes = shop(order_via, item_via)
    assert len(classes) == 4
    assert paths(base) == {
        "customers": SubjectPath("customer", "id"),
        "orders": SubjectPath("customer", "customer_id"),
        "items": SubjectPath("customer", None, (("order_id", "orders", "id"), ("customer_id", "customers", "id"))),
        "returns": SubjectPath(
            "customer",
            None,
            (("item_id", "items", "id"), ("order_id", "orders", "id"), ("customer_id", "customers", "id")),
        ),
    }


def test_core_tables_say_it_in_their_info() -> None:
    metadata = MetaData()
    Table(
        "customers",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("email", Encrypted(category="email")),
        info={"data_subject": DataSubject("customer", key="id")},
    )
    Table(
        "orders",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("customer_id", ForeignKey("customers.id")),
        info={"data_subject": DataSubject("customer", via="customer_id")},
    )
    assert paths(metadata) == {
        "customers": SubjectPath("customer", "id"),
        "orders": SubjectPath("customer", "customer_id"),
    }


def test_a_joined_child_is_the_person_its_parent_is() -> None:
    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = "people"
        __data_subject__ = DataSubject("person", key="id")
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]

    class Customer(Person):
        __tablename__ = "customers"
        __mapper_args__ = {"polymorphic_identity": "customer"}
        customer_no: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
        email: Mapped[str] = pii_column(category="email")

    class Letter(Base):
        __tablename__ = "letters"
        __data_subject__ = DataSubject("person", via="customer")
        id: Mapped[int] = mapped_column(primary_key=True)
        customer_id: Mapped[int] = mapped_column(ForeignKey("customers.customer_no"))
        customer: Mapped[Customer] = relationship()

    assert paths(Base) == {
        "people": SubjectPath("person", "id"),
        "customers": SubjectPath("person", "customer_no"),
        "letters": SubjectPath("person", "customer_id"),
    }


def test_a_joined_child_of_what_belongs_to_a_person_leads_through_its_parent() -> None:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        __data_subject__ = DataSubject("customer", key="id")
        id: Mapped[int] = mapped_column(primary_key=True)

    class Order(Base):
        __tablename__ = "orders"
        __data_subject__ = DataSubject("customer", via="customer")
        id: Mapped[int] = mapped_column(primary_key=True)
        customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
        customer: Mapped[Customer] = relationship()

    class Gift(Order):
        __tablename__ = "gifts"
        order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
        note: Mapped[str] = pii_column(category="name")

    steps = (("order_id", "orders", "id"), ("customer_id", "customers", "id"))
    assert paths(Base)["gifts"] == SubjectPath("customer", None, steps)
    assert make_privacy(Base).catalogue.holders["gifts"] == ("orders.customer_id", "customer")
    assert Gift.__tablename__ == "gifts"


@pytest.mark.parametrize("via", ["customer", "customer_id"])
def test_a_joined_child_goes_on_from_its_parents_row_whatever_else_it_refers_to(via: str) -> None:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        __data_subject__ = DataSubject("customer", key="id")
        id: Mapped[int] = mapped_column(primary_key=True)

    class Order(Base):
        __tablename__ = "orders"
        __data_subject__ = DataSubject("customer", via=via)
        id: Mapped[int] = mapped_column(primary_key=True)
        customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
        customer: Mapped[Customer] = relationship()

    class Gift(Order):
        __tablename__ = "gifts"
        replaces_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
        gift_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
        __mapper_args__ = {"inherit_condition": gift_id == Order.id}

    assert paths(Base)["gifts"] == SubjectPath(
        "customer", None, (("gift_id", "orders", "id"), ("customer_id", "customers", "id"))
    )
    assert Gift.__tablename__ == "gifts"


@pytest.mark.parametrize("concrete", [True, False])
def test_tables_with_keys_of_their_own_are_not_one_kind_of_people_because_of_a_class(concrete: bool) -> None:
    """Person 1 and member of staff 1 are two people: whoever erased the one would erase both."""

    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __abstract__ = not concrete
        __tablename__ = "people"
        __data_subject__ = DataSubject("person", key="id")
        id: Mapped[int] = mapped_column(primary_key=True)

    class Staff(Person):
        __tablename__ = "staff"
        __mapper_args__ = {"concrete": True} if concrete else {}
        id: Mapped[int] = mapped_column(primary_key=True)

    class Member(Person):
        __tablename__ = "members"
        __mapper_args__ = {"concrete": True} if concrete else {}
        id: Mapped[int] = mapped_column(primary_key=True)

    with pytest.raises(PolicyError, match="two people would be taken for one"):
        paths(Base)
    Staff.__data_subject__, Member.__data_subject__ = DataSubject("staff", key="id"), DataSubject("member", key="id")
    assert paths(Base)["staff"] == SubjectPath("staff", "id")


def test_the_rest_of_a_persons_row_is_not_another_person() -> None:
    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = "people"
        __data_subject__ = DataSubject("person", key="id")
        id: Mapped[int] = mapped_column(primary_key=True)

    class Staff(Person):
        __tablename__ = "staff"
        __data_subject__ = DataSubject("staff", key="id")
        id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)

    with pytest.raises(PolicyError, match="one person would be two"):
        paths(Base)
    assert Staff.__tablename__ == "staff"


def test_an_abstract_base_may_say_it_for_all() -> None:
    class Base(DeclarativeBase):
        pass

    class Owned(Base):
        __abstract__ = True
        __data_subject__ = DataSubject("customer", via="customer_id")
        customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))

    class Customer(Base):
        __tablename__ = "customers"
        __data_subject__ = DataSubject("customer", key="id")
        id: Mapped[int] = mapped_column(primary_key=True)

    class Order(Owned):
        __tablename__ = "orders"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert Customer.__tablename__ == "customers"
    assert paths(Base)["orders"] == SubjectPath("customer", "customer_id")
    assert Order.__tablename__ == "orders"


@pytest.mark.parametrize("said", [{}, {"key": "id", "via": "customer"}])
def test_a_subject_has_a_key_or_a_way_and_not_both(said: dict[str, str]) -> None:
    with pytest.raises(PolicyError, match='DataSubject\\("customer"\\)'):
        DataSubject("customer", **said)


def tables(**subjects: DataSubject | None) -> MetaData:
    metadata = MetaData()
    columns = [Column("id", Integer, primary_key=True), Column("name", Encrypted(category="name"))]
    keys = {"a": "b.id", "b": "a.id"}
    for name, subject in subjects.items():
        Table(
            name,
            metadata,
            *(column._copy() for column in columns),
            Column("next", ForeignKey(keys[name])),
            Column("two", Integer),
            Column("plain", String),
            ForeignKeyConstraint(["two", "id"], ["a.two", "a.id"]),
            info={"data_subject": subject} if subject else {},
        )
    return metadata


@pytest.mark.parametrize(
    ("subjects", "words"),
    [
        ({"a": DataSubject("x", via="next"), "b": DataSubject("x", via="next")}, "in a circle"),
        ({"a": DataSubject("x", via="next"), "b": None}, "names none"),
        ({"a": DataSubject("x", via="nowhere"), "b": DataSubject("x", key="id")}, "no relationship or foreign key"),
        ({"a": DataSubject("x", via="plain"), "b": DataSubject("x", key="id")}, "no relationship or foreign key"),
        ({"a": DataSubject("x", key="number"), "b": None}, "no such attribute or column"),
    ],
)
def test_a_way_that_leads_nowhere_is_an_error(subjects: dict[str, DataSubject | None], words: str) -> None:
    privacy = make_privacy(tables(**subjects))
    with pytest.raises(PolicyError) as refused:
        list(privacy.catalogue)
    assert words in refused.value.message
    assert refused.value.hint


def test_a_subject_that_is_its_own_parent_is_a_circle() -> None:
    class Base(DeclarativeBase):
        pass

    class Comment(Base):
        __tablename__ = "comments"
        __data_subject__ = DataSubject("writer", via="parent")
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int | None] = mapped_column(ForeignKey("comments.id"))
        parent: Mapped[Comment | None] = relationship(remote_side="Comment.id")

    privacy = make_privacy(Base)
    with pytest.raises(PolicyError, match="in a circle"):
        list(privacy.catalogue)
    assert Comment.__tablename__ == "comments"
