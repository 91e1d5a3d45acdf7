"""Values to plaintexts and back, one fixed encoding for each Python type (docs/spec/cell.md, "Encodings of values").

A column has one codec, so nothing is dispatched while rows are read. ``encode`` is strict: what would not come back
equal and of the same type is refused. Instances of a subclass are taken if they equal their plain counterpart, and come
back plain, as they would from any database column. Errors name types, never values.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

import msgspec

from sa_privacy.crypto import moments
from sa_privacy.crypto.moments import Unrepresentable

__all__ = ["JSON", "Codec", "TypeCodec", "Unrepresentable", "WrongType", "codec_for"]

_INT_BYTES = 8
_JSON_DEPTH = 200
_MICROSECOND = timedelta(microseconds=1)


class WrongType(TypeError):
    """The value's type is not the column's. The message names both types and nothing else."""


class Codec(Protocol):
    """Turns values of one type into plaintexts and back. Never sees None: NULL is not sealed."""

    def encode(self, value: Any, /) -> bytes:
        """The plaintext. Raises TypeError or ValueError, without the value, if it would not come back the same."""

    def decode(self, plaintext: bytes, /) -> Any:
        """The value. May raise anything on a foreign plaintext; call it through ``FieldCipher.opener``."""


@dataclass(frozen=True, slots=True)
class TypeCodec:
    """A codec made of two functions.

    :param name: the encoding's name in docs/spec/cell.md.
    """

    name: str
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


def codec_for(python_type: type) -> Codec:
    """The codec for values of a type; dict and list have :data:`JSON`.

    :raises TypeError: there is none; names the type.
    """
    try:
        return _CODECS[python_type]
    except (KeyError, TypeError):
        pass
    known = ", ".join(kind.__name__ for kind in _CODECS)
    raise TypeError(
        f"no codec for {getattr(python_type, '__name__', type(python_type).__name__)}; there is one for {known}"
    )


def _wrong(expected: str, value: object) -> WrongType:
    return WrongType(f"expected {expected}, got {type(value).__name__}")


def _same(plain: Any, value: Any) -> Any:
    """The plain counterpart of a subclass's instance, if the two are equal."""
    if not plain == value:  # not !=: a subclass may define __eq__ alone
        raise Unrepresentable(f"a {type(value).__name__} that does not equal its plain {type(plain).__name__}")
    return plain


def _encode_str(value: Any) -> bytes:
    if not isinstance(value, str):
        raise _wrong("str", value)
    try:
        return str.encode(value)
    except UnicodeEncodeError:
        pass
    raise Unrepresentable("a str with a lone surrogate is not Unicode text")


