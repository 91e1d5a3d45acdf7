"""What a single statement costs, to the microsecond, and what nobody can undercut: in one process, both sides in turn."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, text

from benchmarks.overhead.bench import SAID, Bench, Customer, PlainCustomer, PlainProduct, PlainVisit, Product, Visit
from benchmarks.overhead.floors import floors
from benchmarks.report import row
from benchmarks.timing import added, interleaved
from sa_privacy import AccessLog
from sa_privacy.accesslog import members

__all__ = ["measure"]

WHO: dict[str, Any] = {"purpose": "work", "role": "staff", "actor": "bench"}


def measure(quick: bool) -> list[dict[str, Any]]:
    """All comparisons; each a row of name, bar, median, low, high, unit."""
    rounds, few, many = (7, 5, 300) if quick else (25, 20, 1500)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench()
        lowest = list(
            floors(rounds, few)
        )  # before there is a policy in this process, whose sessions would be listened to
        full = bench.protect("everything", AccessLog.open(Path(folder) / "log"))
        with full.access(**WHO):
            found = [
                *_entities(bench, rounds, few),
                *lowest,
                *_statements(bench, Path(folder), rounds, many),
                *_first_sight(bench, rounds, few),
            ]

        def access() -> None:
            with full.access(**WHO):
                pass

        times = interleaved({"access": access}, rounds, many)["access"]
        found.append(row("an access, opened and closed", "us", None, [each * 1e6 for each in times]))
        full.close()
        gate = bench.protect("gate", None)
        with gate.access(**WHO):
            plain, ours = (_visit(bench, bench.plain, PlainVisit), _visit(bench, bench.engines["gate"], Visit))
            found.append(row("gate alone, a statement", "us more", None, added(plain, ours, rounds, many)))
        gate.close()
    return found


def _entities(bench: Bench, rounds: int, repeat: int) -> Iterator[dict[str, Any]]:
    sides = {
        "plain": bench.entities(bench.plain, PlainCustomer),
        "ours": bench.entities(bench.engines["everything"], Customer),
        "floor": bench.openings(),
    }
    times = interleaved(sides, rounds, repeat)
    for side, label, bar in (
        ("ours", "100 entities x 4 sealed columns, all read", 1.5),
        ("floor", "  plain, and 400 bare AES-GCM openings", None),
    ):
        ratios = [one / plain for plain, one in zip(times["plain"], times[side], strict=True)]
        yield row(label, "x plain", bar, ratios)


def _visit(bench: Bench, engine: Engine, model: Any) -> Callable[[], None]:
    """One row with a column that is judged and logged, and not sealed."""
    table = model.__table__
    return bench.statement(engine, select(table).where(table.c.id == 1))


def _statements(bench: Bench, folder: Path, rounds: int, repeat: int) -> Iterator[dict[str, Any]]:
    ours = bench.engines["everything"]
    pair = _visit(bench, bench.plain, PlainVisit), _visit(bench, ours, Visit)
    yield row("gate and durable log, a statement", "us more", 10.0, added(*pair, rounds, repeat))
    yield from _floors(bench, folder, pair[0], rounds, repeat)
    for label, theirs, own in (
        ("plain columns of a table with personal ones", PlainVisit.took, Visit.took),
        ("a table with nothing personal", PlainProduct.title, Product.title),
    ):
        plain = bench.statement(bench.plain, select(theirs).where(theirs.class_.id == 1))
        protected = bench.statement(ours, select(own).where(own.class_.id == 1))
        yield row(label, "us more", 1.0, added(plain, protected, rounds, repeat))
    listened = _visit(bench, bench.listened(lambda: None), PlainVisit)
    yield row("  a plain statement with an empty listener", "us more", None, added(pair[0], listened, rounds, repeat))


def _floors(
    bench: Bench, folder: Path, plain: Callable[[], None], rounds: int, repeat: int
) -> Iterator[dict[str, Any]]:
    """What two durable events cost without a gate. In a loop of their own everything they touch is still in the processor's
    caches; between the driver and SQLAlchemy nothing is. The last line but one is what no gate that writes two can undercut.
    """
    bare = bench.event(folder)

    def both() -> None:
        bare()
        bare()

    alone = interleaved({"bare": both}, rounds, repeat)["bare"]
    yield row("  two bare events in a loop: encode, hash, write", "us", None, [each * 1e6 for each in alone])
    with AccessLog.open(folder / "places") as log:
        ours = partial(log.append, "intent", members(**SAID))
        for label, engine in (
            ("  the same before a plain statement", bench.listened(both)),
            ("  the floor: one before a plain statement, one before its rows", bench.listened(bare, bare)),
            ("  the same two by the log itself: locked, numbered, chained, timed", bench.listened(ours, ours)),
        ):
            more = added(plain, _visit(bench, engine, PlainVisit), rounds, repeat)
            yield row(label, "us more", None, more)


def _first_sight(bench: Bench, rounds: int, repeat: int) -> Iterator[dict[str, Any]]:
    """Statements that nobody has seen before: each has a name of its own in it."""
    numbers = count()

    def built(engine: Engine, model: Any) -> Callable[[], None]:
        connection = engine.connect()

        def run() -> None:
            name = f"page_{next(numbers)}"
            connection.execute(select(model.page.label(name), model.took).where(model.id == 1)).all()

        return run

    def written(engine: Engine, table: str) -> Callable[[], None]:
        connection = engine.connect()

        def run() -> None:
            connection.execute(text(f"SELECT page AS page_{next(numbers)}, took FROM {table} WHERE id = 1")).all()

        return run

    ours = bench.engines["everything"]
    for label, pair in (
        ("first sight of a statement shape", (built(bench.plain, PlainVisit), built(ours, Visit))),
        ("first sight of SQL text", (written(bench.plain, "plain_visits"), written(ours, "visits"))),
    ):
        more = added(*pair, rounds, repeat)
        yield row(label, "ms more", 2.0, [each / 1000 for each in more])
