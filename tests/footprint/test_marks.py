"""A mark limits the mention that it is of, where it holds for every row of it, and nothing else."""

from __future__ import annotations

import pytest

from sa_privacy.errors import UnreadableStatement
from sa_privacy.footprint import Declarations, Footprint, Marks, footprint_of_text
from sa_privacy.footprint.lexer import Dialect
from tests.footprint.models import CATALOGUE, Shop

CONDITION = "(customers.id = 1 OR customers.birthday IS NULL)"


def judged(written: str, dialect: Dialect = "sqlite", marks: Marks | None = None) -> Footprint:
    """The footprint of a statement with the condition in every place of `{}`, and its mark around it."""
    marks = marks or Marks()
    parts = written.split("{}")
    sql = parts[0]
    for part in parts[1:]:
        sql += marks.around(CONDITION, f"customers.{marks.new('customers')}") + part
    if len(parts) > 1:
        assert marks.without(sql) == written.replace("{}", CONDITION)
    return footprint_of_text(
        sql,
        dialect=dialect,
        paramstyle="qmark",
        catalogue=CATALOGUE,
        relations=Shop(),
        declarations=Declarations(),
        marks=marks,
    )


LIMITED = [
    "SELECT customers.email FROM customers WHERE {}",
    "SELECT customers.email FROM customers WHERE (customers.name = ? OR 1 = 1) AND {}",
    "SELECT customers.email FROM customers WHERE {} GROUP BY customers.email ORDER BY 1",
    "SELECT o.id, customers.email FROM orders o LEFT OUTER JOIN customers ON (o.customer_id = customers.id) AND {}",
    "SELECT customers.id FROM customers WHERE {} UNION SELECT customers.id FROM customers WHERE {}",
    "WITH found AS (SELECT customers.id FROM customers WHERE {}) SELECT found.id FROM found",
    "UPDATE customers SET name = ? WHERE (customers.id = ?) AND {}",
    "DELETE FROM customers WHERE {}",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM customers WHERE (1 = 1) AND {} AND {})",
]
OPEN = [
    "SELECT customers.email FROM customers WHERE {} OR 1 = 1",
    "SELECT customers.email FROM customers WHERE 1 = 1 OR {}",
    "SELECT customers.email FROM customers WHERE (1 = 1) OR (1 = 1) AND {}",
    "SELECT customers.email FROM customers WHERE 1 BETWEEN (0) AND {}",
    "SELECT customers.email FROM customers WHERE (1) BETWEEN (0) AND {}",
    "SELECT customers.email FROM customers WHERE NOT {}",
    "SELECT customers.email FROM customers WHERE {} IS NULL",
    "SELECT customers.email FROM customers WHERE ({} OR 1 = 1)",
    "SELECT customers.email FROM customers WHERE coalesce({}, 1)",
    "SELECT customers.email, {} FROM customers",
    "SELECT customers.email FROM customers GROUP BY customers.email HAVING {}",
    "SELECT customers.email FROM customers WHERE EXISTS (SELECT 1 WHERE {})",
    "SELECT c.email FROM customers c WHERE EXISTS (SELECT 1 FROM customers WHERE {})",
    "SELECT customers.email FROM customers JOIN customers c ON c.id = customers.id WHERE {}",
    "SELECT customers.email, o.id FROM customers LEFT JOIN orders o ON (o.id = 1) AND {}",
    "SELECT customers.email, o.id FROM customers FULL JOIN orders o ON (o.id = 1) AND {}",
    "SELECT customers.id FROM customers WHERE {} UNION SELECT customers.id FROM customers",
    "WITH found AS (SELECT customers.id FROM customers WHERE {}) SELECT customers.email FROM customers, found",
    "SELECT (SELECT max(email) FROM customers) FROM customers WHERE {}",
    "SELECT 1 FROM customers, (SELECT 1 AS id, 2 AS birthday) AS customers WHERE {}",
]


@pytest.mark.parametrize("written", LIMITED)
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_every_mention_with_a_mark_of_its_own_is_limited(written: str, dialect: Dialect) -> None:
    found = judged(written, dialect)
    assert found.limited == {"customers"}
    assert not any("birthday" in name for name in found.reads | found.matches), (
        "what a condition asks counts for nobody"
    )


@pytest.mark.parametrize("written", OPEN)
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_what_need_not_hold_for_every_row_of_every_mention_limits_nothing(written: str, dialect: Dialect) -> None:
    assert judged(written, dialect).limited == frozenset()


@pytest.mark.parametrize("text", ["1 = 1 --", "1 = 1 /*", "'", '"'])
def test_text_that_swallows_a_mark_leaves_none(text: str) -> None:
    try:
        found = judged(f"SELECT customers.email FROM customers WHERE ({text}) AND {{}}\n ORDER BY 1")
    except UnreadableStatement:
        return
    assert found.limited == frozenset()


def test_nobody_else_can_write_a_mark() -> None:
    marks, others = Marks(), Marks()
    forged = others.around("(1 = 1)", f"customers.{others.new('customers')}")
    assert judged(f"SELECT customers.email FROM customers WHERE {forged}", marks=marks).limited == frozenset()
    guess = "SELECT customers.email FROM customers WHERE customers.m_0"
    assert judged(guess, marks=marks).limited == frozenset()


@pytest.mark.parametrize("name", ['"c*/ OR 1 = 1 /*"', '"/*"', '"*/"'])
def test_a_name_that_would_end_the_comment_has_no_mark(name: str) -> None:
    """Some statements are sent with their marks: what ends the comment would be SQL that nobody has judged."""
    marks = Marks()
    assert marks.around(CONDITION, f"{name}.{marks.new('customers')}") == CONDITION


@pytest.mark.parametrize("name", ['customers"', "customers --", "customers, customers", "(customers)", "1", ""])
def test_a_mark_that_holds_more_than_a_name_is_torn(name: str) -> None:
    marks = Marks()
    written = marks.around(CONDITION, f"{name}.{marks.new('customers')}")
    more = marks.around(CONDITION, f"customers.{marks.new('customers')}")
    with pytest.raises(UnreadableStatement):
        judged(f'SELECT customers.email FROM customers WHERE {written} AND {more}\n ORDER BY "id"', marks=marks)


def test_parameters_keep_their_places() -> None:
    marks = Marks()
    asked = marks.around("(customers.tier = ?)", f"customers.{marks.new('customers')}")
    found = judged(f"UPDATE customers SET name = ? WHERE {asked} AND customers.id = ?", marks=marks)
    assert found.limited == frozenset(), "its own conditions come first, in brackets"
    found = judged(
        f"SELECT customers.email FROM customers LEFT JOIN orders ON {asked} WHERE orders.id = ?", marks=marks
    )
    assert [pin.bind for _, pins in found.mentions for pin in pins] == [1]
