"""What SQLAlchemy builds of known parts is read from its parts on a protected engine, and its text is not parsed."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session, joinedload

from sa_privacy import Privacy
from tests.gate.world import Customer, Product


class Parsed(Exception):
    """A text was parsed."""


def parse(*args: object, **options: object) -> None:
    raise Parsed


def test_loads_and_flushes_are_not_parsed(shop: Engine, privacy: Privacy, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.connect().close()  # what the dialect asks a server at first is a text
    monkeypatch.setattr("sqlglot.parse", parse)
    with privacy.access("everything", role="clerk"), Session(shop) as session:
        session.scalars(select(Customer).where(Customer.town == "x").order_by(Customer.id).limit(3)).all()
        session.scalars(select(Customer).options(joinedload(Customer.orders))).unique().all()
        session.add(Product(title="one"))
        session.flush()
        product = session.scalars(select(Product).limit(1)).one()
        product.title = "another"
        session.flush()


def test_a_text_is_parsed(shop: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop.connect() as connection:
        monkeypatch.setattr("sqlglot.parse", parse)
        with pytest.raises(Parsed):
            connection.execute(text("SELECT title FROM products"))
