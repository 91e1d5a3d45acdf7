"""The shop that is attacked: its models, its policy, and rows full of canaries.

Most personal columns here are *not* sealed: sealing alone would hide what the gate lets slip.

| column | category | sealed | open for "shipping" |
|---|---|---|---|
| `customers.name` | name | no | yes |
| `customers.address` | address | no | yes |
| `customers.phone`, `customers.mobile` | phone | yes | yes |
| `customers.email` | email | no | no |
| `customers.birthday` | birthday | no | no |
| `customers.points` | usage_history | no | no |
| `customers.profile` | usage_history | no | no |
| `customers.passport` | document | yes, with a lookup | no |
| `vips.concierge` | email | no | no |
| `orders.amount` | amount | no | no |
| `orders.gift_note` | message | no | no |

`customers.tier`, `orders.status`, `products.*` and `notes.*` are nobody's.
"""

from __future__ import annotations

import datetime
import hashlib
from typing import Any, Final

from sqlalchemy import JSON, Date, ForeignKey, Integer, String, Text
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    WriteOnlyMapped,
    column_property,
    mapped_column,
    query_expression,
    relationship,
)

from sa_privacy import DataSubject, Policy, pii_column

__all__ = ["POLICY", "Base", "Customer", "Note", "Order", "Product", "Vip", "canaries", "canary", "rows"]


class Base(DeclarativeBase):
    """Registry of the attacked models."""


class Customer(Base):
    """A person."""

    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), default="customer")
    tier: Mapped[str] = mapped_column(String(20), default="basic")
    name: Mapped[str] = pii_column(String(80), category="name", encrypt=False)
    address: Mapped[str | None] = pii_column(String(80), category="address", encrypt=False)
    phone: Mapped[str | None] = pii_column(String(40), category="phone")
    mobile: Mapped[str | None] = pii_column(String(40), category="phone")
    email: Mapped[str] = pii_column(String(80), category="email", encrypt=False, unique=True)
    birthday: Mapped[datetime.date | None] = pii_column(Date, category="birthday", encrypt=False)
    points: Mapped[int | None] = pii_column(Integer, category="usage_history", encrypt=False)
    profile: Mapped[dict[str, Any] | None] = pii_column(JSON, category="usage_history", encrypt=False)
    passport: Mapped[str | None] = pii_column(String(40), category="document", lookup="exact")
    referrer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))

    loud_email: Mapped[str] = column_property(email.column.concat("!"), deferred=True)  # type: ignore[attr-defined]
    probe: Mapped[Any] = query_expression()
    orders: Mapped[list[Order]] = relationship(back_populates="customer", order_by="Order.id")
    orders_dynamic: DynamicMapped[Order] = relationship(viewonly=True)
    orders_write_only: WriteOnlyMapped[Order] = relationship(viewonly=True)
    referrer: Mapped[Customer | None] = relationship(remote_side="Customer.id", back_populates="referred")
    referred: Mapped[list[Customer]] = relationship(back_populates="referrer")
    gift_notes: AssociationProxy[list[str]] = association_proxy("orders", "gift_note")

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "customer"}

    @hybrid_property
    def contact(self) -> str:
        """A name and an e-mail address."""
        return self.name + " " + self.email


class Vip(Customer):
    """A person in a table of its own."""

    __tablename__ = "vips"
    __mapper_args__ = {"polymorphic_identity": "vip"}

    id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True)
    concierge: Mapped[str | None] = pii_column(String(80), category="email", encrypt=False)


class Order(Base):
    """Belongs to a customer."""

    __tablename__ = "orders"
    __data_subject__ = DataSubject("customer", via="customer")

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))
    status: Mapped[str] = mapped_column(String(20), default="open")
    amount: Mapped[int] = pii_column(Integer, category="amount", encrypt=False)
    gift_note: Mapped[str | None] = pii_column(String(80), category="message", encrypt=False)
    customer: Mapped[Customer] = relationship(back_populates="orders")
    product: Mapped[Product | None] = relationship()
    customer_email: AssociationProxy[str] = association_proxy("customer", "email")


