"""Rows that lead to their person through other rows, keys that are UUIDs, primary keys of several columns."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, ForeignKey, insert, select, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from sa_privacy import DataSubject, Keyring, Privacy, pii_column
from sa_privacy.crypto.subject_cell import key_id_of
from sa_privacy.errors import SealedColumn
from tests.subject_keys.world import POLICY, clerk


class Base(DeclarativeBase):
    """Registry of these models."""


class Member(Base):
    """A person whose key is a UUID."""

    __tablename__ = "members"
    __data_subject__ = DataSubject("member", key="id")

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    name: Mapped[str | None] = pii_column(category="name", key="subject")


class Order(Base):
    """One step from the person. Nothing in it is sealed."""

    __tablename__ = "orders"
    __data_subject__ = DataSubject("member", via="member_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"))
    member: Mapped[Member] = relationship()
    items: Mapped[list[Item]] = relationship(back_populates="order")


class Item(Base):
    """Two steps from the person."""

    __tablename__ = "items"
    __data_subject__ = DataSubject("member", via="order")

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    wish: Mapped[str | None] = pii_column(category="note", key="subject")
    order: Mapped[Order] = relationship(back_populates="items")


@pytest.fixture
def shop(engine: Engine) -> Iterator[Privacy]:
    privacy = Privacy(POLICY, keys=Keyring.generate(), log=None, metadata=Base.metadata)
    Base.metadata.create_all(engine)
    privacy.metadata.create_all(engine)
    privacy.install(engine)
    yield privacy
    privacy.close()


def _keys(privacy: Privacy, engine: Engine) -> dict[str, set[bytes | None]]:
    """The keys of items by the person whose they are, and that of the person."""
    found: dict[str, set[bytes | None]] = {}
    asked = "SELECT o.member_id, i.wish FROM items i JOIN orders o ON o.id = i.order_id UNION ALL SELECT id, name FROM members"
    privacy.uninstall(engine)
    with engine.connect() as connection:
        for member, cell in connection.execute(text(asked)):
            if cell is not None:
                found.setdefault(str(member), set()).add(key_id_of(bytes(cell)))
        linked = connection.execute(text("SELECT subject, id FROM sa_privacy_subject_keys")).all()
    privacy.install(engine)
    assert {member: {bytes(key)} for member, key in linked} == found
    return found


def test_far_rows_are_sealed_for_their_person(shop: Privacy, engine: Engine) -> None:
    with clerk(shop), Session(engine) as session:
        ann, bob = Member(name="Ann"), Member(name="Bob")
        for member in (ann, bob):
            session.add(Order(member=member, items=[Item(place=1, wish="red"), Item(place=2, wish="blue")]))
        session.commit()
        first = session.scalars(select(Order).where(Order.member_id == ann.id)).one()
        second = session.scalars(select(Order).where(Order.member_id == bob.id)).one()
        first.items[0].wish, second.items[1].wish = "green", "grey"
        session.commit()
        rows = [{"order_id": one.id, "place": 3, "wish": "more"} for one in (first, second)]
        session.execute(insert(Item), rows)
        session.execute(update(Item), [row | {"wish": "less"} for row in rows])
        session.commit()
        assert sorted(str(item.wish) for item in first.items) == ["blue", "green", "less"]
    assert len(_keys(shop, engine)) == 2


def test_a_row_that_others_hang_on_does_not_change_hands(shop: Privacy, engine: Engine) -> None:
    with clerk(shop), Session(engine) as session:
        ann, bob = Member(name="Ann"), Member(name="Bob")
        order = Order(member=ann, items=[Item(place=1, wish="red")])
        session.add_all([order, bob])
        session.commit()
        order.member = bob
        with pytest.raises(SealedColumn, match="items would change hands"):
            session.commit()
        session.rollback()
        session.execute(update(Order).where(Order.id == order.id).values(member_id=ann.id))  # whose it is
        other = Order(member=bob)
        session.add(other)
        session.commit()
        with pytest.raises(SealedColumn, match="key of who had the row"):
            session.execute(update(Item).where(Item.order_id == order.id, Item.place == 1).values(order_id=other.id))
        session.rollback()
        session.execute(
            update(Item).where(Item.order_id == order.id, Item.place == 1).values(order_id=other.id, wish="red, anew")
        )
        session.commit()
        with pytest.raises(SealedColumn, match="nobody"):
            session.execute(insert(Item).values(order_id=999, place=1, wish="x"))
    _keys(shop, engine)


def test_a_person_s_own_key_does_not_change_under_their_cells(shop: Privacy, engine: Engine) -> None:
    with clerk(shop), Session(engine) as session:
        session.add(Member(id=uuid.UUID(int=1), name="Ann"))
        session.commit()
        with pytest.raises(SealedColumn):
            session.execute(update(Member).where(Member.id == uuid.UUID(int=1)).values(id=uuid.UUID(int=2)))
