"""Statements of every kind over the shop of `world`, and accesses of every kind: what is said of one must hold of all."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Table,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased, joinedload, load_only, undefer
from sqlalchemy.schema import CreateIndex, CreateTable, Index

from sa_privacy import Privacy
from tests.gate.world import Customer, Order, Product

__all__ = ["ACCESSES", "STATEMENTS", "statement_for"]

NEW = {"name": "New", "email": "new@example.com"}
other = aliased(Customer)
notes = Table("notes", MetaData(), Column("id", Integer, primary_key=True))
by_id = Index("by_id", notes.c.id)

STATEMENTS: dict[str, Callable[[], Any]] = {
    "entity": lambda: select(Customer),
    "entity of a person's row": lambda: select(Customer).where(Customer.id == 1),
    "entity with a join": lambda: select(Order).join(Order.customer),
    "entities side by side": lambda: select(Customer, Order).join(Customer.orders),
    "entity with an eager load": lambda: select(Order).options(joinedload(Order.customer)),
    "entity with chosen attributes": lambda: select(Customer).options(load_only(Customer.name, Customer.email)),
    "entity with an expression": lambda: select(Customer).options(undefer(Customer.shout)),
    "alias": lambda: select(other).where(other.tier == "basic"),
    "one column": lambda: select(Customer.segment),
    "sealed column": lambda: select(Customer.email),
    "plain columns": lambda: select(Customer.id, Customer.tier),
    "count": lambda: select(func.count()).select_from(Customer),
    "WHERE": lambda: select(Customer.id).where(Customer.segment == "gold"),
    "WHERE over a sealed column": lambda: select(Customer.id).where(Customer.email == "x"),
    "IN": lambda: select(Customer.id).where(Customer.segment.in_(["gold"])),
    "row value": lambda: select(Customer.id).where(tuple_(Customer.segment, Customer.town).in_([("a", "b")])),
    "IS NULL of a sealed column": lambda: select(Customer.id).where(Customer.phone.is_(None)),
    "ORDER BY": lambda: select(Customer.id).order_by(Customer.segment),
    "EXISTS": lambda: select(Product.id).where(exists().where(Customer.town == "x")),
    "GROUP BY": lambda: select(Customer.segment, func.count()).group_by(Customer.segment),
    "own orders": lambda: select(Order).where(Order.customer_id == 1),
    "another's orders": lambda: select(Order.id, Order.amount).where(Order.customer_id == 2),
    "compound": lambda: union_all(select(Customer.segment), select(Customer.town)),
    "compound of entities": lambda: select(Customer).union(select(Customer)),
    "compound of plain columns": lambda: union_all(select(Customer.tier), select(Product.title)),
    "CTE": lambda: select(select(Customer.segment.label("s")).cte().c.s),
    "subquery of an entity": lambda: select(select(Customer).subquery().c.tier),
    "literal column": lambda: select(literal_column("segment")).select_from(Customer),
    "nothing personal": lambda: select(Product),
    "function": lambda: select(func.lower(literal("X"))),
    "insert": lambda: insert(Customer).values(**NEW, tier="basic"),
    "insert of more": lambda: insert(Customer).values(**NEW, birthday=datetime.date(2000, 1, 1)),
    "insert of nothing given": lambda: insert(Customer).values(**NEW, birthday=None, town=None),
    "insert of several rows": lambda: insert(Order).values([{"customer_id": 1, "amount": 1}] * 2),
    "insert of their own": lambda: insert(Order).values(customer_id=1, amount=5),
    "insert for another": lambda: insert(Order).values(customer_id=2, amount=5),
    "insert from select": lambda: insert(Product).from_select(["title"], select(Customer.segment)),
    "insert with RETURNING": lambda: insert(Customer).values(**NEW).returning(Customer.id, Customer.segment),
    "insert of something plain": lambda: insert(Product).values(title="Hat"),
    "update": lambda: update(Customer).values(segment="x"),
    "update of a person's row": lambda: update(Customer).values(town="x").where(Customer.id == 1),
    "update of a sealed column": lambda: update(Customer).values(email="x").where(Customer.id == 1),
    "update where": lambda: update(Customer).values(tier="x").where(Customer.segment == "gold"),
    "update with RETURNING": lambda: update(Customer).values(tier="x").returning(Customer.segment),
    "update by another column": lambda: update(Customer).values(town=Customer.street),
    "delete": lambda: delete(Order),
    "delete where": lambda: delete(Order).where(Order.amount > 1),
    "delete of something plain": lambda: delete(Product),
    "text": lambda: text("SELECT segment FROM customers"),
    "text with a star": lambda: text("SELECT * FROM customers"),
    "text with parameters": lambda: text("SELECT id FROM customers WHERE town = :t").bindparams(t="x"),
    "text with columns": lambda: text("SELECT id, town FROM customers").columns(Customer.id, Customer.town),
    "text that inserts": lambda: text("INSERT INTO customers (town, name, tier) VALUES (NULL, NULL, 'x')"),
    "text of a function nobody knows": lambda: text("SELECT unheard_of(1)"),
    "text of something plain": lambda: text("SELECT title FROM products"),
    "text over the catalogue": lambda: text("SELECT count(*) FROM information_schema.tables"),
    "text that is no SQL": lambda: text("SELEKT 1"),
    "string": lambda: "SELECT town FROM customers WHERE segment = 'gold'",
    "string that updates": lambda: "UPDATE customers SET town = 'x'",
    "string of something plain": lambda: "SELECT 1",
    "string of DDL": lambda: "CREATE TABLE leaves (id INTEGER)",
    "string that makes a view": lambda: "CREATE VIEW leaks AS SELECT town FROM customers",
    "string that copies a table": lambda: "CREATE TABLE leaks AS SELECT town FROM customers",
    "DDL": lambda: CreateTable(notes),
    "DDL of an index": lambda: CreateIndex(by_id),
}


def _upsert(dialect: str) -> Any:
    kind: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    made = kind(Customer).values(id=1, **NEW)
    return made.on_conflict_do_update(index_elements=[Customer.id], set_={"town": made.excluded.name, "tier": "x"})


def statement_for(name: str, dialect: str) -> Any:
    """The statement of that name, for that database."""
    return _upsert(dialect) if name == "upsert" else STATEMENTS[name]()


STATEMENTS["upsert"] = lambda: _upsert("sqlite")

ACCESSES: dict[str, Callable[[Privacy], AbstractContextManager[object]]] = {
    "none": lambda _: nullcontext(),
    "shipping": lambda privacy: privacy.access("shipping", role="warehouse"),
    "campaigns": lambda privacy: privacy.access("campaigns", role="marketing"),
    "segmenting": lambda privacy: privacy.access("segmenting", role="marketing"),
    "two purposes": lambda privacy: privacy.access(["shipping", "billing"], role="clerk"),
    "signup": lambda privacy: privacy.access("signup", role="clerk"),
    "everything": lambda privacy: privacy.access("everything", role="clerk"),
    "own rows": lambda privacy: privacy.access("account", role="customer", subject=1),
    "own rows of nobody": lambda privacy: privacy.access("account", role="customer"),
    "maintenance": lambda privacy: privacy.access(maintenance=True, role="engineer", actor="tests", reason="tests"),
}
