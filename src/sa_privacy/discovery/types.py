"""What the type of a column says about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    Interval,
    LargeBinary,
    Numeric,
    PickleType,
    String,
    Time,
)
from sqlalchemy.dialects.postgresql import ARRAY, CIDR, INET, MACADDR
from sqlalchemy.types import Integer, TypeDecorator, TypeEngine, Uuid

from sa_privacy.discovery.evidence import Evidence
from sa_privacy.discovery.kinds import KINDS

__all__ = ["family", "judge_type"]

#: Types that are made for one kind: SQLAlchemy's own for PostgreSQL, and those of SQLAlchemy-Utils, by their name.
_MADE_FOR: Final = {
    "INET": "ip_address",
    "CIDR": "ip_address",
    "MACADDR": "online_id",
    "EmailType": "email",
    "PhoneNumberType": "phone",
    "PasswordType": "credential",
    "IPAddressType": "ip_address",
    "CountryType": "address",
}
_FAMILIES: Final[tuple[tuple[tuple[type, ...], str], ...]] = (
    ((Boolean,), "boolean"),
    ((Enum,), "enum"),
    ((INET, CIDR, MACADDR), "inet"),
    ((JSON, ARRAY), "json"),
    ((DateTime,), "datetime"),
    ((Date,), "date"),
    ((Time, Interval), "time"),
    ((Uuid,), "uuid"),
    ((LargeBinary, PickleType), "binary"),
    ((Integer,), "integer"),
    ((Numeric,), "number"),
    ((String,), "text"),
)
_UNFIT: Final = {"boolean": -45, "time": -40, "date": -30, "datetime": -30, "enum": -18, "uuid": -18, "binary": -18}
_OTHERWISE: Final = -24


def family(kind: TypeEngine[Any]) -> str:
    """The family of a type: ``text``, ``date``, ``boolean``, ...; ``other`` where it is none that is known."""
    if isinstance(kind, PickleType):
        return "binary"
    if isinstance(kind, Interval):
        return "time"
    while isinstance(kind, TypeDecorator):
        inner = kind.impl_instance if hasattr(kind, "impl_instance") else kind.impl
        if not isinstance(inner, TypeEngine) or inner is kind:
            break
        kind = inner
    return next((name for types, name in _FAMILIES if isinstance(kind, types)), "other")


def judge_type(column: Column[Any], kinds: set[str]) -> Iterator[Evidence]:
    """What speaks for a kind, and for each of `kinds` what speaks against it."""
    name = type(column.type).__name__
    made_for = _MADE_FOR.get(name)
    if made_for is not None:
        yield Evidence(made_for, 30, "type_made_for", (name,))
        if made_for in kinds:
            return
    if column.foreign_keys:
        yield Evidence(None, -45, "foreign_key")
    what = family(column.type)
    if column.primary_key and what != "text":
        yield Evidence(None, -30, "primary_key")
    for kind in sorted(kinds - {made_for}):
        fitting = KINDS[kind].families
        if what in ("text", "other") or what in fitting:
            if kind == "birthday" and what in ("date", "datetime"):
                yield Evidence(kind, 6, "type_fits", (what,))
            continue
        yield Evidence(kind, _UNFIT.get(what, _OTHERWISE), "type_unfit", (what,))
