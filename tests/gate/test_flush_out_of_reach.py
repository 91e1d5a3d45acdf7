"""A flush, or a bulk change by primary keys, of rows that the access does not reach is refused with the name of the rule;
a stale version of a row that it reaches is SQLAlchemy's own to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, ForeignKey, String, func, inspect, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.orm.exc import StaleDataError

from sa_privacy import DataSubject, Policy, Privacy, RowsDenied, pii_column
from tests.support.databases import Database

POLICY = Policy(
    policy={"id": "out-of-reach", "version": "1"},
    categories={"name": {}},
    purposes={"desk": {"use": ["name"], "delete": ["people", "papers", "staff"]}},
    roles={"clerk": {"purposes": ["desk"]}, "head": {"purposes": ["desk"]}},
)


class Base(DeclarativeBase):
    """Registry of these models."""


class Person(Base):
    """Of a team. What has no personal value is changed without touching one."""

    __tablename__ = "people"
    __data_subject__ = DataSubject("person", key="id")
    id: Mapped[int] = mapped_column(primary_key=True)
    team: Mapped[str] = mapped_column(String(10))
    rank: Mapped[int] = mapped_column(default=0)
    name: Mapped[str] = pii_column(String(40), category="name", encrypt=False)


class Paper(Base):
    """Versioned."""

    __tablename__ = "papers"
    __data_subject__ = DataSubject("person", via="person_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    team: Mapped[str] = mapped_column(String(10))
    rank: Mapped[int] = mapped_column(default=0)
    name: Mapped[str] = pii_column(String(40), category="name", encrypt=False)
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class Member(Base):
    """What the database computes comes back with RETURNING."""

    __tablename__ = "staff"
    __data_subject__ = DataSubject("person", key="id")
    __mapper_args__ = {"eager_defaults": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    team: Mapped[str] = mapped_column(String(10))
    rank: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(server_default="0", onupdate=func.abs(-7))
    name: Mapped[str] = pii_column(String(40), category="name", encrypt=False)


def filled(database: Database) -> None:
    engine = database.engine()
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for n, team in ((1, "a"), (2, "a"), (3, "b")):
            session.add_all(
                [Person(id=n, team=team, name=f"p{n}"), Member(id=n, team=team, name=f"m{n}")],
            )
            session.flush()
            session.add(Paper(id=n, person_id=1, team=team, name=f"q{n}"))
        session.commit()


@pytest.fixture
def privacy(database: Database) -> Iterator[Privacy]:
    filled(database)
    made = Privacy(POLICY, keys=None, log=None, metadata=Base)
    for kind in (Person, Paper, Member):
        made.restrict(kind, role="clerk", where=lambda c, access: c.team == access.details["team"])
    yield made
    made.close()


@pytest.fixture
def session(engine: Engine, privacy: Privacy) -> Iterator[Session]:
    privacy.install(engine)
    with Session(engine) as opened:
        yield opened


def head(privacy: Privacy) -> Any:
    return privacy.access("desk", role="head", actor="staff:1")


def clerk(privacy: Privacy, team: str = "a") -> Any:
    return privacy.access("desk", role="clerk", actor="staff:2", team=team)


Change = Callable[[Session, Any], Any]


def _ranked(session: Session, found: Any) -> None:
    found.rank = 5
    session.flush()


def _named(session: Session, found: Any) -> None:
    found.name = "x"
    session.flush()


def _deleted(session: Session, found: Any) -> None:
    session.delete(found)
    session.flush()


def _bulk(session: Session, found: Any) -> None:
    session.execute(update(type(found)), [_by_key(found)])


def _mappings(session: Session, found: Any) -> None:
    session.bulk_update_mappings(inspect(type(found)), [_by_key(found)])


def _by_key(found: Any) -> dict[str, Any]:
    version = {"version": found.version} if isinstance(found, Paper) else {}
    return {"id": found.id, "rank": 5} | version


CHANGES = [_ranked, _named, _deleted, _bulk, _mappings]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", [Person, Paper, Member])
def test_a_row_out_of_reach_is_refused_by_name(session: Session, privacy: Privacy, kind: Any, change: Change) -> None:
    with head(privacy):
        found = session.get_one(kind, 3)
    with clerk(privacy), pytest.raises(RowsDenied) as refused:
        change(session, found)
    assert refused.value.rule == f'{kind.__tablename__} (role "clerk")'
    session.rollback()
    with clerk(privacy, "b"):
        change(session, session.get_one(kind, 3))


@pytest.mark.parametrize("kind", [Person, Paper, Member])
def test_several_rows_of_which_one_is_out_of_reach(session: Session, privacy: Privacy, kind: Any) -> None:
    with head(privacy):
        rows = [session.get_one(kind, n) for n in (1, 2, 3)]
    with clerk(privacy):
        for n, row in enumerate(rows):
            row.rank = n + 7
        with pytest.raises(RowsDenied):
            session.flush()
    session.rollback()
    with clerk(privacy):
        for row in rows[:2]:
            row.rank = 9
        session.flush()


@pytest.mark.parametrize("change", [_ranked, _named, _deleted])
def test_a_stale_version_within_reach_is_stale(
    engine: Engine, database: Database, session: Session, privacy: Privacy, change: Change
) -> None:
    with clerk(privacy):
        papers = [session.get_one(Paper, n) for n in (1, 2)]
        session.commit()
        for paper in papers:
            assert paper.rank == 0
        session.commit()
        assert papers[0].version == 1
    with database.engine().begin() as other:
        other.execute(update(Paper.__table__).values(version=8).where(Paper.id == 1))  # type: ignore[arg-type]
    with clerk(privacy), pytest.raises(StaleDataError):
        change(session, papers[0])
    session.rollback()
    with clerk(privacy), pytest.raises(StaleDataError):  # one of several
        session.execute(update(Paper), [{"id": n, "version": 1, "rank": 3} for n in (1, 2)])


async def test_it_holds_for_async_sessions(async_engine: AsyncEngine, privacy: Privacy) -> None:
    privacy.install(async_engine)
    kinds: list[Any] = [Person, Paper, Member]
    async with AsyncSession(async_engine) as session:
        for kind in kinds:
            with head(privacy):
                found = await session.get_one(kind, 3)
                version = {"version": found.version} if isinstance(found, Paper) else {}
            with clerk(privacy):
                found.rank = 5
                with pytest.raises(RowsDenied):
                    await session.flush()
            await session.rollback()
            with clerk(privacy), pytest.raises(RowsDenied):
                await session.execute(update(kind), [{"id": 3, "rank": 5} | version])
            await session.rollback()
        for kind in (kinds[0], kinds[2]):
            with clerk(privacy):
                with pytest.raises(RowsDenied):
                    await session.execute(update(kind), [{"id": n, "rank": 6} for n in (1, 2, 3)])
                await session.rollback()
                await session.execute(update(kind), [{"id": n, "rank": 6, "team": "b"} for n in (1, 2)])
                await session.rollback()
        with clerk(privacy), pytest.raises(StaleDataError):
            await session.execute(update(Paper), [{"id": 1, "rank": 5, "version": 7}])
