"""Dates and times as text of fixed width with their zone (docs/spec/cell.md, "Zone"; RFC 9557, PEP 495)."""

from __future__ import annotations

import re
from datetime import date, datetime, time, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

__all__ = [
    "Unrepresentable",
    "date_text",
    "datetime_text",
    "plain_datetime",
    "plain_time",
    "read_date",
    "read_datetime",
    "read_time",
    "time_text",
]

_DATE_LENGTH = 10
_TIME_LENGTH = 15
_DATETIME_LENGTH = 26
_ZONES = 256
_ZONE_NAME = re.compile(r"[A-Za-z0-9._+/-]+")
_SUFFIX = re.compile(r"(?:\[([A-Za-z0-9._+/-]+)\])?(\[_fold=1\])?")


class Unrepresentable(ValueError):
    """A value of the right type that would not come back the same. The message says why, without the value."""


def plain_datetime(value: datetime) -> datetime:
    """The same moment as a datetime of the base class."""
    return datetime(
        value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, value.tzinfo,
        fold=value.fold,
    )  # fmt: skip


def plain_time(value: time) -> time:
    """The same time of day as a time of the base class."""
    return time(value.hour, value.minute, value.second, value.microsecond, value.tzinfo, fold=value.fold)


def date_text(value: date) -> bytes:
    """``YYYY-MM-DD``."""
    return value.isoformat().encode("ascii")


def read_date(plaintext: bytes) -> date:
    """The date of ``YYYY-MM-DD``."""
    if len(plaintext) != _DATE_LENGTH:
        raise ValueError("a date has 10 characters")
    return date.fromisoformat(str(plaintext, "ascii"))


def datetime_text(value: datetime) -> bytes:
    """``YYYY-MM-DDTHH:MM:SS.ffffff`` and the zone.

    :raises Unrepresentable: the zone has no offset at this moment, or one with a fraction of a second.
    """
    text = value.isoformat(timespec="microseconds")  # with the offset, if there is one
    if value.tzinfo is not None:
        if len(text) == _DATETIME_LENGTH:
            raise Unrepresentable("a datetime whose zone gives no offset")
        _check_offset(text[_DATETIME_LENGTH:])
    return _with_suffix(text, value.tzinfo, value.fold)


def time_text(value: time) -> bytes:
    """``HH:MM:SS.ffffff`` and the zone.

    :raises Unrepresentable: the zone has no known name, and no offset in whole seconds without a date.
    """
    text = value.isoformat(timespec="microseconds")
    if value.tzinfo is not None:
        if len(text) == _TIME_LENGTH and _name(value.tzinfo) is None:
            raise Unrepresentable("a time whose zone gives no offset without a date")
        _check_offset(text[_TIME_LENGTH:])
    return _with_suffix(text, value.tzinfo, value.fold)


def read_datetime(plaintext: bytes) -> datetime:
    """The datetime of :func:`datetime_text`; a named zone is a ``ZoneInfo``, an offset a ``timezone``."""
    text = str(plaintext, "ascii")
    if len(text) < _DATETIME_LENGTH:
        raise ValueError("a datetime has at least 26 characters")
    if text[-1] != "]":
        return datetime.fromisoformat(text)
    moment, _, suffix = text.partition("[")
    zone, fold = _zone(suffix)
    if zone is None:
        return datetime.fromisoformat(moment).replace(fold=fold)
    return datetime.fromisoformat(moment[:_DATETIME_LENGTH]).replace(tzinfo=zone, fold=fold)


def read_time(plaintext: bytes) -> time:
    """The time of day of :func:`time_text`; a named zone is a ``ZoneInfo``, an offset a ``timezone``."""
    text = str(plaintext, "ascii")
    if len(text) < _TIME_LENGTH:
        raise ValueError("a time has at least 15 characters")
    if text[-1] != "]":
        return time.fromisoformat(text)
    moment, _, suffix = text.partition("[")
    zone, fold = _zone(suffix)
    if zone is None:
        return time.fromisoformat(moment).replace(fold=fold)
    return time.fromisoformat(moment[:_TIME_LENGTH]).replace(tzinfo=zone, fold=fold)


@lru_cache(maxsize=_ZONES)
def _zone(suffix: str) -> tuple[ZoneInfo | None, int]:
    """The zone and the fold of what follows the first bracket."""
    match = _SUFFIX.fullmatch("[" + suffix)
    if match is None:
        raise ValueError("the zone cannot be read")
    name, fold = match.groups()
    return (None if name is None else ZoneInfo(name)), (1 if fold else 0)


def _check_offset(offset: str) -> None:
    # CPython's fromisoformat reads +00:00:00.5 as UTC.
    if "." in offset:
        raise Unrepresentable("a zone whose offset has a fraction of a second")


def _with_suffix(text: str, zone: tzinfo | None, fold: int) -> bytes:
    name = None if zone is None else _name(zone)
    if name is not None:
        text += f"[{name}]"
    if fold:
        text += "[_fold=1]"
    return text.encode("ascii")


def _name(zone: tzinfo) -> str | None:
    """The IANA name of a zone that ``ZoneInfo(name)`` will find again."""
    return _known_name(zone.key) if isinstance(zone, ZoneInfo) else None


@lru_cache(maxsize=_ZONES)
def _known_name(key: str | None) -> str | None:
    if key is None or not _ZONE_NAME.fullmatch(key):  # None: the zone was made from a file
        return None
    try:
        ZoneInfo(key)
    except (LookupError, ValueError, OSError):
        return None
    return key
