"""Rows of a table: sealing all of them, listing them, finding one, planning retention over them, erasing a person among them.

On SQLite, in a file. Lists run in processes of their own, so that the most they hold can be told.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session

from benchmarks.growth.children import in_child, tell
from benchmarks.growth.curves import compared
from benchmarks.growth.world import MOMENT, POLICY, Base, Customer, PlainBase, PlainCustomer, people, right
from benchmarks.results import curve
from benchmarks.timing import interleaved
from sa_privacy import Keyring, Privacy
from sa_privacy.jobs import seal

__all__ = ["FULL", "QUICK", "measure"]

FULL, QUICK = (1000, 10_000, 100_000, 1_000_000), (500, 2000)
X = "rows"
COLUMNS = ("id", "name", "address", "email", "seen_at")
SEALED = [f"customers.{name}" for name in COLUMNS[1:4]]


def measure(sizes: Sequence[int], rounds: int) -> Iterator[dict[str, Any]]:
    """Curves of time and memory.

    :param sizes: rows, ascending.
    """
    at: dict[str, dict[float, Any]] = {
        name: {} for name in ("seal", "list", "plain", "ours", "find", "plan", "erase", "mb plain", "mb ours")
    }
    for rows in sizes:
        often = rounds if rows < 10**6 else 1
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            at["seal"][rows] = [fill(folder, rows) * 1e6 / rows]
            listed = {"plain": [], "ours": []}  # type: ignore[var-annotated]
            for _ in range(often):
                for side, took in listed.items():
                    seconds, most = in_child("benchmarks.growth.rows", side, folder, rows)
                    took.append(seconds / rows)
                    at[f"mb {side}"].setdefault(rows, []).append(most)
            at["list"][rows] = listed
            at["find"][rows] = find(folder, rows, rounds)
            at["plan"][rows], at["erase"][rows] = destroy(folder, rows, often)
    yield curve("sealing three columns, a row", X, "us", at["seal"], aim="flat")
    yield from compared("a list by yield_per, a row", X, "us", at["list"])
    yield curve("a list by yield_per: memory at most", X, "MB", at["mb ours"], aim="flat")
    yield curve("  a list by yield_per: memory at most: plain", X, "MB", at["mb plain"], aim="flat")
    yield from compared("a person found by e-mail", X, "us", at["find"])
    yield curve("a retention plan", X, "ms", at["plan"], aim="linear")
    yield curve("the erasure of one person", X, "ms", at["erase"], aim="flat")


def fill(folder: Path, rows: int) -> float:
    """Two databases with the same rows, of which one is then sealed.

    :returns: seconds of sealing.
    """
    keys = Keyring.generate()
    keys.save(folder / "keys.json")
    engine = create_engine(f"sqlite:///{folder / 'plain.db'}")
    PlainBase.metadata.create_all(engine)
    sealed = create_engine(f"sqlite:///{folder / 'ours.db'}")
    for filled, table in ((engine, "plain_customers"), (sealed, "customers")):
        with filled.begin() as connection:
            if filled is sealed:
                kinds = "id INTEGER PRIMARY KEY, name TEXT, address TEXT, email VARCHAR(320), seen_at DATETIME"
                connection.execute(text(f"CREATE TABLE customers ({kinds})"))
            holes = ", ".join("?" * len(COLUMNS))
            for first in range(1, rows + 1, 10_000):
                given = people(first, min(10_000, rows + 1 - first))
                values = [(*(one[name] for name in COLUMNS[:4]), f"{MOMENT:%Y-%m-%d %H:%M:%S.%f}") for one in given]
                connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({holes})", values)
        filled.dispose()
    privacy = Privacy(POLICY, keys=keys, log=None, metadata=Base)
    try:
        with privacy.access(maintenance=True, actor="growth", role="engineer", reason="growth"):
            start = time.perf_counter()
            [report] = seal(sealed, privacy, SEALED)
            took = time.perf_counter() - start
            right((report.complete, report.tally and report.tally.changed), (True, rows))
        Base.metadata.create_all(sealed)  # what is left: the visits
        privacy.metadata.create_all(sealed)
    finally:
        privacy.close()
        sealed.dispose()
    return took


def opened(folder: Path) -> Privacy:
    """The keys that the rows were sealed with."""
    return Privacy(POLICY, keys=Keyring.load(folder / "keys.json"), log=None, metadata=Base)


def find(folder: Path, rows: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of looking a person up by e-mail, everywhere in the table."""
    plain, ours = (create_engine(f"sqlite:///{folder / name}.db") for name in ("plain", "ours"))
    privacy, turns = opened(folder), count()
    privacy.install(ours)

    def ask(session: Session, model: type[Any]) -> None:
        number = 1 + next(turns) * 7919 % rows
        found = session.scalars(select(model).where(model.email == f"customer.{number}@example.com")).one()
        right((found.id, found.name), (number, f"Customer Number {number}"))
        session.expunge_all()

    try:
        with privacy.access("work", role="staff", actor="growth"), Session(plain) as one, Session(ours) as other:
            sides = {"plain": lambda: ask(one, PlainCustomer), "ours": lambda: ask(other, Customer)}
            return interleaved(sides, rounds, 100)
    finally:
        privacy.close()
        plain.dispose()
        ours.dispose()


def destroy(folder: Path, rows: int, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of a plan of retention, by which nobody is due, and of erasing one person after another."""
    engine, privacy = create_engine(f"sqlite:///{folder / 'ours.db'}"), opened(folder)
    privacy.install(engine)
    planned, erased = [], []
    try:
        with privacy.access(actor="officer", role="officer", reason="growth"):
            for turn in range(rounds + 1):  # the first warms up
                start = time.perf_counter()
                with Session(engine) as session:
                    plan = privacy.retention.plan(session)
                planned.append((time.perf_counter() - start) * 1e3)
                right([due.to_do for due in plan.due if due.table == "customers"], [0])
                start = time.perf_counter()
                with Session(engine) as session:
                    whom = privacy.erasure.plan(session, ("customer", 1 + turn * rows // (rounds + 1)))
                privacy.erasure.run(engine, whom, reason="growth")
                erased.append((time.perf_counter() - start) * 1e3)
        with engine.connect() as connection:
            left = connection.execute(select(func.count()).select_from(Customer.__table__)).scalar_one()
        right(left, rows - rounds - 1)
    finally:
        privacy.close()
        engine.dispose()
    return planned[1:], erased[1:]


def listing(side: str, folder: Path, rows: int) -> None:
    """All of them, as entities, a thousand at a time, everything read."""
    engine = create_engine(f"sqlite:///{folder / side}.db")
    model: type[Any] = PlainCustomer if side == "plain" else Customer
    privacy = opened(folder)
    privacy.install(engine)

    def read(count: int) -> None:
        found = 0
        with Session(engine) as session:
            wanted = select(model).order_by(model.id).limit(count).execution_options(yield_per=1000)
            for one in session.scalars(wanted):
                found += 1
                right((one.name, bool(one.address and one.email)), (f"Customer Number {found}", True))
        right(found, count)

    with privacy.access("work", role="staff", actor="growth"):
        read(1)
        tell(lambda: read(rows))


if __name__ == "__main__":
    listing(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
