"""The example's models and data as a newcomer takes them over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from examples.shop_app.data import generate
from examples.shop_app.models import Base, Customer, CustomerPassword
from sa_privacy import Keyring, Privacy
from sa_privacy.policy import OWN_CATEGORY

REPOSITORY = Path(__file__).parents[2]
SHOP = REPOSITORY / "examples" / "shop_app"
# Written by hand: which columns are personal, of which category, and whether they are sealed.
PERSONAL = {
    "customers.name": ("name", True),
    "customers.name_kana": ("name", True),
    "customers.address": ("address", True),
    "customers.phone": ("phone", True),
    "customers.email": ("email", True),
    "customers.birthday": ("birthday", True),
    "customer_passwords.hash": ("login_secret", True),
    "orders.amount": ("amount", True),
    "order_items.product": ("order_items", True),
    "order_items.quantity": ("order_items", True),
    "usage_events.page": ("usage_history", False),
    "usage_events.seen_on": ("usage_history", False),
    "questionnaires.score": ("opinions", False),
    "questionnaires.comment": ("opinions", True),
    "inquiries.reply_to": ("email", True),
}


@pytest.fixture
def privacy() -> Iterator[Privacy]:
    with closing(Privacy(SHOP / "privacy.toml", keys=Keyring.generate(), log=None, metadata=Base)) as made:
        yield made


def test_the_personal_columns_are_these_and_no_others(privacy: Privacy) -> None:
    found = {name: (column.category, column.sealed) for name, column in privacy.catalogue.columns.items()}
    assert {name: said for name, said in found.items() if said[0] != OWN_CATEGORY} == PERSONAL


def test_every_table_says_whose_its_rows_are(privacy: Privacy) -> None:
    kinds = {table.name: table.subject.kind for table in privacy.catalogue if table.subject is not None}
    assert kinds == dict.fromkeys(Base.metadata.tables, "customer")


def test_the_same_seed_makes_the_same_shop() -> None:
    assert list(generate(120)) == list(generate(120))
    assert list(generate(120, seed=1)) != list(generate(120, seed=2))


def test_a_larger_shop_begins_with_the_smaller_one() -> None:
    """So a demo with few customers shows the same people."""
    small, large = list(generate(50)), list(generate(100))
    assert large[: len(small)] == small


def test_customers_are_japanese_and_english_and_belong_to_nobody() -> None:
    """Reserved domains, numbers that are given to nobody, and rows of theirs in every table."""
    batches = list(generate(200))
    customers = [row for _, rows in batches for row in rows[Customer]]
    assert sum(number for number, _ in batches) == len(customers) == 200
    assert [row["language"] for row in customers] == ["ja", "en"] * 100
    for row in customers:
        assert row["email"].endswith(("@example.org", "@example.com"))
        assert row["email"].isascii()
        assert row["phone"] is None or row["phone"].startswith(("090-0000-", "+1-555-555-01"))
        assert row["name"].isascii() is (row["language"] == "en")
    assert len({row["email"] for row in customers}) == 200
    filled = {mapper.class_ for mapper in Base.registry.mappers} - {CustomerPassword}  # people choose these themselves
    assert all(any(rows[model] for _, rows in batches) for model in filled)
