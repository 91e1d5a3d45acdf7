"""What sealing costs: a cell, a list beside SQLAlchemy-Utils, a look-up among many rows. Ratios from interleaved runs.

    python -m benchmarks.sealing                  # about a minute; half a million rows
    python -m benchmarks.sealing --rows 1000000   # more

The peer is ``StringEncryptedType`` of SQLAlchemy-Utils with its AES-GCM engine, on the same list in the same run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Engine, Integer, MetaData, String, Text, create_engine, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy_utils import StringEncryptedType
from sqlalchemy_utils.types.encrypted.encrypted_type import AesGcmEngine

from benchmarks.overhead import Bench, rows
from benchmarks.report import report, row
from benchmarks.results import Results
from benchmarks.timing import interleaved, memory_engine
from sa_privacy import AccessLog, Keyring, Policy, Privacy, pii_column

SEALED = ("name", "address", "phone", "email")


class Base(DeclarativeBase):
    """Registry of these models."""


class Customer(Base):
    """Four sealed columns."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = pii_column(category="name")
    address: Mapped[str] = pii_column(category="name")
    phone: Mapped[str] = pii_column(category="name")
    email: Mapped[str] = pii_column(category="name")


class Account(Base):
    """One sealed column that is looked up."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    email: Mapped[str] = pii_column(String(320), category="name", lookup="casefold", unique=True)


class PlainBase(DeclarativeBase):
    """Registry of the same without the library."""

    metadata = MetaData()


def _peer() -> Any:
    return mapped_column(StringEncryptedType(Text, "a key of the peer", AesGcmEngine))


class PeerCustomer(PlainBase):
    """Four columns of SQLAlchemy-Utils."""

    __tablename__ = "peer_customers"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = _peer()
    address: Mapped[str] = _peer()
    phone: Mapped[str] = _peer()
    email: Mapped[str] = _peer()


class PlainAccount(PlainBase):
    """An ordinary indexed column."""

    __tablename__ = "plain_accounts"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)


POLICY = Policy(
    policy={"id": "bench", "version": "1"},
    categories={"name": {}},
    purposes={"work": {"use": ["name"]}},
    roles={"staff": {"purposes": ["work"]}},
)


def cells(keys: Keyring, rounds: int) -> list[dict[str, Any]]:
    """One cell opened by the function that reads columns, beside the bare AEAD call."""
    cipher, aead, nonce, aad = keys.sealer("customers.name"), AESGCM(bytes(32)), bytes(12), bytes(48)
    plaintexts = [each[key].encode() for each in rows() for key in SEALED]
    ours, bare = [cipher.seal(text) for text in plaintexts], [aead.encrypt(nonce, text, aad) for text in plaintexts]
    opener, decrypt = cipher.opener(bytes.decode), aead.decrypt

    def open_ours() -> None:
        for cell in ours:
            opener(cell)

    def open_bare() -> None:
        for cell in bare:
            decrypt(nonce, cell, aad)

    times = interleaved({"bare": open_bare, "ours": open_ours}, rounds, 20)
    more = [(b - a) / len(ours) * 1e6 for a, b in zip(times["bare"], times["ours"], strict=True)]
    return [
        row("a cell opened, beside the bare AEAD call", "us more", 0.5, more),
        row("  the bare AEAD call", "us", None, [each / len(bare) * 1e6 for each in times["bare"]]),
    ]


def lists(privacy: Privacy, rounds: int) -> list[dict[str, Any]]:
    """A list of 100 entities with four encrypted columns, all read: theirs and ours, each with all that belongs to it."""
    plain, engine = memory_engine(), memory_engine()
    PlainBase.metadata.create_all(plain)
    Base.metadata.create_all(engine)
    privacy.install(engine)
    with privacy.access("work", role="staff", actor="bench"):
        for target, model in ((plain, PeerCustomer), (engine, Customer)):
            with Session(target) as session:
                session.execute(insert(model), rows())
                session.commit()

        def entities(target: Engine, model: Any) -> Callable[[], None]:
            statement = select(model)

            def run() -> None:
                with Session(target) as session:
                    for found in session.scalars(statement):
                        _ = found.name, found.address, found.phone, found.email

            return run

        bench = Bench()
        sides = {
            "peer": entities(plain, PeerCustomer),
            "ours": entities(engine, Customer),
            "bare": bench.openings(),
        }
        times = interleaved(sides, rounds, 3)
    privacy.uninstall(engine)

    def faster(side: str) -> list[float]:
        return [peer / one for peer, one in zip(times["peer"], times[side], strict=True)]

    return [
        row("100 entities x 4: SQLAlchemy-Utils AES-GCM", "x ours", -8.0, faster("ours")),
        row("  the same, beside plain and 400 bare openings", "x the floor", None, faster("bare")),
    ]


def lookups(privacy: Privacy, folder: Path, count: int, rounds: int) -> list[dict[str, Any]]:
    """A look-up by e-mail among many rows: the index search alone, and with all that is around it."""
    plain, engine = (create_engine(f"sqlite:///{folder / name}.db") for name in ("plain", "sealed"))
    PlainBase.metadata.create_all(plain)
    Base.metadata.create_all(engine)
    privacy.install(engine)
    with privacy.access("work", role="staff", actor="bench"):
        for start in range(0, count, 20_000):
            print(f"\r  filling {start:,} of {count:,} rows", end="", file=sys.stderr, flush=True)
            people = [{"email": f"Person.{n}@example.org"} for n in range(start, min(count, start + 20_000))]
            for target, model in ((plain, PlainAccount), (engine, Account)):
                with target.begin() as connection:
                    connection.execute(insert(model), people)
        print("\r" + " " * 50 + "\r", end="", file=sys.stderr, flush=True)
        wanted = [f"Person.{n * 7919 % count}@example.org" for n in range(100)]
        found = [
            row(
                f"a look-up among {count:,} rows, index search alone",
                "x plain",
                1.3,
                _searches(plain, engine, wanted, rounds),
            ),
            row("  the same through SQLAlchemy, gate and log", "x plain", None, _whole(plain, engine, wanted, rounds)),
        ]
    privacy.uninstall(engine)
    for target in (plain, engine):
        target.dispose()
    return found


def _searches(plain: Engine, engine: Engine, wanted: list[str], rounds: int) -> list[float]:
    """Both statements as they are sent, on the driver's own cursor, the digests made beforehand."""
    sent = str(select(Account.id).where(Account.email == "x").compile(engine))
    digest = Account.__table__.c.email.type.digester(engine.dialect)  # type: ignore[attr-defined]
    said = str(select(PlainAccount.id).where(PlainAccount.email == "x").compile(plain))
    sides: dict[str, Callable[[], None]] = {}
    opened = []
    for name, target, sql, values in (
        ("plain", plain, said, wanted),
        ("ours", engine, sent, [digest(email) for email in wanted]),
    ):
        connection: Any = target.raw_connection().driver_connection
        opened.append(connection)
        plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", (values[0],)).fetchall()
        print(f"  {name}: {sql.replace(chr(10), '')}\n    {plan[0][-1]}")

        def run(connection: Any = connection, sql: str = sql, values: list[Any] = values) -> None:
            for value in values:
                [_] = connection.execute(sql, (value,)).fetchall()

        sides[name] = run
    times = interleaved(sides, rounds, 5)
    return [b / a for a, b in zip(times["plain"], times["ours"], strict=True)]


