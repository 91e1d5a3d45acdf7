"""The personal records of GDPRbench: record `n` is a function of `n`."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

__all__ = ["EPOCH", "FIELDS", "METADATA", "OBJECTED", "PEOPLE", "PURPOSES", "data", "purpose", "record", "user"]

FIELDS: Final = ("key", "usr", "expires_at", "pur", "obj", "dec", "acl", "shr", "src", "cat", "data")
METADATA: Final = FIELDS[:-1]
PURPOSES: Final = 25
PEOPLE: Final = 10_000
OBJECTED: Final = "obj0"  # who objects to what their record is processed for
EPOCH: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - UTC in columns without a zone; when the first records were made

_LIFETIMES: Final = (30, *range(10_000, 24_001, 2_000), 1_000_000)  # seconds


def purpose(n: int) -> str:
    """What record `n` was collected for."""
    return f"purpose{n % PURPOSES}"


def user(n: int) -> str:
    """Whose record `n` is."""
    return f"user{n % PEOPLE}"


def lifetime(n: int) -> timedelta:
    """How long record `n` may be kept (TTL)."""
    return timedelta(seconds=_LIFETIMES[n % 10])


def record(n: int, made_at: datetime = EPOCH) -> dict[str, Any]:
    """Record `n`. Its TTL is stored as the moment when it is over."""
    return {
        "key": f"key{n}",
        "usr": user(n),
        "expires_at": made_at + lifetime(n),
        "pur": purpose(n),
        "obj": f"obj{n % 100}",
        "dec": f"dec{n % 2}",
        **{field: f"{field}{n % 10}" for field in ("acl", "shr", "src", "cat")},
        "data": data(f"{n}"),
    }


def data(seed: str) -> str:
    """100 letters that a text stands for."""
    return (sha256(seed.encode()).hexdigest() * 2)[:100]