def _encode_bytes(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    if isinstance(value, bytes):
        return bytes(_same(bytes(value), value))
    raise _wrong("bytes", value)


def _encode_bool(value: Any) -> bytes:
    if type(value) is not bool:
        raise _wrong("bool", value)
    return b"\x01" if value else b"\x00"


def _decode_bool(plaintext: bytes) -> bool:
    return _BOOLS[plaintext]


def _encode_int(value: Any) -> bytes:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong("int", value)
    bits = int.bit_length(value if value >= 0 else ~value)  # without the sign
    return int.to_bytes(value, max(_INT_BYTES, bits // 8 + 1), "big", signed=True)


def _decode_int(plaintext: bytes) -> int:
    if len(plaintext) < _INT_BYTES:
        raise ValueError("an int has at least 8 bytes")
    return int.from_bytes(plaintext, "big", signed=True)


def _encode_float(value: Any) -> bytes:
    if not isinstance(value, float):
        raise _wrong("float", value)
    return _BINARY64.pack(value)


def _decode_float(plaintext: bytes) -> float:
    number: float = _BINARY64.unpack(plaintext)[0]
    return number


def _encode_decimal(value: Any) -> bytes:
    if not isinstance(value, Decimal):
        raise _wrong("Decimal", value)
    # str() follows the context's `capitals`, and nothing else of the context.
    return Decimal.__str__(value).replace("e", "E").encode("ascii")


def _decode_decimal(plaintext: bytes) -> Decimal:
    return Decimal(str(plaintext, "ascii"))


def _encode_date(value: Any) -> bytes:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise _wrong("date", value)
    plain = value if type(value) is date else _same(date(value.year, value.month, value.day), value)
    return moments.date_text(plain)


def _encode_time(value: Any) -> bytes:
    if not isinstance(value, time):
        raise _wrong("time", value)
    return moments.time_text(value if type(value) is time else _same(moments.plain_time(value), value))


def _encode_datetime(value: Any) -> bytes:
    if not isinstance(value, datetime):
        raise _wrong("datetime", value)
    return moments.datetime_text(value if type(value) is datetime else _same(moments.plain_datetime(value), value))


def _encode_timedelta(value: Any) -> bytes:
    if not isinstance(value, timedelta):
        raise _wrong("timedelta", value)
    if type(value) is not timedelta:
        value = _same(timedelta(value.days, value.seconds, value.microseconds), value)
    return _encode_int(value // _MICROSECOND)


def _decode_timedelta(plaintext: bytes) -> timedelta:
    # Seconds first: microseconds alone would pass through a float where they are many.
    seconds, microseconds = divmod(_decode_int(plaintext), 1_000_000)
    return timedelta(seconds=seconds, microseconds=microseconds)


def _encode_uuid(value: Any) -> bytes:
    if not isinstance(value, UUID):
        raise _wrong("UUID", value)
    return value.bytes


def _decode_uuid(plaintext: bytes) -> UUID:
    return UUID(bytes=plaintext)


def _encode_json(value: Any) -> bytes:
    _check_json(value)
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except ValueError:
        pass
    raise Unrepresentable("JSON with NaN, an infinity, a lone surrogate, or an integer of thousands of digits")


def _check_json(value: Any) -> None:
    """Refuses what json.dumps would silently turn into something else. Level by level, so that depth is bounded."""
    level = [value]
    for _ in range(_JSON_DEPTH + 1):
        deeper: list[Any] = []
        for item in level:
            if item is None or isinstance(item, (str, int, float)):
                continue
            if isinstance(item, dict):
                for key in item:
                    if not isinstance(key, str):
                        raise WrongType(f"keys of JSON objects are str, not {type(key).__name__}")
                deeper.extend(item.values())
            elif isinstance(item, list):
                deeper.extend(item)
            else:
                raise _wrong("JSON (dict, list, str, int, float, bool, None)", item)
        if not deeper:
            return
        level = list({id(item): item for item in deeper}.values())  # a cycle must not double at each level
    raise Unrepresentable(f"JSON nested more than {_JSON_DEPTH} deep")


_BINARY64 = struct.Struct(">d")
_BOOLS = {b"\x00": False, b"\x01": True}

JSON: Codec = TypeCodec("JSON", _encode_json, msgspec.json.Decoder().decode)
"""JSON values: dict with str keys, list, str, int of any size, finite float, bool, None; at most 200 deep."""

_CODECS: dict[type, Codec] = {
    str: TypeCodec("str", _encode_str, bytes.decode),
    bytes: TypeCodec("bytes", _encode_bytes, bytes),
    bool: TypeCodec("bool", _encode_bool, _decode_bool),
    int: TypeCodec("int", _encode_int, _decode_int),
    float: TypeCodec("float", _encode_float, _decode_float),
    Decimal: TypeCodec("Decimal", _encode_decimal, _decode_decimal),
    date: TypeCodec("date", _encode_date, moments.read_date),
    time: TypeCodec("time", _encode_time, moments.read_time),
    datetime: TypeCodec("datetime", _encode_datetime, moments.read_datetime),
    timedelta: TypeCodec("timedelta", _encode_timedelta, _decode_timedelta),
    UUID: TypeCodec("UUID", _encode_uuid, _decode_uuid),
    dict: JSON,
    list: JSON,
}
