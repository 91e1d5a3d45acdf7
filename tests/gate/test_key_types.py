"""Events name people by the keys that the application knows, whatever the database holds in their place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import DateTime, Dialect, Engine, Integer, String, bindparam, select, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from sa_privacy import AccessLog, DataSubject, Keyring, Policy, Privacy, pii_column
from tests.gate.trail import Trail

KEYS = Keyring.generate()
POLICY = Policy(
    policy={"id": "key-types", "version": "1"},
    categories={"name": {}},
    purposes={"desk": {"use": ["name"]}},
    roles={"clerk": {"purposes": ["desk"]}},
)
DESK: dict[str, Any] = {"purpose": "desk", "role": "clerk", "actor": "staff:1"}


class Prefixed(TypeDecorator[str]):
    """``"cus_7"`` to the application, 7 to the database."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value.removeprefix("cus_"))

    def process_result_value(self, value: int | None, dialect: Dialect) -> str | None:
        return None if value is None else f"cus_{value:d}"


class Base(DeclarativeBase):
    """Registry of these models."""


class Customer(Base):
    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[str] = mapped_column(Prefixed, primary_key=True, autoincrement=True)
    name: Mapped[str] = pii_column(String(40), category="name", encrypt=False)


class Visitor(Base):
    __tablename__ = "visitors"
    __data_subject__ = DataSubject("visitor", key="came")

    came: Mapped[datetime] = mapped_column(DateTime, primary_key=True)
    name: Mapped[str] = pii_column(String(40), category="name", encrypt=False)


@pytest.fixture
def trail(engine: Engine, tmp_path: Path) -> Iterator[Trail]:
    log = AccessLog.open(tmp_path / "log", fsync="never")
    privacy = Privacy(POLICY, keys=KEYS, log=log, metadata=Base)
    Base.metadata.create_all(engine)
    privacy.install(engine)
    with privacy.access(**DESK):
        yield Trail(log)
    privacy.close()


def met_in_every_way(engine: Engine, trail: Trail, kind: str, model: Any, key: Any, value: object) -> None:
    wanted = {KEYS.pseudonym_key().of(kind, value)}
    with Session(engine) as session:
        session.add(model(**{key.key: value, "name": "a"}))
        session.flush()
        for way in (
            select(model).where(key == value),
            select(model),
            select(model.name, key),
            select(model.name, key, key),
            select(model.name).where(key == value),
            select(model.name).where(key.in_([value])),
            update(model).where(key == value).values(name="b"),
            update(model).values(name="b").returning(key),
        ):
            session.expire_all()
            assert trail.subjects == wanted, f"before {way}"
            trail.forget()
            result = session.execute(way)
            if getattr(result, "returns_rows", True):
                result.all()
        assert trail.subjects == wanted


@pytest.mark.backends("sqlite", "postgresql")
def test_a_key_that_its_type_translates_has_one_pseudonym(engine: Engine, trail: Trail) -> None:
    met_in_every_way(engine, trail, "customer", Customer, Customer.id, "cus_7")


@pytest.mark.backends("sqlite")
def test_a_key_that_the_database_holds_as_text_has_one_pseudonym(engine: Engine, trail: Trail) -> None:
    met_in_every_way(engine, trail, "visitor", Visitor, Visitor.came, datetime.fromisoformat("2026-03-01T09:00"))


def test_a_key_that_the_database_chose_and_keys_in_text_are_told_as_the_application_knows_them(
    engine: Engine, trail: Trail
) -> None:
    wanted = {KEYS.pseudonym_key().of("customer", "cus_1")}
    query = "SELECT name FROM customers WHERE id = :id"
    with Session(engine) as session:
        session.add(Customer(name="a"))
        session.flush()
        assert trail.subjects == wanted
        for told, said in (
            (text(query), {"id": 1}),
            (text(query), {"id": "1"}),
            (text(query).bindparams(bindparam("id", type_=Prefixed())), {"id": "cus_1"}),
            (text("SELECT id, name FROM customers"), {}),
        ):
            trail.forget()
            session.execute(told, said).all()
            if said == {"id": "1"}:  # no number, and the type makes none of it
                assert trail.subjects is None
            else:
                assert trail.subjects == wanted
