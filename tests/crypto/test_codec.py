"""Encodings: every value comes back equal and of the same type, or is refused without being shown."""

# ruff: noqa: DTZ001, DTZ901 - naive values are among those to be kept

from __future__ import annotations

import io
import math
import shutil
import struct
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal, localcontext
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import TZPATH, ZoneInfo, reset_tzpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_privacy.crypto import JSON, codec_for

ZONES = st.one_of(
    st.timezones(),
    st.just(UTC),
    st.integers(-86_399, 86_399).map(lambda seconds: timezone(timedelta(seconds=seconds))),
)
FOLD = st.sampled_from([0, 1])
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)
VALUES = st.one_of(
    TEXT,
    st.binary(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**200), 2**200),
    st.floats(),
    st.decimals(),
    st.dates(),
    st.timedeltas(),
    st.uuids(),
    st.builds(lambda value, zone, fold: value.replace(tzinfo=zone, fold=fold), st.times(), st.none() | ZONES, FOLD),
    st.builds(lambda value, zone, fold: value.replace(tzinfo=zone, fold=fold), st.datetimes(), st.none() | ZONES, FOLD),
)


def same(one: Any, other: Any) -> bool:
    """Equal, of the same type, and alike in what == does not look at."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Decimal):
        return bool(one.as_tuple() == other.as_tuple())
    if isinstance(one, float):
        return struct.pack(">d", one) == struct.pack(">d", other)
    if isinstance(one, (datetime, time)):
        zones = (one.tzinfo, other.tzinfo)
        alike = zones[0] is zones[1] if isinstance(zones[0], ZoneInfo) else zones[0] == zones[1]
        return bool(one == other and one.fold == other.fold and alike and one.isoformat() == other.isoformat())
    if isinstance(one, dict):
        return bool(list(one) == list(other) and all(same(one[key], other[key]) for key in one))
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@pytest.fixture
def zone_path() -> Iterator[None]:
    yield
    reset_tzpath()


def back(value: Any, codec: Any = None) -> Any:
    codec = codec or codec_for(type(value))
    return codec.decode(codec.encode(value))


@given(value=VALUES)
def test_every_value_comes_back_equal_and_of_the_same_type(value: Any) -> None:
    assert same(back(value), value)


@given(value=JSON_VALUES)
def test_every_json_value_comes_back_equal_and_of_the_same_types_all_the_way_down(value: Any) -> None:
    assert same(back(value, JSON), value)


@pytest.mark.parametrize(
    "value",
    [
        "", "\x00", "\U0010ffff", b"", 0, -1, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**4000, math.nan, -math.nan,
        math.inf,
        -math.inf, -0.0, 5e-324, Decimal(0), Decimal("-0.00"), Decimal("0E+5"), Decimal("1E-999999"),
        Decimal("NaN123"),
        Decimal("-sNaN"), Decimal("Infinity"), date.min, date.max, datetime.min, datetime.max, time.min, time.max,
        timedelta.min, timedelta.max, timedelta(microseconds=-1), timedelta(days=999_999_999, microseconds=1),
        UUID(int=0),
        datetime(2026, 3, 29, 1, 30, tzinfo=ZoneInfo("Europe/London"), fold=1),
        datetime(1, 1, 1, tzinfo=ZoneInfo("UTC")),
        datetime.max.replace(tzinfo=ZoneInfo("Pacific/Kiritimati")), time(0, tzinfo=timezone(timedelta(seconds=-1))),
        {}, [], {"": [[], {}]}, [1, 1.0, True, -0.0, 1e22, 10**400, "\x7f\u2028"], {"a": {"b": None}},
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_the_outermost_values_come_back(value: Any) -> None:
    assert same(back(value), value)


def test_a_datetime_keeps_the_kind_of_its_zone() -> None:
    assert back(datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC"))).tzinfo is ZoneInfo("UTC")
    assert back(datetime(2026, 1, 1, tzinfo=UTC)).tzinfo is UTC
    assert back(datetime(2026, 1, 1)).tzinfo is None


@pytest.mark.skipif(sys.platform == "win32", reason="zone files are found through TZPATH, which Windows does not have")
@pytest.mark.usefixtures("zone_path")
def test_a_zone_without_a_usable_name_is_kept_as_its_offset(tmp_path: Path) -> None:
    path = next(Path(root) / "Asia/Tokyo" for root in TZPATH if (Path(root) / "Asia/Tokyo").exists())
    shutil.copy(path, tmp_path / "a zone]")
    reset_tzpath([tmp_path, *TZPATH])  # undone by the fixture
    for key in (None, "No/Such_Zone", "a zone]"):
        zone = ZoneInfo.from_file(io.BytesIO(path.read_bytes()), key=key)
        moment = back(datetime(2026, 1, 1, tzinfo=zone))
        assert moment == datetime(2026, 1, 1, tzinfo=zone)
        assert moment.tzinfo == timezone(timedelta(hours=9))
        with pytest.raises(ValueError, match="no offset without a date"):
            codec_for(time).encode(time(9, tzinfo=zone))


def test_a_zone_that_gives_no_offset_is_refused() -> None:
    class Nowhere(tzinfo):
        def utcoffset(self, moment: datetime | None, /) -> timedelta | None:
            return None

        dst = utcoffset

        def tzname(self, moment: datetime | None, /) -> str | None:
            return None

    with pytest.raises(ValueError, match="no offset"):
        codec_for(datetime).encode(datetime(2026, 1, 1, tzinfo=Nowhere()))


@pytest.mark.parametrize("value", [time(0), datetime(2026, 1, 1)], ids=["time", "datetime"])
def test_an_offset_with_a_fraction_of_a_second_is_refused_as_python_would_read_it_wrong(value: Any) -> None:
    with pytest.raises(ValueError, match="fraction"):
        codec_for(type(value)).encode(value.replace(tzinfo=timezone(timedelta(microseconds=500_000))))


def test_decimals_do_not_depend_on_the_context() -> None:
    value = Decimal("1.234567890123456789E-20")
    plain = codec_for(Decimal).encode(value)
    with localcontext() as context:
        context.prec, context.capitals = 3, 0
        assert codec_for(Decimal).encode(value) == plain
        assert same(codec_for(Decimal).decode(plain), value)


@given(value=st.integers(-(2**63), 2**63 - 1))
def test_every_ordinary_int_is_as_long_as_any_other(value: int) -> None:
    assert len(codec_for(int).encode(value)) == 8


REFUSED: list[tuple[type, Any]] = [
    (str, b"x"), (str, 1), (bytes, "x"), (bytes, bytearray(b"x")), (bool, 1), (bool, 0.0), (int, True), (int, 1.0),
    (int, "1"), (float, 1), (float, Decimal(1)), (float, True), (Decimal, 1), (Decimal, 1.0),
    (date, datetime(2026, 1, 1)),
    (date, "2026-01-01"), (datetime, date(2026, 1, 1)), (datetime, "2026-01-01"), (time, datetime(2026, 1, 1)),
    (timedelta, 1.0), (UUID, "0" * 32), (UUID, bytes(16)), (dict, {1: "x"}), (dict, {"a": (1, 2)}), (dict, {"a": b"x"}),
    (dict, [{None: 1}]), (list, {1, 2}), (list, [Decimal(1)]), (list, [datetime(2026, 1, 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value"), REFUSED, ids=lambda part: getattr(part, "__name__", type(part).__name__))
def test_a_value_of_another_type_is_refused_by_type_and_not_shown(kind: type, value: Any) -> None:
    with pytest.raises(TypeError) as caught:
        codec_for(kind).encode(value)
    assert repr(value) not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("value", [[math.nan], {"a": -math.inf}, ["\ud800"], {"\udfff": 1}, [10**5000]])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON") as caught:
        JSON.encode(value)
    assert caught.value.__context__ is None


def test_json_is_refused_where_it_is_too_deep_or_goes_in_circles() -> None:
    deep: Any = None
    for _ in range(200):
        deep = [deep]
    assert back(deep, JSON) == deep
    circle: list[Any] = []
    circle += [circle, circle, {"again": circle}]
    for value in ([deep], circle):
        with pytest.raises(ValueError, match="200 deep"):
            JSON.encode(value)


def test_a_megabyte_of_json_comes_back() -> None:
    value = [{"名前": "山田 太郎", "n": number, "x": number / 7} for number in range(20_000)]
    assert len(JSON.encode(value)) > 1_000_000
    assert same(back(value, JSON), value)


def test_a_lone_surrogate_is_refused_and_not_shown() -> None:
    with pytest.raises(ValueError, match="lone surrogate") as caught:
        codec_for(str).encode("hanako\ud800")
    assert caught.value.__context__ is None
    assert "hanako" not in str(caught.value)


def test_instances_of_subclasses_come_back_plain_if_they_equal_their_plain_counterpart() -> None:
    class Tier(StrEnum):
        GOLD = "gold"

    class Level(IntEnum):
        TWO = 2

    class Moment(datetime):
        pass

    class Stricter(datetime):
        def __eq__(self, other: object) -> bool:
            return type(other) is Stricter

        __hash__ = datetime.__hash__

    assert same(codec_for(str).decode(codec_for(str).encode(Tier.GOLD)), "gold")
    assert same(codec_for(int).decode(codec_for(int).encode(Level.TWO)), 2)
    moment = codec_for(datetime).decode(codec_for(datetime).encode(Moment(2026, 1, 1, tzinfo=UTC)))
    assert same(moment, datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="does not equal"):
        codec_for(datetime).encode(Stricter(2026, 1, 1))
    assert same(JSON.decode(JSON.encode([Tier.GOLD, Level.TWO])), ["gold", 2])


@pytest.mark.parametrize("kind", [object, complex, tuple, set, type(None)])
def test_a_type_without_a_codec_is_refused_by_name(kind: type) -> None:
    with pytest.raises(TypeError, match=f"no codec for {kind.__name__}"):
        codec_for(kind)


@pytest.mark.parametrize(
    ("kind", "plaintext"),
    [
        (str, b"\xff"), (bool, b""), (bool, b"\x02"), (int, b""), (int, b"1234567"), (float, b"1"), (Decimal, b"one"),
        (date, b"20260101"), (date, b"2026-W01-1x"), (datetime, b"2026-01-01"),
        (datetime, b"2026-01-01T00:00:00.000000[]"),
        (datetime, b"2026-01-01T00:00:00.000000[No/Where]"), (time, b"09:00"), (time, b"09:00:00.000000[_fold=2]"),
        (UUID, b"x"),
        (timedelta, b""), (timedelta, b"\x7f" * 12), (dict, b"{"), (dict, b""),
    ],
)  # fmt: skip
def test_a_plaintext_in_another_encoding_is_an_error_and_never_a_value(kind: type, plaintext: bytes) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - any will do: FieldCipher.opener turns it into CellRejected
        codec_for(kind).decode(plaintext)
