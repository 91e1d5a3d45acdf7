"""The page about holds is true: its steps run, one after the other, on one database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import DataSubject, Keyring, Policy, Privacy, UnderHold, pii_column

PAGE = (Path(__file__).parents[2] / "docs" / "holds.md").read_text(encoding="utf-8")
(ERASURE,) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
STEPS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
POLICY = f"""
[policy]
id = "holds"
version = "1"
[categories.note]
[purposes.service]
use = ["note"]
delete = ["orders"]
[roles.support]
purposes = ["service"]
[roles.privacy_officer]
[roles.engineer]
maintenance = true
{ERASURE}
"""


class Base(DeclarativeBase):
    """Registry of the page's models."""


class Customer(Base):
    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")
    id: Mapped[int] = mapped_column(primary_key=True)


class Order(Base):
    __tablename__ = "orders"
    __data_subject__ = DataSubject("customer", via="customer_id")
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    total: Mapped[int] = mapped_column(default=0)
    note: Mapped[str] = pii_column(category="note")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    yield made
    made.dispose()


def test_the_steps_of_the_page_run(engine: Engine) -> None:
    privacy = Privacy(Policy.loads(POLICY), keys=Keyring.generate(), log=None, metadata=Base)
    with closing(privacy):
        privacy.install(engine)
        Base.metadata.create_all(engine)
        privacy.metadata.create_all(engine)
        with privacy.access(maintenance=True, role="engineer", actor="t", reason="rows"), Session(engine) as session:
            session.add(Customer(id=1))
            session.flush()
            session.add(Order(id=1, customer_id=1, note="x"))
            session.commit()
        names: dict[str, Any] = {"privacy": privacy, "engine": engine, "Session": Session, "date": date}
        names |= {"Customer": Customer, "Order": Order, "UnderHold": UnderHold}
        for step in STEPS:
            exec(step, names)
    assert "2026-17" in names["told"]
    assert {(one.table, one.what) for one in names["held"]} == {("customers", "2026-17"), ("orders", "2026-17")}
    assert [(one.case, one.review_by) for one in names["left"]] == [("2026-18", date(2027, 9, 30))]
