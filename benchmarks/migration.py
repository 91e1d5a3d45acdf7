"""How fast a full table is sealed, beside the database's own UPDATE rates, in one run.

    python -m benchmarks.migration                                   # SQLite, in a file, and a PostgreSQL of its own
    python -m benchmarks.migration --url postgresql+psycopg://owner@host/empty_database

Two columns of each row. The job works in one process, so that its rate is that of one core; PostgreSQL has another for
itself. Beside it, on the same table made anew: the same number of rows changed by batches of UPDATEs by key that put
bytes of a cell's size there, which is what any client can do at best, and by one UPDATE of the whole table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Engine, MetaData, String, Table, create_engine, insert, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.databases import databases
from benchmarks.report import row
from benchmarks.results import Results
from sa_privacy import Keyring, Policy, Privacy, pii_column
from sa_privacy.jobs import reseal, seal

BATCH = 500
NAME, EMAIL = b"\x01" * 45, b"\x01" * 55  # as long as their cells
COLUMNS = ["customers.name", "customers.email"]
POLICY = Policy(
    policy={"id": "bench-migration", "version": "1"},
    categories={"name": {}},
    purposes={"work": {"use": ["name"]}},
    roles={"engineer": {"maintenance": True}},
)


class Base(DeclarativeBase):
    """Registry of these models."""


class Customer(Base):
    """Two columns that are to be sealed."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(String(100), category="name")
    email: Mapped[str] = pii_column(String(320), category="name")


def refill(engine: Engine, rows: int, kind: str) -> None:
    """The table anew, with plain values: text, or bytes of their UTF-8."""
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS customers"))
        connection.execute(text(f"CREATE TABLE customers (id INTEGER PRIMARY KEY, name {kind}, email {kind})"))
        binary = kind == "BYTEA"
        table = Table("customers", MetaData(), autoload_with=connection)
        people = [(f"Person {n}", f"person{n}@example.org") for n in range(rows)]
        given = [
            {"id": n, "name": name.encode() if binary else name, "email": email.encode() if binary else email}
            for n, (name, email) in enumerate(people)
        ]
        for start in range(0, rows, 5000):
            connection.execute(insert(table), given[start : start + 5000])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM" if engine.dialect.name == "sqlite" else "VACUUM customers"))


def update_by_key(engine: Engine, rows: int) -> None:
    """Batches of UPDATEs by key, as the job sends them, without reading, sealing or comparing."""
    for start in range(0, rows, BATCH):
        keys = list(range(start, min(start + BATCH, rows)))
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                statement = "UPDATE customers SET name = ?, email = ? WHERE id = ?"
                connection.exec_driver_sql(statement, [(NAME, EMAIL, key) for key in keys])
            else:
                connection.exec_driver_sql(
                    "UPDATE customers AS t SET name = v.name, email = v.email FROM "
                    "unnest(%s::integer[], %s::bytea[], %s::bytea[]) AS v(id, name, email) WHERE t.id = v.id",
                    (keys, [NAME] * len(keys), [EMAIL] * len(keys)),
                )


def update_at_once(engine: Engine) -> None:
    """One UPDATE of the whole table."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE customers SET name = :name, email = :email"), {"name": NAME, "email": EMAIL})


def main(arguments: list[str] | None = None) -> int:
    """Prints rows a second, and the job's share of what the database does by itself."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--url", help="of an empty database, instead of SQLite and a PostgreSQL of its own; writes nothing"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rows; writes nothing")
    said = parser.parse_args(arguments)
    rows, found = (2_000 if said.quick else said.rows), []
    with tempfile.TemporaryDirectory() as directory:
        for name, url in [("", said.url)] if said.url else databases(Path(directory)):
            engine = create_engine(url)
            try:
                found += run(engine, rows, said.rounds, name or engine.dialect.name)
            finally:
                engine.dispose()
    if not (said.url or said.quick):
        Results("migration", "How fast a full table is sealed", "python -m benchmarks.migration", found).write()
    return 0


def run(engine: Engine, rows: int, rounds: int, name: str) -> list[dict[str, Any]]:
    """One table for each way and round; the ways take turns."""
    keys = Keyring.generate()
    privacy = Privacy(POLICY, keys=keys, log=None, metadata=Base)
    ways: dict[str, Callable[[], object]] = {
        "seal": lambda: seal(engine, privacy, COLUMNS, batch=BATCH),
        "reseal": lambda: reseal(engine, privacy, COLUMNS, batch=BATCH),
        "UPDATE by key": lambda: update_by_key(engine, rows),
        "UPDATE at once": lambda: update_at_once(engine),
    }
    wall: dict[str, list[float]] = {way: [] for way in ways}
    cpu: dict[str, list[float]] = {way: [] for way in ways}
    with privacy.access(maintenance=True, actor="bench", role="engineer", reason="bench"):
        for _ in range(rounds):
            for way, work in ways.items():
                if way == "reseal":
                    keys.rotate()  # the cells that "seal" has just made
                else:
                    refill(engine, rows, "TEXT" if engine.dialect.name == "sqlite" else "BYTEA")
                start, start_cpu = time.perf_counter(), time.process_time()
                work()
                wall[way].append(rows / (time.perf_counter() - start))
                cpu[way].append(rows / (time.process_time() - start_cpu))
    privacy.close()
    print(f"{engine.dialect.name}, {rows:,} rows, two columns, batches of {BATCH}; medians of {rounds} rounds")
    found = []
    for way in ways:
        ratios = [a / b for a, b in zip(wall[way], wall["UPDATE by key"], strict=True)]
        print(
            f"{way:16} {median(wall[way]):9,.0f} rows/s   {median(cpu[way]):9,.0f} rows per second of this process's CPU   "
            f"{median(ratios):5.2f} of UPDATE by key"
        )
        ours = way in {"seal", "reseal"}
        found.append(row(f"{'' if ours else '  '}{name}: {way}", "rows/s", None, wall[way]))
        if ours:
            found.append(row(f"{name}: {way}, one core", "rows/s", None, cpu[way]))
    return found


if __name__ == "__main__":
    sys.exit(main())
