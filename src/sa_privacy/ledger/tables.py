"""What tables of the library are made of."""

from __future__ import annotations

import uuid
from typing import Any, Final

from sqlalchemy import Text

from sa_privacy.columns.moment import Moment
from sa_privacy.columns.own_tables import OWN_CATEGORY, OWN_TABLES, own_column
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.errors import PolicyError

__all__ = ["KEY_LENGTH", "OWN_CATEGORY", "OWN_TABLES", "Moment", "own_column", "sealed_text", "subject_key"]

KEY_LENGTH: Final = 200
"""The longest key of a person that a ledger takes, as text."""


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
