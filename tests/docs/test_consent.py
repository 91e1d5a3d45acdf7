"""The page about consent is true: its policy is one, and its steps run, one after the other, on one database."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column
from sa_privacy.customers.consent.entry import HOW

PAGE = (Path(__file__).parents[2] / "docs" / "consent.md").read_text(encoding="utf-8")
(POLICY,) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
STEPS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


class Base(DeclarativeBase):
    """Registry of the page's one model."""


class Customer(Base):
    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(category="name")
    email: Mapped[str] = pii_column(category="email")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    yield made
    made.dispose()


def test_the_steps_of_the_page_run(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    privacy = Privacy(Policy.loads(POLICY), keys=Keyring.generate(), log=None, metadata=Base)
    with closing(privacy):
        privacy.install(engine)
        Base.metadata.create_all(engine)
        privacy.metadata.create_all(engine)
        with privacy.access(maintenance=True, role="engineer", actor="t", reason="rows"), Session(engine) as session:
            session.add_all(
                [Customer(id=1, name="Ann", email="a@x"), Customer(id=2, name="Bo", email="bo@example.com")]
            )
            session.commit()
        names: dict[str, Any] = {"privacy": privacy, "engine": engine, "Session": Session}
        names |= {"select": select, "Customer": Customer}
        for step in STEPS:
            exec(step, names)
    assert [(one.to, one.said) for one in names["history"]] == [
        ("campaigns", "given"),
        ("campaigns", "withdrawn"),
        ("sister_shop", "given"),
    ]
    told = capsys.readouterr().out
    assert "同意されました。" in told
    assert "キャンペーンのご案内をメールでお送りしてよろしいですか。" in told
    assert len(names["document"]["dpv:hasRecordOfActivity"]) == 2
    assert "Eve Arbor" not in json.dumps(names["document"])
    assert len(STEPS) == 5


def test_the_page_names_every_way_to_say_it() -> None:
    (ways,) = re.findall(r"- `how` is one of (.*?)\. `at`", PAGE, flags=re.DOTALL)
    assert tuple(re.findall(r"`(\w+)`", ways)) == HOW
