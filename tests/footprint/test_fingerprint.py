"""A fingerprint names the shape of a statement, whatever the values in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_privacy.footprint import fingerprint, without_literals

SAME = [
    ("SELECT 1", "select   2"),
    ("SELECT 'a'", "SELECT 'it''s'"),
    ("SELECT a FROM t WHERE b = 5", "SELECT a FROM t WHERE b = ?"),
    ("SELECT a FROM t WHERE b = 5", "SELECT a FROM t WHERE b = %(b_1)s"),
    ("SELECT a FROM t WHERE b = %(b_1)s::VARCHAR", "SELECT a FROM t WHERE b = $7::VARCHAR"),
    ("SELECT a FROM t WHERE b = $1::INTEGER", "SELECT a FROM t WHERE b = 4"),
    ("SELECT a FROM t WHERE b IN (1, 2, 3)", "SELECT a FROM t WHERE b IN (?)"),
    ("SELECT a FROM t WHERE b IN (1, 2, 3)", "SELECT a FROM t WHERE b IN (__[POSTCOMPILE_b_1])"),
    ("INSERT INTO t (a, b) VALUES (1, 2)", "INSERT INTO t (a, b) VALUES (?, ?), (?, ?), (?, ?)"),
    ("SELECT a -- secret\nFROM t", "SELECT a /* other */ FROM t"),
    ("SELECT $$a$$", "SELECT $x$ b $x$"),
    ("SELECT 1.5e3, x'00', -7", "SELECT 0x10, 'b', -8"),
]
OTHER = [
    ("SELECT a FROM t", "SELECT b FROM t"),
    ("SELECT a FROM t", 'SELECT "A" FROM t'),
    ("SELECT a1 FROM t", "SELECT a2 FROM t"),
    ("SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b = c"),
    ("SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b > 1"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_values_do_not_change_a_fingerprint(one: str, other: str) -> None:
    assert fingerprint(one, "postgresql") == fingerprint(other, "postgresql")


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_names_and_operators_change_a_fingerprint(one: str, other: str) -> None:
    assert fingerprint(one, "sqlite") != fingerprint(other, "sqlite")


def test_the_same_text_on_another_database_has_another_fingerprint() -> None:
    assert fingerprint("SELECT 1", "sqlite") != fingerprint("SELECT 1", "postgresql")


def test_a_fingerprint_is_short_and_says_how_it_was_made() -> None:
    found = fingerprint("SELECT 1", "sqlite")
    assert found.startswith("sha256:")
    assert len(found) == len("sha256:") + 16


@given(st.text(max_size=80))
def test_no_text_is_too_odd_for_a_fingerprint(text: str) -> None:
    assert fingerprint(text, "sqlite") == fingerprint(text, "sqlite")


@given(st.text(max_size=30), st.integers(), st.text(max_size=30))
def test_no_literal_can_be_told_from_a_fingerprint(one: str, number: int, other: str) -> None:
    def statement(text: str, value: int) -> str:
        return f"SELECT a FROM t WHERE b = '{text.replace(chr(39), chr(39) * 2)}' AND c = {abs(value)}"

    assert fingerprint(statement(one, number), "sqlite") == fingerprint(statement(other, 1), "sqlite")


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("SELECT a FROM t WHERE b = 'x''y' AND c = 12.5", "SELECT a FROM t WHERE b = ? AND c = ?"),
        ("SELECT 1 -- Ann\n, E'a\\'b'", "SELECT ?  \n, ?"),
        ("SELECT $$Ann$$, $q$Bo$q$, $1, ?1", "SELECT ?, ?, $1, ?1"),
        ("VALUES (:a, %(b)s, ?, %s, @d)", "VALUES (:a, %(b)s, ?, %s, @d)"),
        ('SELECT t2.c1 FROM "T 1" LIMIT 3', 'SELECT t2.c1 FROM "T 1" LIMIT ?'),
        ("SELECT 'never ends, Ann", "SELECT ?"),
        ("/* Ann */ SELECT X'00ff', U&'d'", "  SELECT ?, ?"),
    ],
)
def test_literals_and_comments_are_taken_out_and_the_rest_stays(sql: str, shown: str) -> None:
    assert without_literals(sql) == shown
