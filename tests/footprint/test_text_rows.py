"""What a footprint says of rows: whose they are (key predicates), what stands in each result column, what is inserted."""

from __future__ import annotations

import pytest

from sa_privacy.footprint import KeyPredicate
from tests.footprint.shop import Nobody, judge


def pins(sql: str, dialect: str = "sqlite", **options: object) -> list[tuple[str, ...]]:
    """The mentions, as ``("orders", "customer_id=0")``; ``in`` marks a list."""
    return sorted(
        (
            name,
            *(f"{p.column.rpartition('.')[2]}{' in ' if p.many else '='}{p.bind}" for p in predicates),
        )
        for name, predicates in judge(sql, dialect, **options).mentions
    )


PINNED = [
    ("SELECT * FROM customers", [("customers",)]),
    ("SELECT * FROM customers WHERE id = ?", [("customers", "id=0")]),
    ("SELECT * FROM customers WHERE ? = id", [("customers", "id=0")]),
    ("SELECT * FROM customers c WHERE (c.id) = (?)", [("customers", "id=0")]),
    ("SELECT * FROM customers WHERE tier = ? AND (id = ? AND name = ?)", [("customers", "id=1", "name=2", "tier=0")]),
    ("SELECT * FROM customers WHERE id = ? OR tier = ?", [("customers",)]),
    ("SELECT * FROM customers WHERE NOT id = ?", [("customers",)]),
    ("SELECT * FROM customers WHERE id = ? + 1", [("customers",)]),
    ("SELECT * FROM customers WHERE id = ? BETWEEN 0 AND 5", [("customers",)]),
    ("SELECT * FROM customers WHERE id = ? COLLATE nocase", [("customers",)]),
    ("SELECT * FROM customers WHERE id > ?", [("customers",)]),
    ("SELECT * FROM customers WHERE id = 5", [("customers",)]),
    ("SELECT * FROM customers WHERE id IN (?)", [("customers", "id=0")]),
    ("SELECT * FROM customers WHERE id IN (?, ?)", [("customers",)]),
    ("SELECT * FROM customers WHERE id NOT IN (?)", [("customers",)]),
    (
        "SELECT * FROM customers WHERE id IN (__[POSTCOMPILE_id_1]) AND tier = ?",
        [("customers", "id in id_1", "tier=1")],
    ),
    ("SELECT * FROM customers WHERE id = __[POSTCOMPILE_id_1]", [("customers",)]),
    ("SELECT * FROM customers WHERE tier = ?5 AND id = ?", [("customers", "id=5", "tier=4")]),
    ("SELECT * FROM customers WHERE id = :who", [("customers", "id=who")]),
    (
        "SELECT * FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.id = ?",
        [("customers", "id=0"), ("orders", "customer_id=0")],
    ),
    (
        "SELECT * FROM customers c JOIN orders o ON o.customer_id = c.id AND c.id = ?",
        [("customers", "id=0"), ("orders", "customer_id=0")],
    ),
    (
        "SELECT * FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE c.id = ?",
        [("customers", "id=0"), ("orders", "customer_id=0")],
    ),
    (
        "SELECT * FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.customer_id = ?",
        [("customers",), ("orders", "customer_id=0")],
    ),
    (
        "SELECT * FROM customers c LEFT JOIN orders o ON c.id = ?",
        [("customers",), ("orders",)],
    ),
    (
        "SELECT * FROM customers c FULL JOIN orders o ON o.customer_id = c.id AND c.id = ?",
        [("customers",), ("orders",)],
    ),
    (
        "SELECT * FROM orders o RIGHT JOIN customers c ON o.customer_id = c.id WHERE c.id = ?",
        [("customers", "id=0"), ("orders", "customer_id=0")],
    ),
    (
        "SELECT * FROM orders a JOIN orders b ON a.customer_id = b.customer_id WHERE a.customer_id = ?",
        [("orders", "customer_id=0"), ("orders", "customer_id=0")],
    ),
    (
        "SELECT * FROM orders a JOIN orders b ON a.id = b.id WHERE a.customer_id = ?",
        [("orders",), ("orders", "customer_id=0")],
    ),
    (
        "SELECT * FROM visits v JOIN orders o USING (customer_id) WHERE v.customer_id = ?",
        [("orders", "customer_id=0"), ("visits", "customer_id=0")],
    ),
    (
        "SELECT (SELECT count(*) FROM orders o WHERE o.customer_id = c.id) FROM customers c WHERE c.id = ?",
        [("customers", "id=0"), ("orders", "customer_id=0")],
    ),
    (
        "SELECT * FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = ?)",
        [("customers",), ("orders", "customer_id=0")],
    ),
    (
        "SELECT * FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE c.id = ?)",
        [("customers",), ("orders",)],
    ),
    (
        "SELECT * FROM (SELECT id AS i FROM customers WHERE id = ?) a JOIN orders o ON o.customer_id = a.i",
        [("customers", "id=0"), ("orders", "customer_id=0")],
    ),
    (
        "SELECT * FROM (SELECT id AS i FROM customers) a JOIN orders o ON o.customer_id = a.i WHERE a.i = ?",
        [("customers",), ("orders", "customer_id=0")],
    ),
    (
        "SELECT * FROM customers WHERE id = ? UNION ALL SELECT * FROM customers",
        [("customers",), ("customers", "id=0")],
    ),
    ("UPDATE orders SET note = ? WHERE customer_id = ?", [("orders", "customer_id=1")]),
    ("DELETE FROM orders WHERE customer_id = ?", [("orders", "customer_id=0")]),
    ("INSERT INTO orders (note) VALUES (?)", []),
    ("INSERT INTO orders (id, note) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET note = ?", [("orders",)]),
    ("SELECT * FROM products WHERE id = ?", []),
    ("WITH x AS (SELECT * FROM orders WHERE customer_id = ?) SELECT * FROM x", [("orders", "customer_id=0")]),
    ("SELECT phone FROM contacts WHERE id = ?", [("crm.contacts", "id=0")]),
]


