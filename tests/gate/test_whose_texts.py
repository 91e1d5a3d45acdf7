"""Text that hides whose data it touches: the event names them all the same, or says that it cannot tell.

Each is run on the three customers of ``test_whose_property``: orders 1 and 2 are the first one's, 3 the second's, 4 the
third's, 5 nobody's; each order has the item of its number.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.gate.test_whose_property import EVERYTHING, World, _made

ALL = {1, 2, 3}
Case = tuple[str, dict[str, Any], set[int]]

UPSERT = "INSERT INTO orders (id, kind, customer_id, amount, status) VALUES (:id, 'order', :to, 9, 'x') "
COMMON: dict[str, Case] = {
    "an upsert over another's row": (UPSERT + "ON CONFLICT (id) DO UPDATE SET amount = 9", {"id": 1, "to": 2}, {1}),
    "and what it returns": (
        UPSERT + "ON CONFLICT (id) DO UPDATE SET amount = 9 RETURNING customer_id",
        {"id": 1, "to": 2},
        {1},
    ),
    "a set operation": (
        "SELECT c.id, c.name FROM customers c WHERE c.id = :a UNION SELECT d.id + 1, d.name FROM customers d",
        {"a": 1},
        ALL,
    ),
    "a subquery about others": (
        "SELECT c.id, (SELECT max(o.amount) FROM orders o WHERE o.customer_id >= c.id) FROM customers c WHERE c.id = :a",
        {"a": 1},
        ALL,
    ),
    "an outer join that keeps all": (
        "SELECT c.id, o.amount FROM orders o LEFT JOIN customers c ON o.customer_id = c.id AND c.id = :a",
        {"a": 1},
        ALL,
    ),
    "a WITH query twice": (
        "WITH w AS (SELECT id, name FROM customers) SELECT a.id, b.name FROM w a, w b WHERE a.id = :a",
        {"a": 1},
        ALL,
    ),
    "a key of its own making": ("SELECT t.id, t.name FROM (SELECT 1 AS id, name FROM customers) t", {}, ALL),
    "a window": (
        "SELECT t.id, t.m FROM (SELECT id, lead(name) OVER (ORDER BY id) AS m FROM customers) t WHERE t.id = :a",
        {"a": 1},
        {2},
    ),
    "no key after all": ("SELECT name FROM customers WHERE id = :a OR 1 = 1", {"a": 1}, ALL),
    "USING of another column": ("SELECT o.amount FROM customers c JOIN orders o USING (id) WHERE id = 2", {}, {1}),
    "a choice by others' rows": (
        "SELECT c.id, c.name FROM customers c WHERE c.id = :a AND EXISTS (SELECT 1 FROM orders o WHERE o.amount = 3)",
        {"a": 1},
        {1, 2},
    ),
    "rows of a condition": (
        "DELETE FROM items WHERE order_id NOT IN (SELECT id FROM orders WHERE customer_id = :a)",
        {"a": 1},
        {2, 3},
    ),
    "a row that changes hands": (
        "UPDATE items SET order_id = 1, product = 'y' WHERE order_id IN (SELECT id FROM orders WHERE customer_id = :a)",
        {"a": 2},
        {1, 2},
    ),
    "a cast that rounds": ("SELECT name FROM customers WHERE id = CAST(:a AS bigint)", {"a": 1.2}, {1}),
}
SQLITE: dict[str, Case] = {
    "a cast of a text": ("SELECT name FROM customers WHERE id = CAST(:a AS bigint)", {"a": "1abc"}, {1}),
    "a text with an exponent": ("SELECT name FROM customers WHERE id = :a", {"a": "0.1e1"}, {1}),
    "and another one": ("SELECT name FROM customers WHERE id = :a", {"a": " 10E-1 "}, {1}),
    "a replaced row": (
        "REPLACE INTO orders (id, kind, customer_id, amount, status) VALUES (1, 'order', :to, 3, 'x')",
        {"to": 2},
        {1, 2},
    ),
}
POSTGRESQL: dict[str, Case] = {
    "a cast that rounds up": ("SELECT name FROM customers WHERE id = CAST(:a AS bigint)", {"a": 0.6}, {1}),
    "LATERAL": (
        (
            "SELECT c.id, l.amount FROM customers c, LATERAL (SELECT amount FROM orders o WHERE o.customer_id > c.id) l "
            "WHERE c.id = :a"
        ),
        {"a": 1},
        {2, 3},
    ),
    "MERGE": (
        "MERGE INTO customers c USING (SELECT 1 AS id) s ON c.id <> s.id WHEN MATCHED THEN UPDATE SET name = 'm'",
        {},
        {2, 3},
    ),
    "a change in a WITH query": (
        "WITH d AS (UPDATE customers SET name = 'z' RETURNING id, name) SELECT id, name FROM d WHERE id = :a",
        {"a": 1},
        ALL,
    ),
    "one that shows nothing": ("WITH d AS (UPDATE customers SET name = 'z') SELECT 1 WHERE 1 = 0", {}, ALL),
    "one beside a change of nobody": (
        (
            "WITH d AS (DELETE FROM items WHERE order_id IN (SELECT id FROM orders WHERE customer_id = ANY(:a))) "
            "UPDATE customers SET name = 'z' WHERE id = :b"
        ),
        {"a": "{1,2}", "b": 99},
        {1, 2},
    ),
    "an array of arrays": ("SELECT name FROM customers WHERE id = ANY(:a)", {"a": [[1, 2], [3, 3]]}, ALL),
}


def check(world: World, name: str, case: Case) -> None:
    sql, parameters, people = case
    world.trail.forget()
    with world.privacy.access(**EVERYTHING), world.engine.connect() as connection:
        result = connection.execute(text(sql), parameters)
        if result.returns_rows:
            result.all()
        connection.rollback()
    told = world.trail.subjects
    assert told is None or world.whose(people) <= told, name


@pytest.mark.backends("sqlite", "postgresql")
def test_nobody_is_left_out(engine: Engine, make_engine: Callable[..., Engine], tmp_path: Path) -> None:
    world = _made(engine, make_engine(), tmp_path)
    cases = COMMON | (SQLITE if engine.dialect.name == "sqlite" else POSTGRESQL)
    for name, case in cases.items():
        check(world, name, case)
    world.privacy.close()


def test_a_change_that_hits_no_row_is_nobodys(
    engine: Engine, make_engine: Callable[..., Engine], tmp_path: Path
) -> None:
    world = _made(engine, make_engine(), tmp_path)
    check(world, "update", ("UPDATE customers SET name = 'z' WHERE name = 'nobody'", {}, set()))
    assert world.trail.subjects == set()
    check(world, "delete", ("DELETE FROM items WHERE product = 'nothing'", {}, set()))
    assert world.trail.subjects == set()
    world.privacy.close()
