"""Pseudonyms: one person, one name in the log, whatever type the key came in, and none to be guessed."""

# ruff: noqa: DTZ001 - naive values are among those to be kept

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_privacy.crypto import Keyring
from sa_privacy.crypto.pseudonym import canonical

RING = Keyring.generate()
OF = RING.pseudonym_key().of
ONE = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
NEW_YORK = ZoneInfo("America/New_York")
JST = timezone(timedelta(hours=9))

SAME: list[list[Any]] = [
    [42, "42", Decimal(42), Decimal("42.00"), Decimal("4.2E+1"), 42.0, (42,), ("42",)],
    [0, "0", False, Decimal("-0"), -0.0],
    [1.5, Decimal("1.50"), "1.5"],
    [1000, Decimal("1E+3"), Decimal("1000.0"), 1e3, "1000"],
    [Decimal("1E-7"), Decimal("0.00000010"), "0.0000001"],
    [Decimal("1E+400"), 10**400, "1" + "0" * 400],
    [ONE, str(ONE), str(ONE).upper(), ONE.hex, ONE.hex.upper(), ONE.bytes, memoryview(ONE.bytes)],
    [datetime(2026, 1, 1, 9, tzinfo=JST), datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00.000000+00:00"],
    [
        datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK),
        datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=1),
        "2026-11-01T05:30:00.000000+00:00",
    ],
    [date(2026, 1, 1), "2026-01-01"],
    [("a", 1), ("a", "1")],
]
APART: list[Any] = [
    42, 43, "042", "42 ", -42, "a", "A", "", " ", b"42", ("4", "2"), ("42", ""), ("", "42"), ("a", "b"), "ab",
    ("ab", ""), ONE,
    UUID(int=1), 1.5, Decimal("1.51"), date(2026, 1, 1), datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC),
    10**300, "{0}",
]  # fmt: skip


def fresh(key: object) -> str:
    """The pseudonym, worked out and not remembered."""
    return RING.pseudonym_key().of_kind("customer").__wrapped__(key)  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("keys", SAME, ids=lambda keys: type(keys[0]).__name__)
def test_a_key_has_one_pseudonym_whatever_type_it_came_in(keys: list[Any]) -> None:
    assert len({OF("customer", key) for key in keys}) == 1
    assert len({fresh(key) for key in keys}) == 1


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_the_zone_of_the_machine_makes_no_difference(zone: str) -> None:
    """In a process of its own: a zone is the process's."""
    code = (
        "import datetime as d; from sa_privacy.crypto.pseudonym import canonical; "
        "print(canonical(d.datetime(2026, 1, 1, 9, tzinfo=d.timezone(d.timedelta(hours=9)))), "
        "canonical(d.datetime(2026, 1, 1, 9)))"
    )
    env = {**os.environ, "TZ": zone, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["2026-01-01T00:00:00.000000+00:00", "2026-01-01T09:00:00.000000"]


def test_different_keys_and_kinds_have_different_pseudonyms() -> None:
    assert len({OF("customer", key) for key in APART}) == len(APART)
    assert OF("customer", 1) != OF("staff", 1)
    assert OF("customer", ("a", "b")) != OF("customera", "b")


@given(key=st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans())
def test_numbers_that_are_equal_have_the_same_text(key: Any) -> None:
    assert canonical(key) == canonical(Decimal(key))


@given(key=st.text() | st.integers() | st.binary() | st.uuids() | st.dates() | st.tuples(st.text(), st.integers()))
def test_what_is_remembered_is_what_is_worked_out(key: Any) -> None:
    assert OF("customer", key) == OF("customer", key) == fresh(key)
    assert re.fullmatch(r"[a-z2-7]{26}", fresh(key))


def test_rotation_keeps_pseudonyms_and_another_ring_has_others() -> None:
    ring = Keyring.generate()
    handed_out = ring.pseudonym_key()
    before = handed_out.of("customer", 7)
    ring.rotate()
    assert ring.pseudonym_key().of("customer", 7) == handed_out.of("customer", 7) == before
    assert Keyring.generate().pseudonym_key().of("customer", 7) != before


@pytest.mark.parametrize(
    "key", [None, object(), [1], {"a": 1}, 1j, ((1, 2), 3), (None,)], ids=lambda key: type(key).__name__
)
def test_what_is_no_key_is_refused_by_its_type(key: Any) -> None:
    with pytest.raises(TypeError) as caught:
        OF("customer", key)
    assert type(key).__name__ in str(caught.value) or type(key) is tuple
    assert "at 0x" not in str(caught.value)


@pytest.mark.parametrize("key", [float("nan"), float("inf"), Decimal("-Infinity"), Decimal("1E+401"), ()])
def test_what_has_no_text_is_refused(key: Any) -> None:
    with pytest.raises(ValueError, match="subject's key"):
        OF("customer", key)


def test_only_so_many_are_remembered() -> None:
    pseudonyms = Keyring.generate().pseudonym_key()
    for key in range(17_000):
        pseudonyms.of("customer", key)
    assert pseudonyms.of_kind("customer").cache_info().currsize == 16_384  # type: ignore[attr-defined]


def test_threads_get_the_same_pseudonyms() -> None:
    pseudonyms = Keyring.generate().pseudonym_key()
    with ThreadPoolExecutor(8) as pool:
        rounds = list(pool.map(lambda _: [pseudonyms.of("customer", key) for key in range(300)], range(16)))
    assert all(one == rounds[0] for one in rounds)
    assert len(set(rounds[0])) == 300
