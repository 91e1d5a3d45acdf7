"""Whose rows a statement reaches, where that is said of other rows that they lead to."""

from __future__ import annotations

import pytest

from sa_privacy.columns.catalogue import Catalogue, SubjectPath
from sa_privacy.footprint import KeyPredicate
from tests.footprint.shop import judge, table

_TO_CUSTOMER = ("customer_id", "customers", "id")
_TO_ORDER = ("order_id", "orders", "id")
CATALOGUE = Catalogue(
    (
        table("customers", "id name", {"name": False}, SubjectPath("customer", "id")),
        table("orders", "id customer_id note", {"note": False}, SubjectPath("customer", "customer_id")),
        table("items", "id order_id product", {"product": False}, SubjectPath("customer", None, (_TO_ORDER, _TO_CUSTOMER))),
        table(
            "returns",
            "id item_id why",
            {"why": False},
            SubjectPath("customer", None, (("item_id", "items", "id"), _TO_ORDER, _TO_CUSTOMER)),
        ),
    )
)  # fmt: skip
MINE = "SELECT id FROM orders WHERE customer_id = :me"

BOUND = [
    f"SELECT product FROM items WHERE order_id IN ({MINE})",
    f"SELECT product FROM items AS i WHERE (i.order_id) IN ({MINE}) AND i.id > 0",
    "SELECT product FROM items JOIN orders ON orders.id = order_id WHERE customer_id = :me",
    "SELECT product FROM items JOIN orders AS o ON o.id = order_id AND o.customer_id = :me",
    "SELECT product FROM orders AS o LEFT JOIN items AS i ON i.order_id = o.id WHERE o.customer_id = :me",
    "SELECT product FROM items AS i, orders AS o, customers AS c WHERE i.order_id = o.id AND o.customer_id = c.id AND c.id = :me",
    f"SELECT product FROM items JOIN ({MINE}) AS o ON o.id = order_id",
    "SELECT (SELECT max(product) FROM items WHERE order_id = orders.id) FROM orders WHERE customer_id = :me",
    f"UPDATE items SET product = 'x' WHERE id = 1 AND order_id IN ({MINE})",
    f"DELETE FROM items WHERE order_id IN ({MINE})",
    "UPDATE items SET product = 'x' FROM orders AS o WHERE o.id = items.order_id AND o.customer_id = :me",
]
LOOSE = [
    "SELECT product FROM items WHERE id = :me",
    "SELECT product FROM items WHERE order_id = :me",
    f"SELECT product FROM items WHERE order_id NOT IN ({MINE})",
    f"SELECT product FROM items WHERE NOT order_id IN ({MINE})",
    f"SELECT product FROM items WHERE order_id IN ({MINE}) OR id = 1",
    f"SELECT product FROM items WHERE id IN ({MINE})",
    "SELECT product FROM items WHERE order_id IN (SELECT id + 0 FROM orders WHERE customer_id = :me)",
    "SELECT product FROM items WHERE order_id IN (SELECT id FROM items WHERE id = :me)",
    f"SELECT product FROM items WHERE order_id IN ({MINE} UNION SELECT id FROM orders)",
    "SELECT product FROM items WHERE order_id IN (SELECT note FROM orders WHERE customer_id = :me)",
    "SELECT product FROM items JOIN orders AS o ON o.customer_id = order_id WHERE o.customer_id = :me",
    f"SELECT product FROM items LEFT JOIN customers ON order_id IN ({MINE})",
    "SELECT product FROM items LEFT JOIN orders AS o ON o.id = order_id AND o.customer_id = :me",
    "SELECT product FROM orders AS o RIGHT JOIN items AS i ON i.order_id = o.id AND o.customer_id = :me",
    "SELECT product FROM orders AS o FULL JOIN items AS i ON i.order_id = o.id AND o.customer_id = :me",
    "SELECT product FROM items AS i JOIN orders AS o ON o.id >= i.order_id WHERE o.customer_id = :me",
    "SELECT product FROM items AS i JOIN orders AS o ON o.id = i.id WHERE o.customer_id = :me",
    "SELECT product FROM items AS i JOIN orders AS a ON a.id = i.order_id JOIN orders AS b ON b.customer_id = :me",
    (
        "WITH o AS (SELECT id, customer_id FROM orders) SELECT product FROM items JOIN o AS a ON a.id = order_id "
        "JOIN o AS b ON b.customer_id = :me"
    ),
]


