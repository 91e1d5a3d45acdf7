"""How fast a full table is sealed, beside the database's own UPDATE rates, in one run.

    python -m benchmarks.migration

Two columns of each row. In one process the rate is that of one core; PostgreSQL has another for itself. Then by 1 and 2 threads and
worker processes, to which chunks are leased: processes are near-linear to as many as there are cores beside the database's, threads
share one core, and on SQLite, which has one writer, nothing is faster than it writes. Beside it, on the same table made anew: the same number of rows changed by batches of
UPDATEs by key that put bytes of a cell's size there, which is what any client can do at best, and by one UPDATE of the whole table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, MetaData, String, Table, create_engine, insert, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.databases import databases
from benchmarks.report import report, report_curves, row
from benchmarks.results import Results, curve
from sa_privacy import Keyring, Policy, Privacy, pii_column
from sa_privacy.bulk import CHUNKS, WORKS
from sa_privacy.jobs import Processes, reseal, seal

BATCH = 500
WORKERS = (1, 2)
KINDS = ("threads", "worker processes")
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


def make(url: str, keys: str) -> tuple[Engine, Privacy]:
    """What a worker process works with."""
    return create_engine(url), Privacy(POLICY, keys=Keyring.load(keys), log=None, metadata=Base)


def warm() -> None:
    """A worker is there, and has all imported."""
    time.sleep(0.5)


def main(arguments: list[str] | None = None) -> int:
    """Prints rows a second on each database, and keeps them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--url", help="of an empty database, instead of SQLite and a PostgreSQL of its own; writes nothing"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rows and workers; writes nothing")
    said = parser.parse_args(arguments)
    rows, rounds, workers = (2_000, 2, (1, 2)) if said.quick else (said.rows, said.rounds, WORKERS)
    found = Results("migration", "Sealing a full table", "python -m benchmarks.migration")
    with tempfile.TemporaryDirectory() as directory:
        for name, url in [("", said.url)] if said.url else databases(Path(directory)):
            print(f"{name}, {rows:,} rows, two columns, batches of {BATCH}; medians of {rounds} rounds")
            engine = create_engine(url)
            try:
                lines, curves = run(engine, name or engine.dialect.name, rows, rounds, Path(directory), workers)
            finally:
                engine.dispose()
            report(lines)
            report_curves(curves)
            found.lines += lines
            found.curves += curves
    if not (said.url or said.quick):
        found.write()
    return 0


def run(
    engine: Engine, name: str, rows: int, rounds: int, scratch: Path, workers: Sequence[int] = WORKERS
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """One table for each way and round; the ways take turns.

    :param rounds: at least 2.
    """
    keys = Keyring.generate()
    for table in (WORKS, CHUNKS):
        table.create(engine)
    privacy = Privacy(POLICY, keys=keys, log=None, metadata=Base)
    url = engine.url.render_as_string(hide_password=False)
    file = scratch / f"{name}.json"
    with ExitStack() as stack:
        stack.callback(privacy.close)
        pools = {count: stack.enter_context(Processes(count)) for count in workers}
        for count, pool in pools.items():
            wait([pool.submit(warm) for _ in range(2 * count)])

        threads = {count: stack.enter_context(ThreadPoolExecutor(count)) for count in workers}
        elsewhere: dict[str, Any] = {"make": partial(make, url, str(file))}

        def shared(kind: str, count: int) -> None:
            how: dict[str, Any] = (
                {"executor": threads[count]} if kind == "threads" else {"executor": pools[count], **elsewhere}
            )
            seal(engine, privacy, COLUMNS, batch=BATCH, workers=2 * count, **how)

        ways: dict[str, Callable[[], object]] = {
            "seal, in this process": lambda: seal(engine, privacy, COLUMNS, batch=BATCH),
            "reseal, in this process": lambda: reseal(engine, privacy, COLUMNS, batch=BATCH),
            **{f"seal, {kind}: {count}": partial(shared, kind, count) for kind in KINDS for count in workers},
            " UPDATE by key": lambda: update_by_key(engine, rows),
            " UPDATE at once": lambda: update_at_once(engine),
        }
        rates: dict[str, list[float]] = {way: [] for way in ways}
        with privacy.access(maintenance=True, actor="bench", role="engineer", reason="bench"):
            for at in range(rounds):
                for way, work in ways.items():
                    if way.startswith("reseal"):
                        keys.rotate()  # the cells that "seal" has just made
                    else:
                        refill(engine, rows, "TEXT" if engine.dialect.name == "sqlite" else "BYTEA")
                    keys.save(file)
                    start = time.perf_counter()
                    work()
                    rates[way].append(rows / (time.perf_counter() - start))
                    if not way.startswith(" "):
                        must_be_sealed(engine, rows)
                print(f"  round {at + 1} of {rounds}")
    lines = [
        row(f"{' ' * way.startswith(' ')}{name}: {way.strip()}", "rows/s", None, found) for way, found in rates.items()
    ]
    curves = [
        curve(f"{name}: sealing by {kind}", "workers", "rows/s", {n: rates[f"seal, {kind}: {n}"] for n in workers})
        for kind in KINDS
    ]
    return lines, curves


def must_be_sealed(engine: Engine, rows: int) -> None:
    """Every value is a cell: a rate of what was not done is none."""
    head = "substr(email, 1, 1) = x'01'" if engine.dialect.name == "sqlite" else r"substr(email, 1, 1) = '\x01'::bytea"
    with engine.connect() as connection:
        sealed = connection.exec_driver_sql(f"SELECT count(*) FROM customers WHERE {head}").scalar_one()
    if sealed != rows:
        raise SystemExit(f"{rows - sealed} of {rows} rows were not sealed")


if __name__ == "__main__":
    sys.exit(main())
