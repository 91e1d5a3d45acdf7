"""Tables of `sa-privacy log` on a narrow terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from sa_privacy.cli.log.asking import new_table
from sa_privacy.cli.log.widths import fit

ROW = (
    "2026-11-26 07:49:01",
    "staff:17\nwarehouse",
    "maintenance “generated data for the example shop”",
    "1,000",
    "氏名",
)


def printed(width: int, *row: str) -> str:
    table = new_table("When", "Who", "What for", "Rows", "Which data", right=["Rows"], whole=["When"])
    table.add_row(*row)
    fit(table, width)
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    assert max(map(len, out.getvalue().splitlines())) <= width
    return out.getvalue()


@pytest.mark.parametrize("width", [72, 80, 100, 200])
def test_words_stay_whole_where_there_is_room_for_them(width: int) -> None:
    words = set(printed(width, *ROW).split())
    assert {word for cell in ROW for word in cell.split()} <= words


def test_the_longest_words_are_broken_where_there_is_not() -> None:
    said = printed(
        64, *ROW[:2], "a_purpose_that_has_a_very_long_name", "1,000", "住所、氏名、生年月日、電話番号、メールアドレス"
    )
    assert "warehouse" in said.split()
    assert "2026-11-26 07:49:01" in said
    assert "1,000" in said.split()


def test_no_width_is_too_little() -> None:
    assert printed(44, *ROW)
