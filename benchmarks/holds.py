"""What the triggers that keep held rows cost: 100 rows changed, inserted or removed, one by one, as a ratio to tables without.

    python -m benchmarks.holds                    # SQLite, and a PostgreSQL server of its own
    python -m benchmarks.holds --only sqlite

Interleaved, on three databases with the same rows: without triggers, with them and no hold, and with ten holds in force on
other people. Connections that nobody protects, so that only the database works. What is changed is rolled back.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import Any

from sqlalchemy import Engine, ForeignKey, create_engine, insert, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.report import report, row
from benchmarks.results import Results
from benchmarks.timing import interleaved, memory_engine
from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column

PEOPLE, ORDERS = 100, 10
POLICY = Policy(
    policy={"id": "bench-holds", "version": "1"},
    categories={"name": {}, "note": {}},
    purposes={"work": {"use": ["name", "note"]}},
    roles={"officer": {}},
    erasure={"roles": ["officer"]},
)
WORK = {
    "update": text("UPDATE orders SET note = :note WHERE id = :id"),
    "update of another column": text("UPDATE orders SET total = total + 1 WHERE id = :id"),
    "insert": text("INSERT INTO orders (id, customer_id, total, note) VALUES (:id + 100000, 1, 0, :note)"),
    "delete": text("DELETE FROM orders WHERE id = :id"),
}


class Base(DeclarativeBase):
    """Registry of the models."""


class Customer(Base):
    """A person."""

    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(category="name", encrypt=False)


class Order(Base):
    """One step from a person."""

    __tablename__ = "orders"
    __data_subject__ = DataSubject("customer", via="customer_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    total: Mapped[int] = mapped_column(default=0)
    note: Mapped[str] = pii_column(category="note", encrypt=False)


def fill(plain: Engine, protected: Engine, holds: int | None) -> None:
    """The rows; the triggers, where there are holds to be; and the holds, on the last people."""
    privacy = Privacy(POLICY, keys=Keyring.generate(), log=None, metadata=Base)
    with plain.begin() as connection:
        Base.metadata.create_all(connection)
        privacy.metadata.create_all(connection)
        people = [{"id": n, "name": f"Customer {n}"} for n in range(1, PEOPLE + 1)]
        connection.execute(insert(Customer.__table__), people)  # type: ignore[arg-type]
        orders = [{"id": n, "customer_id": 1 + n % PEOPLE, "note": f"note {n}"} for n in range(1, PEOPLE * ORDERS + 1)]
        connection.execute(insert(Order.__table__), orders)  # type: ignore[arg-type]
    if holds is not None:
        privacy.install(protected)
        with privacy.access(actor="officer:1", role="officer", reason="bench"), Session(protected) as session:
            privacy.holds.guard(session.connection())
            for n in range(holds):
                what: dict[str, Any] = {"case": str(n), "reason": "bench", "review_by": date(2099, 1, 1)}
                privacy.holds.place(session, subject=PEOPLE - n, **what)
            session.commit()
    privacy.close()


def side(engine: Engine, statement: Any) -> Callable[[], None]:
    """Rows of people whom nobody holds, one after another."""
    rows = [{"id": n, "note": "changed"} for n in range(1, PEOPLE * ORDERS) if n % PEOPLE < PEOPLE // 2][:100]

    def run() -> None:
        with engine.connect() as connection:
            for values in rows:
                connection.execute(statement, values)

    return run


def measure(engines: dict[str, Engine], label: str, *, rounds: int, repeat: int) -> list[dict[str, Any]]:
    """The lines of one kind of database."""
    found = []
    for name, statement in WORK.items():
        sides = {which: side(engine, statement) for which, engine in engines.items()}
        times = interleaved(sides, rounds, repeat)
        for which in list(engines)[1:]:
            ratios = [b / a for a, b in zip(times["none"], times[which], strict=True)]
            found.append(row(f"{label}: {name}, {which}", "x none", None, ratios))
    return found


@contextmanager
def databases(label: str) -> Iterator[dict[str, Engine]]:
    """One without triggers, one with them, one with holds in force."""
    from tests.support.databases import postgresql_database  # noqa: PLC0415 - only where it is asked for
    from tests.support.postgres import Server  # noqa: PLC0415

    with ExitStack() as stack:
        server = stack.enter_context(Server()) if label == "PostgreSQL" else None
        engines = {}
        for which, holds in {"none": None, "no hold": 0, "ten holds": 10}.items():
            if server is None:
                plain = protected = memory_engine()
            else:
                url = stack.enter_context(postgresql_database(server)).url
                plain, protected = create_engine(url), create_engine(url)
                stack.callback(plain.dispose)
                stack.callback(protected.dispose)
            fill(plain, protected, holds)
            engines[which] = plain
        yield engines


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one database")
    options = parser.parse_args()
    rounds, repeat = (7, 3) if options.quick else (11, 5)
    found = []
    for label in ("SQLite", "PostgreSQL"):
        if options.only in (None, label.lower()):
            with databases(label) as engines:
                found += measure(engines, label, rounds=rounds, repeat=repeat)
    if not (options.quick or options.only):
        Results("holds", "What the triggers of holds cost", "python -m benchmarks.holds", found).write()
    report(found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
