"""What the condition of rows cannot know, because tables refer to each other in a circle, is found out when rows would go."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, foreign, mapped_column, relationship, remote

from sa_privacy import Privacy
from tests.customers.retention import world


class Base(DeclarativeBase):
    """Registry of these models."""


class Box(Base):
    """Is in a room, always."""

    __tablename__ = "boxes"
    id: Mapped[int] = mapped_column(primary_key=True)
    room_id: Mapped[int] = mapped_column()
    closed_on: Mapped[date] = mapped_column()
    room: Mapped[Room] = relationship(primaryjoin=lambda: foreign(Box.room_id) == remote(Room.id), viewonly=False)


class Room(Base):
    """Belongs to a box, always."""

    __tablename__ = "rooms"
    id: Mapped[int] = mapped_column(primary_key=True)
    box_id: Mapped[int] = mapped_column()
    box: Mapped[Box] = relationship(primaryjoin=lambda: foreign(Room.box_id) == remote(Box.id), viewonly=False)


def test_a_row_stays_for_one_behind_the_circle_and_the_others_of_its_chunk_go(engine: Engine) -> None:
    said = world.policy({"boxes": {"table": "boxes", "clock": "closed_on", "period": "P1Y", "action": "delete"}})
    privacy = Privacy(said, keys=world.KEYS, log=None, metadata=[Base, world.Base])
    privacy._desk.clock = lambda: datetime(2026, 11, 26, tzinfo=UTC)
    privacy.install(engine)
    with world.engineer(privacy), engine.begin() as connection:
        Base.metadata.create_all(connection)
        world.Base.metadata.create_all(connection)
        privacy.metadata.create_all(connection)
    with world.engineer(privacy), Session(engine) as session:
        old, new = date(2020, 1, 1), date(2026, 11, 1)
        # The room of box 2 has the new box 4 in it; box 5 is old, and in the room of box 3.
        closed = {1: old, 2: old, 3: old, 4: new, 5: old}
        rooms = {1: 10, 2: 20, 3: 30, 4: 20, 5: 30}
        session.add_all([Room(id=number * 10, box_id=number) for number in (1, 2, 3)])
        session.add_all([Box(id=number, room_id=rooms[number], closed_on=day) for number, day in closed.items()])
        session.commit()
    try:
        with world.officer(privacy):
            report = privacy.retention.run(engine)
            assert (report.rows, report.done[0].held) == (3, 1)
            assert privacy.retention.run(engine).rows == 0
        with world.engineer(privacy), Session(engine) as session:
            assert session.scalars(select(Box.id).order_by(Box.id)).all() == [2, 4]
            assert session.scalars(select(Room.id)).all() == [20]
    finally:
        privacy.close()
