"""The engines that the headlines are measured on, in one process: plain, and protected with and without a log."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Engine, Integer, Text, event, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.timing import memory_engine
from sa_privacy import AccessLog, DataSubject, Keyring, Policy, Privacy, pii_column

__all__ = [
    "POLICY",
    "ROWS",
    "SAID",
    "SEALED",
    "Bench",
    "Customer",
    "PlainBase",
    "PlainCustomer",
    "PlainProduct",
    "PlainVisit",
    "Product",
    "ProtectedBase",
    "Visit",
    "rows",
]

ROWS = 100
SEALED = ("name", "address", "phone", "email")


class PlainBase(DeclarativeBase):
    """The models as they are without the library."""


class PlainCustomer(PlainBase):
    """Four columns, none of them known to be personal.

    The table has a name of its own: a class over a table that is named like a protected one is guarded too.
    """

    __tablename__ = "plain_customers"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    phone: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)


class PlainVisit(PlainBase):
    """A table with a column that will be personal, and one that will not."""

    __tablename__ = "plain_visits"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    page: Mapped[str] = mapped_column(Text)
    took: Mapped[int]


class ProtectedBase(DeclarativeBase):
    """The same models, annotated."""


class Customer(ProtectedBase):
    """The same four columns, sealed."""

    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = pii_column(category="name")
    address: Mapped[str] = pii_column(category="address")
    phone: Mapped[str] = pii_column(category="phone")
    email: Mapped[str] = pii_column(category="email")


class Visit(ProtectedBase):
    """A guarded and logged column that is not sealed, so that the gate is measured without the cipher."""

    __tablename__ = "visits"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    page: Mapped[str] = pii_column(Text, category="usage_history", encrypt=False)
    took: Mapped[int]


class Product(ProtectedBase):
    """A table with nothing personal in it, of the same application."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    title: Mapped[str] = mapped_column(Text)


class PlainProduct(PlainBase):
    """The same, without the library."""

    __tablename__ = "plain_products"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    title: Mapped[str] = mapped_column(Text)


POLICY = Policy(
    policy={"id": "bench", "version": "1"},
    categories={name: {} for name in ("name", "address", "phone", "email", "usage_history")},
    purposes={"work": {"use": ["name", "address", "phone", "email", "usage_history"]}},
    roles={"staff": {"purposes": ["work"]}},
)


def rows() -> list[dict[str, Any]]:
    """A hundred customers of ordinary length."""
    return [
        {
            "id": n,
            "name": f"Customer Number {n}",
            "address": f"{n} Long Street, Some Town, Some Prefecture",
            "phone": f"090-0000-{n:04d}",
            "email": f"customer.{n}@example.com",
        }
        for n in range(1, ROWS + 1)
    ]


def plain_engine() -> Engine:
    """The rows without the library."""
    engine = memory_engine()
    PlainBase.metadata.create_all(engine)
    with Session(engine) as session:
        session.execute(insert(PlainCustomer), rows())
        session.execute(insert(PlainVisit), [{"id": 1, "page": "/", "took": 1}])
        session.commit()
    return engine


#: What the events of the statement that is measured say.
SAID: dict[str, Any] = {
    "actor": "bench",
    "roles": ["staff"],
    "purpose": ["work"],
    "reads": ["visits.page"],
    "origin": "benchmarks/overhead/bench.py:224 in Bench.statement.run",
    "statement": "sha256:" + "0" * 16,
    "decision": "allowed",
    "policy": "sha256:" + "0" * 64,
    "subjects": ["0" * 26],
}


class _Handing:
    """A fetch strategy that does something before it hands rows over, and no more."""

    __slots__ = ("_inner", "_work", "soft_close")

    alternate_cursor_description = None

    def __init__(self, inner: Any, work: Callable[[], object]) -> None:
        self._inner, self._work, self.soft_close = inner, work, inner.soft_close

    def fetchall(self, result: Any, dbapi_cursor: Any) -> Any:
        """All rows."""
        rows = self._inner.fetchall(result, dbapi_cursor)
        self._work()
        return rows


class Bench:
    """The engines of one run: plain, and protected with and without a log."""

    def __init__(self) -> None:
        self.plain = plain_engine()
        self._keys = Keyring.generate()
        self.privacies: dict[str, Privacy] = {}
        self.engines: dict[str, Engine] = {}

    def protect(self, name: str, log: AccessLog | None) -> Privacy:
        """Adds a protected engine with the same rows; an application has one policy, so one is made at a time."""
        engine = memory_engine()
        privacy = Privacy(POLICY, keys=self._keys, log=log, metadata=ProtectedBase)
        ProtectedBase.metadata.create_all(engine)
        privacy.install(engine)
        with privacy.access("work", role="staff", actor="bench"), Session(engine) as session:
            session.execute(insert(Customer), rows())
            session.execute(insert(Visit), [{"id": 1, "page": "/", "took": 1}])
            session.commit()
        self.privacies[name], self.engines[name] = privacy, engine
        return privacy

    def entities(self, engine: Engine, model: Any, count: int | None = None) -> Callable[[], None]:
        """A list of all 100 entities, or of some, each of the four columns read."""
        statement = select(model).limit(count)

        def run() -> None:
            with Session(engine) as session:
                for found in session.scalars(statement):
                    _ = found.name, found.address, found.phone, found.email

        return run

    def openings(self) -> Callable[[], None]:
        """The same list from the plain engine, and 400 bare AES-GCM decryptions beside it: what no library can undercut."""
        entities = self.entities(self.plain, PlainCustomer)
        aead, nonce, aad = AESGCM(bytes(32)), bytes(12), bytes(48)
        cells = [nonce + aead.encrypt(nonce, row[key].encode(), aad) for row in rows() for key in SEALED]
        decrypt = aead.decrypt

        def run() -> None:
            entities()
            for cell in cells:
                decrypt(cell[:12], cell[12:], aad)

        return run

    def event(self, folder: Path) -> Callable[[], None]:
        """What a durable event costs with nothing around it: encoded, hashed, written, each in its fewest calls."""
        file = os.open(folder / "bare", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        encode, before = msgspec.json.Encoder().encode, b"0" * 64
        said = {"kind": "intent", "at": "2026-03-01T09:00:00.000001Z", "writer": "0" * 16, "seq": 1, **SAID}

        def run() -> None:
            line = encode(said) + before
            os.write(file, line + sha256(line).hexdigest().encode())

        return run

    def listened(self, work: Callable[[], object], then: Callable[[], object] | None = None) -> Engine:
        """A plain engine that does something before each statement, as anything has to that looks at all of them.

        :param then: done before the statement's rows are handed over.
        """
        engine = plain_engine()

        @event.listens_for(engine, "do_execute")
        def look(_cursor: Any, _statement: Any, _parameters: Any, context: Any) -> None:
            work()
            if then is not None:
                context.cursor_fetch_strategy = _Handing(context.cursor_fetch_strategy, then)

        return engine

    def statement(self, engine: Engine, sql: Any) -> Callable[[], None]:
        """One statement on an open connection, its one row fetched."""
        connection = engine.connect()
        execute = connection.execute

        def run() -> None:
            execute(sql).all()

        return run