class Product(Base):
    """Nothing personal."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(80), unique=True)
    price: Mapped[int] = mapped_column(default=0)
    attributes: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class Note(Base):
    """Nothing personal, with room for whatever someone copies into it."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str | None] = mapped_column(Text)


POLICY: Final = Policy(
    policy={"id": "attack-cases", "version": "1"},
    categories={
        "name": {"mask": "***"},
        "address": {},
        "phone": {},
        "email": {"mask": "***"},
        "birthday": {},
        "usage_history": {},
        "document": {},
        "amount": {},
        "message": {},
    },
    purposes={
        "shipping": {"use": ["name", "address", "phone"]},
        "campaigns": {"use": ["name", "email", "usage_history"]},
        "sign_in": {"match": ["email"]},
        "billing": {"use": ["name", "amount"], "delete": ["orders"]},
        "account": {
            "use": ["name", "address", "phone", "email", "amount"], "rows": "own", "delete": ["orders"],
        },
        "everything": {
            "use": [
                "name", "address", "phone", "email", "birthday", "usage_history", "document", "amount", "message",
            ],
            "delete": ["customers", "orders", "vips"],
        },
    },
    roles={
        "clerk": {"purposes": ["shipping", "campaigns", "sign_in", "billing", "account", "everything"]},
        "engineer": {"maintenance": True},
    },
)  # fmt: skip

#: The personal columns that the rows below fill.
COLUMNS: Final = (
    "customers.name",
    "customers.address",
    "customers.phone",
    "customers.mobile",
    "customers.email",
    "customers.birthday",
    "customers.points",
    "customers.profile",
    "customers.passport",
    "vips.concierge",
    "orders.amount",
    "orders.gift_note",
)
ROWS: Final = {"customers": (1, 2, 3), "vips": (3,), "orders": (1, 2, 3)}


def canary(column: str, row: int) -> Any:
    """The one value that stands in `column` of row `row`, and nowhere else in the world."""
    digest = hashlib.sha256(f"{column}/{row}".encode()).digest()
    if column in {"customers.points", "orders.amount"}:
        return 100_000_000 + int.from_bytes(digest[:4], "big") % 800_000_000
    if column == "customers.birthday":
        return datetime.date(1850, 1, 1) + datetime.timedelta(days=int.from_bytes(digest[:2], "big") // 4)
    word = "".join(chr(ord("a") + byte % 26) for byte in digest[:10])
    if column == "customers.profile":
        return {"size": f"profile-{word}"}
    return f"{column.rpartition('.')[2]}-{word}"


def canaries(column: str) -> list[Any]:
    """All canaries of a column, in the order of its rows."""
    return [canary(column, row) for row in ROWS[column.partition(".")[0]]]


def rows() -> list[Base]:
    """Three people (the third a VIP, who was referred by the first), three orders, two products, a note."""

    def personal(table: str, row: int) -> dict[str, Any]:
        return {name.partition(".")[2]: canary(name, row) for name in COLUMNS if name.startswith(f"{table}.")}

    return [
        Product(id=1, title="Umbrella", price=20, attributes={"colour": "red", "tags": ["rain"]}),
        Product(id=2, title="Lamp", price=35, attributes={"colour": "blue", "tags": []}),
        Note(id=1, body="opening hours"),
        Customer(id=1, tier="gold", **personal("customers", 1)),
        Customer(id=2, tier="basic", **personal("customers", 2)),
        Vip(id=3, tier="gold", referrer_id=1, **personal("customers", 3), **personal("vips", 3)),
        Order(id=1, customer_id=1, product_id=1, status="open", **personal("orders", 1)),
        Order(id=2, customer_id=1, product_id=2, status="sent", **personal("orders", 2)),
        Order(id=3, customer_id=2, product_id=2, status="open", **personal("orders", 3)),
    ]