@pytest.mark.parametrize(("sql", "mentions"), PINNED)
def test_a_mention_is_pinned_only_by_what_holds_for_all_its_rows(sql: str, mentions: list[tuple[str, ...]]) -> None:
    assert pins(sql) == mentions


def test_a_cast_that_keeps_the_value_pins_and_one_that_cuts_it_does_not() -> None:
    assert pins("SELECT * FROM customers WHERE id = %(x)s::INTEGER", "postgresql") == [("customers", "id=x")]
    assert pins("SELECT * FROM customers WHERE id = $2::UUID", "postgresql", paramstyle="numeric_dollar") == [
        ("customers", "id=1")
    ]
    assert pins("SELECT * FROM customers WHERE id = %(x)s::VARCHAR(3)", "postgresql") == [("customers",)]
    assert pins("SELECT * FROM customers WHERE id = CAST(%s AS date)", "postgresql") == [("customers",)]


def test_a_list_parameter_of_postgresql_pins_as_a_list() -> None:
    assert pins("SELECT * FROM customers WHERE id = ANY (%(ids)s)", "postgresql") == [("customers", "id in ids")]


def test_a_predicate_names_the_column_as_the_catalogue_spells_it() -> None:
    footprint = judge("SELECT FULLNAME FROM GUESTS WHERE FULLNAME = ?")
    assert footprint.mentions == (("Guests", (KeyPredicate("Guests.FullName", 0),)),)


@pytest.mark.parametrize(
    ("sql", "outputs"),
    [
        ("SELECT id, email, tier, 1 FROM customers", ("customers.id", "customers.email", "customers.tier", None)),
        ("SELECT lower(email), customer_id FROM customers, visits", (None, "visits.customer_id")),
        (
            "SELECT * FROM customers",
            tuple(f"customers.{n}" for n in ["id", "name", "email", "phone", "birthday", "segment", "tier"]),
        ),
        ("SELECT p.id, c.id AS x FROM products p, customers c", (None, "customers.id")),
        ("SELECT x FROM (SELECT id AS x FROM customers) t", ("customers.id",)),
        ("SELECT (SELECT id FROM customers LIMIT 1) FROM products", ("customers.id",)),
        ("SELECT id FROM customers UNION ALL SELECT id FROM customers", ("customers.id",)),
        ("SELECT id FROM customers UNION ALL SELECT customer_id FROM orders", (None,)),
        ("SELECT * FROM customers JOIN orders USING (id)", ()),
        ("INSERT INTO customers (name) VALUES (?) RETURNING id, name", ("customers.id", "customers.name")),
        ("UPDATE customers SET name = ?", ()),
        ("EXPLAIN SELECT id FROM customers", ()),
        ("SELECT id FROM customers; SELECT 1", ("customers.id",)),
        ("SELECT id FROM customers; SELECT id FROM orders", ()),
        ("SELECT rowid FROM customers", (None,)),
    ],
)
def test_outputs_name_the_column_that_stands_bare_in_each_place(sql: str, outputs: tuple[str | None, ...]) -> None:
    assert judge(sql).outputs == outputs


