"""Each check against values that pass and that do not; check digits against what a one-digit mistake makes of them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_privacy.discovery.checks import CHECKS, is_corporate_number, is_my_number, luhn

BY_NAME = {one.name: one for one in CHECKS}
GOOD = {
    "email": ["a@example.org", "first.last+tag@mail.example.co.jp"],
    "email_inside": ["please write to a@example.org, thank you"],
    "phone": [
        "03-1234-5678",
        "090-1234-5678",
        "09012345678",
        "+81 3 1234 5678",
        "(212) 555-0123",
        "０３-１２３４-５６７８",
    ],
    "postal": ["〒100-0001", "100-0001", "SW1A 1AA", "K1A 0B1", "12345-6789", "1012 AB"],
    "card": ["4111 1111 1111 1111", "378282246310005", "3530111333300000"],
    "my_number": ["1234 5678 9018"],
    "corporate_number": ["7000012050002"],
    "iban": ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"],
    "birthday": ["1980-02-29", "1999/12/31", "2001年2月3日", "1950-01-01 00:00:00"],
    "name_ja": ["山田 花子", "佐藤太郎", "タナカ ハナコ", "さとう　はなこ"],
    "ip": ["192.0.2.1", "2001:db8::1", "10.0.0.0/8"],
    "address": ["東京都千代田区千代田1-1", "1 Example Street", "12 rue de Rivoli 3", "Hauptstraße 5"],
}
BAD = {
    "email": ["a@b", "@example.org", "user at example.org", "a@example.org b"],
    "email_inside": ["a@example.org", "please write to us, all of you"],
    "phone": ["1700000000", "12-34", "2026-11-26", "0000000000", "03-1234-567890123"],
    "postal": ["1234567", "2026-11-26", "ab"],
    "card": ["4111 1111 1111 1112", "1234567812345670", "411111111111"],
    "my_number": ["123456789012", "12345678901", "7000012050002"],
    "corporate_number": ["7000012050003", "4901234567894"],
    "iban": ["DE89370400440532013001", "XX"],
    "birthday": ["1700-01-01", "1980-02-30", f"{date.today().year}-01-01", "1980-01-01 10:20:30", "1970-01-01"],  # noqa: DTZ011
    "name_ja": ["書籍", "山田花子はとても長い名前です", "Yamada"],
    "ip": ["1.2.3", "999.1.1.1", "12:30"],
    "address": ["東京", "red", "2026-11-26"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_passes(name: str, value: str) -> None:
    assert BY_NAME[name].passes(value)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_does_not_pass(name: str, value: str) -> None:
    assert not BY_NAME[name].passes(value)


def test_every_check_is_tried() -> None:
    assert GOOD.keys() == BAD.keys() == BY_NAME.keys()


@given(st.text("0123456789", min_size=11, max_size=11))
def test_one_check_digit_fits_a_my_number(digits: str) -> None:
    assert sum(is_my_number(digits + str(last)) for last in range(10)) == 1


@given(st.text("0123456789", min_size=12, max_size=12))
def test_one_check_digit_fits_a_corporate_number(digits: str) -> None:
    assert sum(is_corporate_number(f"{first}{digits}") for first in range(10)) == 1


@given(st.text("0123456789", min_size=15, max_size=15))
def test_one_check_digit_fits_a_card(digits: str) -> None:
    assert sum(luhn(digits + str(last)) for last in range(10)) == 1
