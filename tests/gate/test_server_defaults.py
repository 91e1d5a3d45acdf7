"""What the database fills in is personal too: it is not fetched along with an INSERT that nobody may read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Computed, Engine, FetchedValue, String, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import AccessLog, Keyring, NotLoaded, Policy, Privacy, PurposeDenied, pii_column
from tests.gate.watch import statements

POLICY = Policy(
    policy={"id": "defaults", "version": "1"},
    categories={"name": {}, "rank": {}},
    purposes={"signup": {"write": ["name"]}, "ranking": {"use": ["name", "rank"]}, "writing": {"write": ["rank"]}},
    roles={"clerk": {"purposes": ["signup", "ranking", "writing"]}},
)


class Base(DeclarativeBase):
    """Registry of these models."""


class Guest(Base):
    """The database fills in two personal columns and a plain one."""

    __tablename__ = "guests"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = pii_column(String(20), category="name", encrypt=False)
    rank: Mapped[str] = pii_column(String(20), category="rank", encrypt=False, server_default="new")
    loud: Mapped[str | None] = pii_column(
        String(40), Computed("name || '!'", persisted=True), category="name", encrypt=False
    )
    tier: Mapped[str] = mapped_column(String(20), server_default="basic")


class Eager(Base):
    """The same, fetched by a second SELECT where RETURNING does not."""

    __tablename__ = "eager_guests"
    __mapper_args__ = {"eager_defaults": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = pii_column(String(20), category="name", encrypt=False)
    rank: Mapped[str] = pii_column(String(20), category="rank", encrypt=False, server_default="new")


class Keyed(Base):
    """Its key is given, so that the personal default would be all there is to return."""

    __tablename__ = "keyed_guests"

    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    colour: Mapped[str] = mapped_column(String(20), default="red")
    rank: Mapped[str] = pii_column(
        String(20), category="rank", encrypt=False, server_default="new", server_onupdate=FetchedValue()
    )


MODELS: dict[str, Any] = {"auto": Guest, "eager": Eager}


@pytest.fixture
def privacy(log: AccessLog) -> Iterator[Privacy]:
    made = Privacy(POLICY, keys=Keyring.generate(), log=log, metadata=Base)
    yield made
    made.close()


@pytest.fixture
def hotel(engine: Engine, privacy: Privacy) -> Engine:
    Base.metadata.create_all(engine)
    privacy.install(engine)
    return engine


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
@pytest.mark.parametrize("count", [1, 3])
def test_an_insert_that_leaves_a_personal_default_to_the_database_needs_no_read_grant(
    hotel: Engine, privacy: Privacy, model: Any, count: int
) -> None:
    with statements(hotel) as sent, Session(hotel) as session:
        session.add_all([Keyed(code=str(number)) for number in range(count)])
        session.commit()  # nothing personal is given: no access is needed either
        with privacy.access("signup", role="clerk"):
            session.add_all([model(name="Ann") for _ in range(count)])
            session.commit()
    assert not [one for one in sent if "RETURNING" in one and "rank" in one.partition("RETURNING")[2]]
    assert not [one for one in sent if one.startswith("SELECT")]
    with privacy.access("ranking", role="clerk"), Session(hotel) as session:
        assert session.scalars(select(model.rank)).all() == ["new"] * count
        assert session.scalars(select(Keyed.rank)).all() == ["new"] * count


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_what_the_database_filled_in_loads_where_it_is_covered_and_is_refused_elsewhere(
    hotel: Engine, privacy: Privacy, model: Any
) -> None:
    with Session(hotel) as session:
        with privacy.access("signup", role="clerk"):
            guest = model(name="Ann")
            session.add(guest)
            session.flush()
            with pytest.raises(PurposeDenied):
                _ = guest.rank
            assert "rank" not in guest.__dict__
        with privacy.access("ranking", role="clerk"):
            assert guest.rank == "new"
            other = model(name="Bo")
            session.add(other)
            session.flush()
            assert other.rank == "new"


def test_the_plain_defaults_still_come_back_with_the_insert(hotel: Engine, privacy: Privacy) -> None:
    with Session(hotel) as session, statements(hotel) as sent:
        with privacy.access("signup", role="clerk"):
            guest = Guest(name="Ann")
            session.add(guest)
            session.flush()
        assert "tier" in sent[-1].partition("RETURNING")[2]
        assert guest.tier == "basic"
        assert len(sent) == 1


def test_eager_defaults_fetch_what_is_covered_at_once(hotel: Engine, privacy: Privacy) -> None:
    with privacy.access("ranking", role="clerk"), Session(hotel) as session:
        guest = Eager(name="Ann")
        session.add(guest)
        session.flush()
        assert guest.__dict__["rank"] == "new"


def test_the_order_of_wide_and_narrow_inserts_does_not_matter(hotel: Engine, privacy: Privacy) -> None:
    """A mapper keeps its compiled INSERTs for everyone."""
    for purpose in ("ranking", "signup", "ranking", "signup"):
        for model in MODELS.values():
            with privacy.access(purpose, role="clerk"), Session(hotel) as session:
                session.add(model(name="Ann"))
                session.commit()


def test_an_update_that_the_database_completes_reads_nothing_back(hotel: Engine, privacy: Privacy) -> None:
    with Session(hotel) as session, statements(hotel) as sent:
        session.add_all([Keyed(code="a"), Keyed(code="b")])
        session.commit()
        found = session.get_one(Keyed, "a")
        found.colour = "blue"
        session.commit()
        assert found.colour == "blue"
    assert not [one for one in sent if "rank" in one]
    with Session(hotel) as session:
        assert session.scalars(select(Keyed.colour).order_by(Keyed.code)).all() == ["blue", "red"]


def test_an_engine_without_a_privacy_fetches_them_as_ever(hotel: Engine, make_engine: Any) -> None:
    plain = make_engine()
    with Session(plain) as session:
        for model in MODELS.values():
            guest = model(name="Ann")
            session.add(guest)
            session.flush()
            assert guest.__dict__["rank"] == "new"
    with plain.begin() as connection:
        row = connection.execute(insert(Guest).return_defaults()).returned_defaults
        assert row is not None
        assert row.rank == "new"


def test_asking_for_it_by_name_is_still_judged(hotel: Engine, privacy: Privacy) -> None:
    with hotel.begin() as connection, privacy.access("signup", role="clerk"):
        with pytest.raises(PurposeDenied):
            connection.execute(insert(Guest).returning(Guest.rank))
        connection.execute(insert(Guest).return_defaults())
        with pytest.raises(PurposeDenied):
            connection.execute(text("INSERT INTO guests (name) VALUES ('x') RETURNING rank"))


async def test_it_is_the_same_under_asyncio(async_engine: AsyncEngine, privacy: Privacy) -> None:
    async with async_engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    privacy.install(async_engine)
    async with AsyncSession(async_engine) as session:
        with privacy.access("signup", role="clerk"):
            guests: list[Any] = [Guest(name="Ann"), Eager(name="Bo")]
            session.add_all(guests)
            await session.flush()
        with privacy.access("ranking", role="clerk"):
            for guest in guests:
                with pytest.raises(NotLoaded):
                    _ = guest.rank
                await privacy.load(guest)
                assert guest.rank == "new"