def test_the_positions_behind_a_star_are_not_guessed() -> None:
    assert judge("SELECT * FROM customers", relations=Nobody()).outputs == ()


@pytest.mark.parametrize(
    ("sql", "inserts"),
    [
        ("INSERT INTO customers (id, name) VALUES (?, ?)", [{"id": 0, "name": 1}]),
        ("INSERT INTO customers (id, name) VALUES (?, ?), (?, ?)", [{"id": 0, "name": 1}, {"id": 2, "name": 3}]),
        ("INSERT INTO customers (id, name) VALUES (?, 'x'), (?, ?)", [{"id": 0}, {"id": 1}]),
        ("INSERT INTO customers (id, name) VALUES (?, lower(?)), (?, ?)", [{"id": 0}, {"id": 2, "name": 3}]),
        ("INSERT INTO customers (id) VALUES (5)", [{}]),
        (
            "INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?)",
            [dict(zip(["id", "name", "email", "phone", "birthday", "segment", "tier"], range(7), strict=True))],
        ),
        ("INSERT INTO customers (id) SELECT id FROM products", [{}]),
        ("INSERT INTO customers DEFAULT VALUES", [{}]),
        ("INSERT INTO products (id) VALUES (?)", []),
    ],
)
def test_inserted_rows_tell_the_binds_of_their_columns(sql: str, inserts: list[dict[str, int]]) -> None:
    assert [dict(binds) for _, binds in judge(sql).inserts] == inserts


def test_the_rows_of_a_batch_of_sqlalchemy_keep_their_binds() -> None:
    batch = (
        "INSERT INTO orders (customer_id, note) SELECT p0::INTEGER, p1::VARCHAR FROM (VALUES (%(c__0)s, %(n__0)s, 0), "
        "(%(c__1)s, %(n__1)s, 1)) AS imp_sen(p0, p1, sen_counter) ORDER BY sen_counter RETURNING orders.id"
    )
    found = [dict(binds) for _, binds in judge(batch, "postgresql").inserts]
    assert found == [{"customer_id": "c__0", "note": "n__0"}, {"customer_id": "c__1", "note": "n__1"}]


def test_a_thousand_rows_are_read_like_one() -> None:
    many = judge("INSERT INTO customers (id, name) VALUES " + ", ".join(["(?, ?)"] * 1000))
    assert len(many.inserts) == 1000
    assert many.writes == judge("INSERT INTO customers (id, name) VALUES (?, ?)").writes


LEFT_NULL = [
    ("INSERT INTO customers (name, email) VALUES (?, ?)", {0: None, 1: None}, {"name", "email"}),
    ("INSERT INTO customers (name, email) VALUES (?, ?)", {0: None, 1: "x"}, {"name"}),
    ("INSERT INTO customers (name) VALUES (?), (?)", {0: None, 1: "x"}, set()),
    ("INSERT INTO customers (name) VALUES (?), ('x')", {0: None}, set()),
    ("INSERT INTO customers (id, name) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET name = 'x'", {0: None}, set()),
    ("INSERT INTO customers (name) VALUES (?); UPDATE customers SET name = 'x'", {0: None}, set()),
    ("UPDATE customers SET name = ?", {0: None}, set()),
    ("REPLACE INTO customers (name) VALUES (?)", {0: None}, set()),
]


@pytest.mark.parametrize(("sql", "values", "null"), LEFT_NULL)
def test_a_column_is_left_null_only_if_every_row_leaves_it_so(
    sql: str, values: dict[str | int, object], null: set[str]
) -> None:
    assert judge(sql).left_null([values]) == {f"customers.{name}" for name in null}
