"""The peer: SQLAlchemy and asyncpg without the library, under the same faults. What its memory does is not the library's doing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from threading import Event
from typing import Final

from sqlalchemy import ForeignKey, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

from benchmarks.soak.turn import is_fault

__all__ = ["Plain", "work"]

_PAUSE: Final = 0.2
"""Seconds at most between two operations of one task: so many as the protected tasks carry out, about."""
_MOST: Final = 12  # customers of one task


class Plain(DeclarativeBase):
    """Registry of these models."""


class Buyer(Plain):
    """A customer."""

    __tablename__ = "plain_buyers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(index=True)
    phone: Mapped[str | None]
    orders: Mapped[list[Purchase]] = relationship(back_populates="buyer", passive_deletes=True)


class Purchase(Plain):
    """A customer's."""

    __tablename__ = "plain_purchases"

    id: Mapped[int] = mapped_column(primary_key=True)
    buyer_id: Mapped[int] = mapped_column(ForeignKey("plain_buyers.id", ondelete="CASCADE"), index=True)
    address: Mapped[str]
    note: Mapped[str | None]
    buyer: Mapped[Buyer] = relationship(back_populates="orders")


class _Actor:
    def __init__(self, seed: int, number: int) -> None:
        self.draw = Random(f"{seed}-plain-{number}")
        self.buyers: list[int] = []

    def text(self) -> str:
        return "x" * self.draw.randrange(20, 80)


def _register(actor: _Actor, session: Session) -> None:
    buyer = Buyer(name=actor.text(), email=actor.text(), phone=actor.text())
    buyer.orders = [Purchase(address=actor.text(), note=actor.text())]
    session.add(buyer)
    session.flush()
    found = buyer.id
    session.commit()
    actor.buyers.append(found)
    if len(actor.buyers) > _MOST:
        session.execute(delete(Buyer).where(Buyer.id == actor.buyers[0]))
        session.commit()
        del actor.buyers[0]


def _bulk(actor: _Actor, session: Session) -> None:
    buyer = actor.draw.choice(actor.buyers)
    rows = [
        {"buyer_id": buyer, "address": actor.text(), "note": actor.text()} for _ in range(actor.draw.randrange(4, 16))
    ]
    session.execute(insert(Purchase), rows)
    session.execute(delete(Purchase).where(Purchase.buyer_id == buyer, Purchase.note.is_(None)))
    session.commit()


def _change(actor: _Actor, session: Session) -> None:
    session.get_one(Buyer, actor.draw.choice(actor.buyers)).phone = actor.text()
    with session.begin_nested():
        session.flush()
    session.commit()


def _change_in_sql(actor: _Actor, session: Session) -> None:
    session.execute(update(Buyer).where(Buyer.id == actor.draw.choice(actor.buyers)).values(name=actor.text()))
    session.commit()


def _read(actor: _Actor, session: Session) -> None:
    buyer = actor.draw.choice(actor.buyers)
    session.scalars(select(Buyer).where(Buyer.id == buyer).options(selectinload(Buyer.orders))).all()


def _list_all(actor: _Actor, session: Session) -> None:
    session.scalars(select(Buyer).where(Buyer.id.in_(actor.buyers)).order_by(Buyer.id)).all()


def _strangers(actor: _Actor, session: Session) -> None:
    start = actor.draw.randrange(max(actor.buyers))
    asked = select(Buyer.name, Purchase.address).join(Buyer.orders).where(Buyer.id.between(start, start + 10))
    session.execute(asked.limit(40)).all()


def _look_up(actor: _Actor, session: Session) -> None:
    session.execute(select(Buyer.id, Buyer.name).where(Buyer.email == actor.text())).all()


_KINDS: Final[Mapping[Callable[[_Actor, Session], None], int]] = {
    _register: 90,
    _bulk: 60,
    _change: 270,
    _change_in_sql: 120,
    _read: 450,
    _list_all: 330,
    _strangers: 150,
    _look_up: 240,
}
"""As often as the shop does the like."""


def work(make: Callable[[], AsyncEngine], keys: Path, actors: int, seed: int, stop: Event) -> None:
    """Works until `stop` is set; with a new engine whenever the keyring's file has changed, as the protected have one."""
    asyncio.run(_loop(make, keys, [_Actor(seed, number) for number in range(actors)], stop))


async def _loop(make: Callable[[], AsyncEngine], keys: Path, actors: list[_Actor], stop: Event) -> None:
    while not stop.is_set():
        engine, version = make(), _version(keys)

        def goes_on(version: int = version) -> bool:
            return not stop.is_set() and _version(keys) == version

        await asyncio.gather(*(_act(actor, engine, goes_on) for actor in actors))
        await engine.dispose()


def _version(keys: Path) -> int:
    return keys.stat().st_mtime_ns


async def _act(actor: _Actor, engine: AsyncEngine, goes_on: Callable[[], bool]) -> None:
    while goes_on():
        await asyncio.sleep(actor.draw.uniform(0, _PAUSE))
        [do] = actor.draw.choices(list(_KINDS), list(_KINDS.values())) if actor.buyers else [_register]
        try:
            async with AsyncSession(engine) as session:
                await session.run_sync(lambda session, do=do: do(actor, session))  # type: ignore[misc]
        except Exception as error:
            if not is_fault(error):
                raise