def _whole(plain: Engine, engine: Engine, wanted: list[str], rounds: int) -> list[float]:
    sides: dict[str, Callable[[], None]] = {}
    for name, target, model in (("plain", plain, PlainAccount), ("ours", engine, Account)):
        connection = target.connect()

        def run(connection: Any = connection, model: Any = model) -> None:
            for email in wanted:
                connection.execute(select(model.id).where(model.email == email)).all()

        sides[name] = run
    times = interleaved(sides, rounds, 1)
    return [b / a for a, b in zip(times["plain"], times["ours"], strict=True)]


def main() -> int:
    """Prints the table; with ``--check``, exits 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000, help="rows to look among")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each comparison")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds; writes nothing")
    options = parser.parse_args()
    if options.quick:
        options.rows, options.rounds = 20_000, 5
    keys = Keyring.generate()
    with tempfile.TemporaryDirectory() as folder:
        privacy = Privacy(POLICY, keys=keys, log=AccessLog.open(Path(folder) / "log"), metadata=Base)
        found = cells(keys, options.rounds) + lists(privacy, options.rounds)
        found += lookups(privacy, Path(folder), options.rows, options.rounds)
        privacy.close()
    if not options.quick:
        Results("sealing", "What sealing costs", "python -m benchmarks.sealing", found).write()
    return 1 if report(found) and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
