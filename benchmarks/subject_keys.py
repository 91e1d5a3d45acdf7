"""What keys of people cost, as a ratio to keys of the ring: 100 entities with four sealed columns, all read; 100 new ones
flushed; and one column of 100 changed by their primary keys.

    python -m benchmarks.subject_keys                    # SQLite, and a PostgreSQL server of its own
    python -m benchmarks.subject_keys --only sqlite

Interleaved: all sides read the same values, turn by turn, on the same database and the same protected engine. With every
person's key unwrapped before (the usual case), and with none (the first list that a process reads). What is written is
rolled back.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Integer, Table, create_engine, func, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.overhead import ROWS, SEALED, rows
from benchmarks.report import report, row
from benchmarks.results import Results
from benchmarks.timing import interleaved, memory_engine
from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column
from sa_privacy.columns.binding import keys_of
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.crypto import SubjectKey

BAR = 2.5

POLICY = Policy(
    policy={"id": "bench-people", "version": "1"},
    categories={name: {} for name in SEALED},
    purposes={"work": {"use": list(SEALED)}},
    roles={"staff": {"purposes": ["work"]}},
)


class Base(DeclarativeBase):
    """Registry of the models."""


class OfRing(Base):
    """Four columns under the ring's keys."""

    __tablename__ = "of_ring"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = pii_column(category="name")
    address: Mapped[str] = pii_column(category="address")
    phone: Mapped[str] = pii_column(category="phone")
    email: Mapped[str] = pii_column(category="email")


class OfPerson(Base):
    """The same under the keys of their people."""

    __tablename__ = "of_person"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = pii_column(category="name", key="subject")
    address: Mapped[str] = pii_column(category="address", key="subject")
    phone: Mapped[str] = pii_column(category="phone", key="subject")
    email: Mapped[str] = pii_column(category="email", key="subject")


def fill(plain: Engine, keys: Keyring) -> None:
    """The tables and their rows, sealed here: what is measured is reading."""
    Base.metadata.create_all(plain)
    SUBJECT_KEYS.create(plain)
    ring: Table = OfRing.__table__  # type: ignore[assignment]
    people: Table = OfPerson.__table__  # type: ignore[assignment]
    with plain.begin() as connection:
        for values in rows():
            key = SubjectKey.new()
            wrapped = keys.subject_keys().wrap(key)
            kept = {"id": key.id, "kind": "customer", "subject": str(values["id"]), "wrapped": wrapped}
            connection.execute(SUBJECT_KEYS.insert(), kept | {"made": datetime.now(UTC)})
            for table in (ring, people):
                names = ", ".join(("id", *SEALED))
                places = ", ".join("%s" if plain.dialect.name == "postgresql" else "?" for _ in ("id", *SEALED))
                cells = [_cell(keys, f"{table.name}.{name}", values[name], key, table is people) for name in SEALED]
                connection.exec_driver_sql(
                    f"INSERT INTO {table.name} ({names}) VALUES ({places})",
                    (values["id"], *cells),
                )
        if plain.dialect.name == "postgresql":  # which counts by itself, whatever numbers rows were given
            for table in (ring, people):
                connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), ROWS)))


def _cell(keys: Keyring, field: str, value: str, key: SubjectKey, of_person: bool) -> bytes:
    plaintext = value.encode()
    return keys.subject_cipher(field).seal(plaintext, key) if of_person else keys.sealer(field).seal(plaintext)


def listing(engine: Engine, model: Any) -> Callable[[], None]:
    """All entities, each of the four columns read."""
    statement = select(model)

    def run() -> None:
        with Session(engine) as session:
            for found in session.scalars(statement):
                _ = found.name, found.address, found.phone, found.email

    return run


def inserting(engine: Engine, model: Any) -> Callable[[], None]:
    """New entities, whose numbers the database chooses."""
    new = [{name: values[name] for name in SEALED} for values in rows()]

    def run() -> None:
        with Session(engine) as session:
            session.add_all([model(**values) for values in new])
            session.flush()
            session.rollback()

    return run


def updating(engine: Engine, model: Any) -> Callable[[], None]:
    """One sealed column of each entity."""
    changed = [{"id": values["id"], "phone": "080-1111-2222"} for values in rows()]

    def run() -> None:
        with Session(engine) as session:
            session.execute(update(model), changed)
            session.rollback()

    return run


def measure(plain: Engine, engine: Engine, label: str, *, rounds: int, repeat: int) -> list[dict[str, Any]]:
    """The lines of one database."""
    keys = Keyring.generate()
    fill(plain, keys)
    privacy = Privacy(POLICY, keys=keys, log=None, metadata=Base)
    privacy.install(engine)
    known = keys_of(engine.dialect).subject_keys.known
    of_person = listing(engine, OfPerson)

    def first() -> None:
        known.clear()
        of_person()

    with privacy.access("work", role="staff", actor="bench"):
        sides = {"ring": listing(engine, OfRing), "person": of_person, "first": first}
        for name, kind in (("insert", inserting), ("update", updating)):
            sides |= {f"ring {name}": kind(engine, OfRing), f"person {name}": kind(engine, OfPerson)}
        times = interleaved(sides, rounds, repeat)
    privacy.close()
    lines = (
        ("ring", "person", "read, keys known", BAR),
        ("ring", "first", "read, every key unwrapped", None),
        ("ring insert", "person insert", "insert, every key made", None),
        ("ring update", "person update", "update", None),
    )
    return [
        row(f"{label}: {what}", "x ring", bar, [b / a for a, b in zip(times[ring], times[side], strict=True)])
        for ring, side, what, bar in lines
    ]


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a database on a server that goes away afterwards."""
    from tests.support.databases import postgresql_database  # noqa: PLC0415 - only where it is asked for
    from tests.support.postgres import Server  # noqa: PLC0415

    with Server() as server, postgresql_database(server) as database:
        yield database.url.render_as_string(hide_password=False)


def main() -> int:
    """Prints the table; with ``--check``, exits 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--check", action="store_true", help="exit 1 where the bar is missed")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one database")
    options = parser.parse_args()
    rounds, repeat = (7, 5) if options.quick else (15, 10)
    found = []
    if options.only != "postgresql":
        memory = memory_engine()
        found += measure(memory, memory, "SQLite", rounds=rounds, repeat=repeat)
    if options.only != "sqlite":
        with postgresql() as url:
            plain, engine = create_engine(url), create_engine(url)
            found += measure(plain, engine, "PostgreSQL", rounds=rounds, repeat=repeat)
            plain.dispose()
            engine.dispose()
    if not (options.quick or options.only):
        title = "What keys of people cost, beside keys of the ring"
        Results("subject_keys", title, "python -m benchmarks.subject_keys", found).write()
    return 1 if report(found) and options.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
