"""Annotated columns: what an application with many of them pays when it starts, and with each statement.

Ten to a table, half of them sealed. The statements are over one table, so that the others are only there.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from sqlalchemy import Engine, Integer, Text, select
from sqlalchemy.orm import DeclarativeBase, Session, configure_mappers, mapped_column

from benchmarks.growth.curves import compared
from benchmarks.growth.world import right
from benchmarks.results import curve
from benchmarks.timing import interleaved, memory_engine
from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column

__all__ = ["FULL", "QUICK", "measure"]

FULL, QUICK = (10, 100, 1000, 5000), (10, 100, 300)
X = "annotated columns"
A_TABLE = 10
POLICY = Policy(
    policy={"id": "growth-columns", "version": "1"},
    categories={"open": {}, "closed": {}},
    purposes={"work": {"use": ["open", "closed"]}, "counting": {"use": ["open"]}},
    roles={"staff": {"purposes": ["work", "counting"]}},
)
_numbers = count()


def models(columns: int, *, plain: bool) -> tuple[type[DeclarativeBase], type[Any]]:
    """A base with so many columns in tables of ten, and the class of the first table."""

    class Base(DeclarativeBase):
        pass

    made = [table(Base, plain=plain) for _ in range(columns // A_TABLE)]
    return Base, made[0]


def table(base: type[DeclarativeBase], *, plain: bool) -> type[Any]:
    """One more class, of ten columns."""
    number = next(_numbers)
    members: dict[str, Any] = {
        "__tablename__": f"{'plain_' if plain else ''}things_{number}",
        "id": mapped_column(Integer, primary_key=True),
    }
    if plain:
        members |= {f"value_{n}": mapped_column(Text) for n in range(A_TABLE)}
    else:
        members["__data_subject__"] = DataSubject("customer", key="id")
        for n in range(A_TABLE):
            sealed = n % 2 == 1
            members[f"value_{n}"] = pii_column(Text, category="closed" if sealed else "open", encrypt=sealed)
    return type(f"Thing{number}", (base,), members)


class Side:
    """One side at one size, from the beginning to the first answer."""

    def __init__(self, columns: int, *, plain: bool) -> None:
        self.base, self.first = models(columns, plain=plain)
        self.engine: Engine = memory_engine()
        self.privacy: Privacy | None = None
        self.plain = plain
        self.new = count()

    def start(self) -> None:
        """What an application does once: protect the engine, where it does, and ask something."""
        if not self.plain:
            self.privacy = Privacy(POLICY, keys=Keyring.generate(), log=None, metadata=self.base)
            self.privacy.install(self.engine)
        configure_mappers()
        self.first.__table__.create(self.engine)
        with Session(self.engine) as session:
            if self.privacy is None:
                self.fill(session)
                self.entity()
            else:
                with self.privacy.access("work", role="staff", actor="growth"):
                    self.fill(session)
                    self.entity()

    def fill(self, session: Session) -> None:
        """One row."""
        session.add(self.first(id=1, **{f"value_{n}": f"value {n}" for n in range(A_TABLE)}))
        session.commit()

    def entity(self) -> None:
        """The row as an object."""
        with Session(self.engine) as session:
            right(session.scalars(select(self.first)).one().value_1, "value 1")

    def access(self) -> None:
        """The same, under an access of its own where there are some; two purposes take turns."""
        number = next(self.new)
        if self.privacy is None:
            return self.entity()
        access = self.privacy.access("work" if number % 2 else "counting", role="staff", actor="growth")
        with access, Session(self.engine) as session:
            found = session.scalars(select(self.first)).one()
            right((found.value_0, "value_1" in vars(found)), ("value 0", bool(number % 2)))
        return None

    def sight(self) -> None:
        """A statement that was never seen."""
        table = self.first.__table__
        statement = select(table.c.id, table.c.value_0.label(f"value_{next(self.new) + A_TABLE}"))
        with self.engine.connect() as connection:
            right(connection.execute(statement).all(), [(1, "value 0")])

    def late(self) -> None:
        """One more table is declared, and something is asked."""
        table(self.base, plain=self.plain)
        self.entity()

    def close(self) -> None:
        """Lets everything go."""
        if self.privacy is not None:
            self.privacy.close()
        self.engine.dispose()
        self.base.registry.dispose()


def timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(sizes: Sequence[int], rounds: int) -> Iterator[dict[str, Any]]:
    """Curves of starting, of statements and of memory.

    :param sizes: numbers of columns, tens.
    """
    starts: dict[float, dict[str, list[float]]] = {}
    ways = {
        "entity": "an entity",
        "access": "an access and an entity",
        "sight": "first sight of a statement",
        "late": "",
    }
    found: dict[str, dict[float, dict[str, list[float]]]] = {way: {} for way in ways}
    memory: dict[float, list[float]] = {}
    for columns in sizes:
        starts[columns] = {"plain": [], "ours": []}
        for _ in range(min(rounds, 3)):
            for name, spent in starts[columns].items():
                side = Side(columns, plain=name == "plain")
                spent.append(timed(side.start))
                side.close()
                gc.collect()
        sides = {name: Side(columns, plain=name == "plain") for name in ("plain", "ours")}
        for side in sides.values():
            side.start()
        privacy = sides["ours"].privacy
        found["access"][columns] = interleaved({name: side.access for name, side in sides.items()}, rounds, 50)
        assert privacy is not None  # noqa: S101 - for the type checker
        with privacy.access("work", role="staff", actor="growth"):
            for way, repeat in (("entity", 50), ("sight", 10), ("late", 1)):
                calls = {name: getattr(side, way) for name, side in sides.items()}
                found[way][columns] = interleaved(calls, rounds, repeat)
        for side in sides.values():
            side.close()
        memory[columns] = [held(columns)]
    yield from compared("start, and a first statement", X, "ms", starts, aim="linear")
    for way in ("entity", "access"):
        yield from compared(ways[way], X, "us", found[way])
    yield from compared(ways["sight"], X, "ms", found["sight"])
    yield from compared("a table declared late, and a statement", X, "ms", found["late"], aim="linear")
    yield curve("memory of a Privacy that has started", X, "KiB", memory, aim="linear")


def held(columns: int) -> float:
    """KiB that a Privacy holds once it has started."""
    side = Side(columns, plain=False)
    configure_mappers()
    gc.collect()
    tracemalloc.start()
    try:
        side.start()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / 1024
    finally:
        tracemalloc.stop()
        side.close()
