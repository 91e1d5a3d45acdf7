"""The shop's generated customers, half Japanese and half English, and what belongs to them.

Nobody here exists. The same seed makes the same shop: names and addresses come from a seeded Faker, e-mail addresses
are of domains reserved for examples (RFC 2606), and telephone numbers are ones that are given to nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Any

from faker import Faker
from sqlalchemy import Engine, insert
from sqlalchemy.orm import Session

from examples.shop_app.models import Base, Customer, Inquiry, Order, OrderItem, Questionnaire, UsageEvent
from sa_privacy import Privacy

__all__ = ["ASKED", "CUSTOMERS", "SEED", "TODAY", "Rows", "fill", "generate"]

CUSTOMERS = 1_000
ASKED = 300  # how many of them were asked whether they want to hear of campaigns
SEED = 1123
TODAY = date(2026, 11, 23)  # a fixed day, so that the same seed makes the same shop tomorrow

Rows = dict[type[Base], list[dict[str, Any]]]

_MODELS: tuple[type[Base], ...] = (Customer, Order, OrderItem, UsageEvent, Questionnaire, Inquiry)  # owners first
_PRODUCTS = {
    "ja": [("木綿のシャツ", 4_900), ("麻の手ぬぐい", 1_200), ("湯呑み", 2_400), ("文庫カバー", 3_100), ("雨傘", 5_800)],
    "en": [
        ("cotton shirt", 4_900),
        ("linen towel", 1_200),
        ("tea cup", 2_400),
        ("book cover", 3_100),
        ("umbrella", 5_800),
    ],
}
_COMMENTS = {
    "ja": ["梱包がとても丁寧でした。", "届くまでに時間がかかりました。", "色の種類を増やしてください。", None],
    "en": ["Very carefully packed.", "It took a while to arrive.", "Please offer more colours.", None],
}
_PAGES = ("top", "search", "product", "cart", "checkout", "help")
_STATUSES = ("received", "paid", "shipped", "shipped", "shipped")
_TOPICS = ("delivery", "size", "return", "invoice")
_BATCH = 50


def generate(customers: int = CUSTOMERS, seed: int = SEED) -> Iterator[tuple[int, Rows]]:
    """Makes the shop, in batches that can be inserted as they come.

    :param customers: how many; every other one is Japanese.
    :param seed: the same number makes the same shop.
    :returns: for each batch the number of its customers, and the rows of each model, owners first.
    """
    maker = _Maker(seed)
    for start in range(0, customers, _BATCH):
        rows: Rows = {model: [] for model in _MODELS}
        for _ in range(start, min(start + _BATCH, customers)):
            maker.add_customer(rows)
        yield len(rows[Customer]), rows


def fill(
    privacy: Privacy,
    engine: Engine,
    customers: int = CUSTOMERS,
    seed: int = SEED,
    progress: Callable[[int], object] | None = None,
) -> Counter[str]:
    """Writes the shop into an empty database, as an engineer who loads fixtures would: under a maintenance access.

    :param progress: told after each batch how many customers it held.
    :returns: the number of rows by table.
    """
    rows: Counter[str] = Counter()
    maintenance = privacy.access(
        maintenance=True, actor="staff:1", role="engineer", reason="generated data for the example shop"
    )
    with maintenance, Session(engine) as session, session.begin():
        for written, batch in generate(customers, seed):
            for model, values in batch.items():
                if values:
                    session.execute(insert(model), values)
                rows[model.__tablename__] += len(values)
            if progress is not None:
                progress(written)
    ask_for_consent(privacy, engine, customers)
    return rows


def ask_for_consent(privacy: Privacy, engine: Engine, customers: int) -> None:
    """Enters what the first customers answered when they were asked about campaigns: every third one said no.

    The others were not asked, and so have not agreed either.
    """
    with Session(engine) as session, session.begin():
        for number in range(1, min(customers, ASKED) + 1):
            with privacy.request(actor=f"customer:{number}", role="customer", purpose="account", subject=number):
                answer = privacy.consents.give if number % 3 else privacy.consents.refuse
                answer(session, number, "campaigns", how="web", language="ja" if number % 2 else "en")


class _Maker:
    """Makes rows one customer at a time, and numbers them."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.faker = {"ja": Faker("ja_JP"), "en": Faker("en_US")}
        for number, faker in enumerate(self.faker.values()):
            faker.seed_instance(seed + number)
        self.ids = {model: count(1) for model in _MODELS}

    def add_customer(self, rows: Rows) -> None:
        customer = next(self.ids[Customer])
        language = "ja" if customer % 2 else "en"
        joined = self.day(TODAY - timedelta(days=5 * 365), TODAY)
        person = self.japanese(customer) if language == "ja" else self.english(customer)
        rows[Customer].append({"id": customer, **person, "language": language, "joined_on": joined})
        for _ in range(self.random.randint(0, 3)):
            self.add_order(rows, customer, language, joined)
        for _ in range(self.random.randint(2, 8)):
            self.add(rows, UsageEvent, customer, page=self.random.choice(_PAGES), seen_on=self.day(joined, TODAY))
        if self.random.random() < 0.4:
            score, comment = self.random.randint(1, 5), self.random.choice(_COMMENTS[language])
            self.add(rows, Questionnaire, customer, answered_on=self.day(joined, TODAY), score=score, comment=comment)
        if self.random.random() < 0.2:
            received = self.day(joined, TODAY)
            answered = received + timedelta(days=1) if received < TODAY else None
            topic, reply_to = self.random.choice(_TOPICS), person["email"]
            self.add(
                rows, Inquiry, customer, topic=topic, received_on=received, answered_on=answered, reply_to=reply_to
            )

    def add_order(self, rows: Rows, customer: int, language: str, joined: date) -> None:
        order, amount = next(self.ids[Order]), 0
        for product, price in self.random.sample(_PRODUCTS[language], self.random.randint(1, 3)):
            quantity = self.random.randint(1, 3)
            amount += quantity * price
            item = {"id": next(self.ids[OrderItem]), "order_id": order, "product": product, "quantity": quantity}
            rows[OrderItem].append(item)
        ordered, status = self.day(joined, TODAY), self.random.choice(_STATUSES)
        rows[Order].append(
            {"id": order, "customer_id": customer, "status": status, "ordered_on": ordered, "amount": amount}
        )

    def add(self, rows: Rows, model: type[Base], customer: int, **values: object) -> None:
        rows[model].append({"id": next(self.ids[model]), "customer_id": customer, **values})

    def japanese(self, number: int) -> dict[str, Any]:
        faker = self.faker["ja"]
        family, family_kana, family_roman = faker.last_name_pair()
        given, given_kana, given_roman = faker.first_name_pair()
        return {
            "name": f"{family} {given}",
            "name_kana": f"{family_kana} {given_kana}",
            "address": f"〒{faker.zipcode()} {faker.address()}",
            "phone": f"090-0000-{self.random.randint(0, 9999):04}",
            "email": f"{given_roman}.{family_roman}{number}@example.org".lower(),
            "birthday": self.birthday(),
        }

    def english(self, number: int) -> dict[str, Any]:
        faker = self.faker["en"]
        given, family = faker.first_name(), faker.last_name()
        return {
            "name": f"{given} {family}",
            "name_kana": None,
            "address": faker.address().replace("\n", ", "),
            "phone": f"+1-555-555-01{self.random.randint(0, 99):02}" if self.random.random() < 0.9 else None,
            "email": f"{given}.{family}{number}@example.com".lower(),
            "birthday": self.birthday() if self.random.random() < 0.8 else None,
        }

    def birthday(self) -> date:
        return self.day(date(1940, 1, 1), date(2008, 12, 31))

    def day(self, first: date, last: date) -> date:
        return first + timedelta(days=self.random.randint(0, (last - first).days))
