"""What stays in memory of things that are over: statements that ran, accesses and sessions that were closed.

The curves are all that Python holds, which has to stay where it is; the lines say what is kept of one more, by the slope of
a straight line through the second half.
"""

from __future__ import annotations

import gc
import statistics
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from benchmarks.growth.world import Customer, PlainCustomer, World, right, world
from benchmarks.results import curve
from sa_privacy import Privacy
from sa_privacy.errors import PurposeDenied

__all__ = ["FULL", "QUICK", "measure"]

FULL, QUICK = (250, 500, 1000, 2000), (10, 20, 40)
X = "times"
MOST = 8.0
"""Bytes that may be kept of one more: nothing, but for what caches do."""


def statements(engine: Engine, model: type[Any]) -> Callable[[], None]:
    """The same two statements again and again, one of them a text, on one connection."""
    connection, columns = engine.connect(), model.__table__.c
    built, written = (
        select(columns.name).where(columns.id == 1),
        text(f"SELECT name FROM {model.__tablename__} WHERE id = 2"),
    )

    def run() -> None:
        right(connection.execute(built).scalar_one(), "Customer Number 1")
        right(connection.execute(written).one() is not None, True)

    return run


def sessions(engine: Engine, model: type[Any]) -> Callable[[], None]:
    """A session that loads, changes and rolls back, and is closed."""
    number = count()

    def run() -> None:
        with Session(engine) as session:
            found = session.get_one(model, 1 + next(number) % 100)
            found.address = f"{next(number)} Short Street"
            session.flush()
            session.rollback()

    return run


def accesses(privacy: Privacy, engine: Engine) -> Callable[[], None]:
    """An access of its own for each of ever new people who act, one inside another, in which something is read."""
    number = count()

    def run() -> None:
        actor = f"staff:{next(number)}"
        outer = privacy.access("calling", role="staff", actor=actor, reason=actor, ticket=actor)
        inner = privacy.access("work", subjects=[("customer", 1 + next(number) % 100)])
        with outer, inner, Session(engine) as session:
            right(session.get_one(Customer, 1).name, "Customer Number 1")

    return run


def refusals(privacy: Privacy, engine: Engine) -> Callable[[], None]:
    """Statements that are refused."""
    number = count()

    def run() -> None:
        with privacy.access("shipping", role="staff", actor=f"staff:{next(number)}"), Session(engine) as session:
            try:
                session.execute(select(Customer.name)).all()
            except PurposeDenied:
                return
        right("a refusal", "an answer")

    return run


def requests(privacy: Privacy, engine: Engine) -> Callable[[], None]:
    """Requests that learn late who is there, with values in memory that the next access may not see."""
    number = count()

    def run() -> None:
        with privacy.request(), Session(engine) as session:
            privacy.current().bind(actor=f"staff:{next(number)}", role="staff", purpose="work")
            found = session.get_one(Customer, 1 + next(number) % 100)
            with privacy.access("shipping"):
                right("name" in vars(found), False)

    return run


def measure(sizes: Sequence[int], rounds: int) -> Iterator[dict[str, Any]]:
    """Curves of memory, and lines of what is kept of one more.

    :param sizes: how often, ascending.
    """
    with world(100) as both:
        inside = both.privacy.access("work", role="staff", actor="growth")
        kinds: dict[str, Callable[[World], Callable[[], None]]] = {
            "statements that ran": lambda w: inside(statements(w.ours, Customer)),
            "  statements that ran: plain": lambda w: statements(w.plain, PlainCustomer),
            "sessions that were closed": lambda w: inside(sessions(w.ours, Customer)),
            "  sessions that were closed: plain": lambda w: sessions(w.plain, PlainCustomer),
            "accesses that were closed": lambda w: accesses(w.privacy, w.ours),
            "requests that were closed": lambda w: requests(w.privacy, w.ours),
            "statements that were refused": lambda w: refusals(w.privacy, w.ours),
        }
        for what, kind in kinds.items():
            held = growth(kind(both), sizes)
            blank = "  " if what[0] == " " else ""
            yield curve(
                f"{blank}memory: {what.strip()}",
                X,
                "KiB",
                {n: [bytes_ / 1024] for n, bytes_ in held.items()},
                aim="flat",
            )
            later = list(held.items())[len(held) // 2 :]
            kept = statistics.linear_regression([n for n, _ in later], [b for _, b in later]).slope
            yield {
                "what": f"{blank}kept of {what.strip()}",
                "unit": "bytes",
                "bar": None if blank else MOST,
            } | dict.fromkeys(("median", "low", "high"), kept)


def growth(run: Callable[[], None], sizes: Sequence[int]) -> dict[float, float]:
    """Bytes that Python holds after so many runs, with what it held before them."""
    for _ in range(sizes[0]):
        run()
    gc.collect()
    tracemalloc.start()
    found: dict[float, float] = {}
    try:
        ground, done = 2**20, 0  # as if a mebibyte were there: a curve of nothing but noise has no slope
        for size in sizes:
            for _ in range(size - done):
                run()
            done = size
            gc.collect()
            found[size] = ground + tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    return found
