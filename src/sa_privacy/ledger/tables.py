"""What tables of the library are made of."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

from sa_privacy.columns.own_tables import OWN_CATEGORY, OWN_TABLES, own_column
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.errors import PolicyError

__all__ = ["KEY_LENGTH", "OWN_CATEGORY", "OWN_TABLES", "Moment", "own_column", "sealed_text", "subject_key"]

KEY_LENGTH: Final = 200
"""The longest key of a person that a ledger takes, as text."""


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond: aware in Python, whatever the database keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise PolicyError("a moment needs its time zone.", hint="datetime.now(UTC).")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def sealed_text() -> Encrypted:
    """The type of a column for free words of people or about them: sealed with the application's keys."""
    return Encrypted(Text(), category=OWN_CATEGORY)


def subject_key(key: object) -> str:
    """A person's key as ledgers keep it, so that one ledger serves people with keys of any type.

    :raises PolicyError: it is no key: not an integer, text or UUID, empty, or too long.
    """
    if isinstance(key, bool) or not isinstance(key, (int, str, uuid.UUID)):
        raise PolicyError(
            f"a {type(key).__name__} is no key of a person.", hint="give the primary key of their row, or (kind, key)."
        )
    text = str(key)
    if not 0 < len(text) <= KEY_LENGTH:
        raise PolicyError(f"a key of a person has 1 to {KEY_LENGTH} characters.", hint="give the key of their row.")
    return text


def is_key(thing: Any) -> bool:
    """Whether something can be the key of a person."""
    return isinstance(thing, (int, str, uuid.UUID)) and not isinstance(thing, bool)
