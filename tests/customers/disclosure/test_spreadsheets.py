"""What is opened in a spreadsheet is text, and can be had back as it was."""

from __future__ import annotations

import datetime
import enum
import uuid
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sa_privacy.customers.disclosure.document import safe_in_a_spreadsheet


@given(st.text())
@example("=1+1")
@example(" \u3000=1+1")
@example("\t=1+1")
@example("＝1+1")
@example("+81-90-1")
@example("@SUM(A1)")
@example("'")
def test_no_text_is_taken_for_a_formula(text: str) -> None:
    safe = safe_in_a_spreadsheet(text)
    assert not safe.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    assert safe[:1] not in {"\t", "\r", "\n"}
    assert safe in {text, f"'{text}"}


class Size(enum.Enum):
    SMALL = "=small"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (-5, "-5"),
        (-1.5, "-1.5"),
        (Decimal("-1.50"), "-1.50"),
        (Decimal("-Infinity"), "'-Infinity"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"\x00\xff", "AP8="),
        (Size.SMALL, "'=small"),
        (["=a", "い"], '["=a", "い"]'),
        ({"a": 1}, '{"a": 1}'),
        (1j, "1j"),
    ],
)
def test_values_of_all_types_have_a_text(value: object, text: str) -> None:
    assert safe_in_a_spreadsheet(value) == text
