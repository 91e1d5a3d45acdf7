"""Statement shapes in use: what one more costs, and what each costs while all of them take turns.

SQLAlchemy keeps 500 compiled statements; beyond that each one is compiled anew when its turn comes. Both sides do so, so the
ratio tells what the gate adds to it. ``query_cache_size`` makes room on both.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from sqlalchemy import Connection, Engine, select

from benchmarks.growth.curves import compared
from benchmarks.growth.world import PlainVisit, Visit, right, world
from benchmarks.report import row
from benchmarks.results import curve
from benchmarks.timing import interleaved, memory_engine

__all__ = ["FULL", "QUICK", "measure"]

FULL, QUICK = (10, 100, 1000, 10_000), (10, 50, 200)
X = "statement shapes"
TRACED = 4000
"""Tracing memory makes everything several times slower; the caches are full before, that of texts at 3,000."""
SIGHT = 2.0
"""Milliseconds that the first sight of a statement may take."""
Ask = Callable[[int], None]
Times = dict[str, list[float]]


def built(connection: Connection, model: type[Any]) -> Ask:
    """Asks a statement that SQLAlchemy builds, of the shape with this number."""
    table = model.__table__

    def ask(shape: int) -> None:
        statement = select(table.c.id, table.c.page.label(f"page_{shape}")).where(table.c.id == 1)
        right(connection.execute(statement).all(), [(1, "/")])

    return ask


def written(connection: Connection, model: type[Any]) -> Ask:
    """The same as a text."""
    table = model.__tablename__

    def ask(shape: int) -> None:
        sql = f"SELECT id, page AS page_{shape} FROM {table} WHERE id = 1"
        right(connection.exec_driver_sql(sql).all(), [(1, "/")])

    return ask


def in_turn(ask: Ask, shapes: int) -> Callable[[], None]:
    """One after the other, over and over."""
    number = count()
    return lambda: ask(next(number) % shapes)


def once(ask: Ask, first: int) -> Callable[[], None]:
    """Shapes that were never seen."""
    number = count(first)
    return lambda: ask(next(number))


def grown(sizes: Sequence[int], make: Any, rounds: int, *, roomy: bool = False) -> Iterator[tuple[float, Times, Times]]:
    """Each size, with seconds of a known statement while so many take turns, and of one that was never seen.

    :param sizes: ascending: the same two databases see ever more shapes.
    :param roomy: there is room for all of them in SQLAlchemy's cache.
    """

    def engine() -> Engine:
        return memory_engine(query_cache_size=sizes[-1]) if roomy else memory_engine()

    with (
        world(1, plain=engine(), ours=engine()) as both,
        both.privacy.access("work", role="staff", actor="growth"),
        both.plain.connect() as plain,
        both.ours.connect() as ours,
    ):
        sides: dict[str, Ask] = {"plain": make(plain, PlainVisit), "ours": make(ours, Visit)}
        seen = 0
        for shapes in sizes:
            for ask in sides.values():
                for shape in range(seen, shapes):
                    ask(shape)
            seen = shapes
            known = interleaved({name: in_turn(ask, shapes) for name, ask in sides.items()}, rounds, 100)
            first = 1_000_000 + shapes * 10
            yield shapes, known, interleaved({name: once(ask, first) for name, ask in sides.items()}, rounds, 10)


def held(sizes: Sequence[int], make: Any) -> dict[float, list[float]]:
    """KiB that so many shapes hold."""
    found: dict[float, list[float]] = {}
    with world(1) as both, both.privacy.access("work", role="staff", actor="growth"), both.ours.connect() as ours:
        ask, seen = make(ours, Visit), 0
        ask(10**9)
        tracemalloc.start()
        try:
            for shapes in sizes:
                for shape in range(seen, shapes):
                    ask(shape)
                seen = shapes
                gc.collect()
                found[shapes] = [tracemalloc.get_traced_memory()[0] / 1024]
        finally:
            tracemalloc.stop()
    return found


def measure(sizes: Sequence[int], rounds: int) -> Iterator[dict[str, Any]]:
    """Curves of statements that SQLAlchemy builds, and of texts; and lines of their first sight.

    :param sizes: numbers of shapes, ascending.
    """
    roomy = {shapes: known for shapes, known, _ in grown(sizes, built, rounds, roomy=True)}
    yield from compared("a known statement", X, "us", roomy)
    for what, known, make in (("statement", "statement, cache of 500", built), ("text", "text", written)):
        found = list(grown(sizes, make, rounds))
        yield from compared(f"a known {known}", X, "us", {shapes: times for shapes, times, _ in found})
        seen = {shapes: times for shapes, _, times in found}
        yield from compared(f"first sight of a {what}", X, "ms", seen)
        yield row(f"first sight of a {what}", "ms", SIGHT, [each * 1e3 for at in seen.values() for each in at["ours"]])
        traced = [shapes for shapes in sizes if shapes < TRACED] + [min(TRACED, sizes[-1])]
        yield curve(f"memory of {what}s, as many as are kept", X, "KiB", held(traced, make))