def of_items(sql: str, dialect: str) -> list[tuple[KeyPredicate, ...]]:
    found = judge(sql, dialect, catalogue=CATALOGUE, paramstyle="named").mentions
    return [predicates for name, predicates in found if name == "items"]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("sql", BOUND)
def test_rows_are_bound_by_the_rows_they_lead_to(sql: str, dialect: str) -> None:
    for predicates in of_items(sql, dialect):
        assert KeyPredicate("orders.customer_id", "me") in predicates
    assert of_items(sql, dialect)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("sql", LOOSE)
def test_rows_are_not_bound_by_conditions_that_let_others_through(sql: str, dialect: str) -> None:
    assert any("orders.customer_id" not in {p.column for p in predicates} for predicates in of_items(sql, dialect))


def test_three_steps_are_followed() -> None:
    sql = f"SELECT why FROM returns WHERE item_id IN (SELECT id FROM items WHERE order_id IN ({MINE}))"
    [returns] = [p for name, p in judge(sql, catalogue=CATALOGUE, paramstyle="named").mentions if name == "returns"]
    assert returns == (KeyPredicate("orders.customer_id", "me"),)


def test_another_mention_of_the_very_same_row_is_bound_too() -> None:
    sql = f"SELECT note FROM items AS i JOIN orders AS o ON o.id = i.order_id WHERE i.order_id IN ({MINE})"
    mentions = judge(sql, catalogue=CATALOGUE, paramstyle="named").mentions
    assert all(KeyPredicate("orders.customer_id", "me") in predicates for _, predicates in mentions)
    assert len(mentions) == 3


@pytest.mark.parametrize(
    ("sql", "moves"),
    [
        ("UPDATE orders SET customer_id = :who WHERE id = :id", (("orders", "customer_id", "who"),)),
        ("UPDATE orders SET customer_id = :who + 1 WHERE id = :id", (("orders", "customer_id", None),)),
        ("UPDATE orders SET (note, customer_id) = (:a, :b)", (("orders", "customer_id", None),)),
        ("UPDATE items SET order_id = :o", (("items", "order_id", "o"),)),
        ("UPDATE orders SET id = 5", (("orders", "id", None),)),
        ("UPDATE orders SET note = :note", ()),
        (
            "INSERT INTO orders (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET customer_id = excluded.customer_id",
            (("orders", "customer_id", None),),
        ),
        ("INSERT INTO orders (id, customer_id) VALUES (:id, :who)", ()),
    ],
)
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_assignments_that_change_whose_a_row_is_are_told(dialect: str, sql: str, moves: object) -> None:
    assert judge(sql, dialect, catalogue=CATALOGUE, paramstyle="named").moves == moves


@pytest.mark.parametrize(
    "sql",
    [
        "REPLACE INTO orders (id, customer_id) VALUES (1, :me)",
        "UPDATE OR REPLACE orders SET id = 2 WHERE customer_id = :me",
    ],
)
def test_rows_in_the_way_are_reached_whatever_the_statement_says(sql: str) -> None:
    assert ("orders", ()) in judge(sql, catalogue=CATALOGUE, paramstyle="named").mentions


def test_what_a_declared_function_touches_is_not_bound_by_the_statement() -> None:
    score = {"score": frozenset({"customers.name"})}
    sql = "SELECT score(:me) FROM orders WHERE customer_id = :me"
    assert ("customers", ()) in judge(sql, catalogue=CATALOGUE, paramstyle="named", functions=score).mentions
