"""Silence, held still: where it means yes, whoever goes by it and whoever breaks it do not pass each other.

A row can be locked, and who has said nothing has none. On PostgreSQL a lock without a row stands in: one of 64 for each
matter, by the person, so that however many people are asked for, few locks are taken. On SQLite one writes at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from zlib import crc32

from sqlalchemy import Connection, func, select

from sa_privacy.customers.consent.matters import Matter
from sa_privacy.ledger import Person

__all__ = ["break_silence", "keep_silence"]

_LOCKS: Final = 64


def keep_silence(connection: Connection, matter: Matter, people: Iterable[Person]) -> None:
    """Until the transaction ends, none of these people says a first word of a matter: who would waits."""
    _lock(connection, func.pg_advisory_xact_lock_shared, matter, people)


def break_silence(connection: Connection, matter: Matter, person: Person) -> None:
    """Waits for everybody who goes by a person's silence."""
    _lock(connection, func.pg_advisory_xact_lock, matter, [person])


def _lock(connection: Connection, take: Any, matter: Matter, people: Iterable[Person]) -> None:
    if matter.consent != "opt_out" or connection.dialect.name != "postgresql":
        return
    first = crc32(f"sa_privacy {matter.what}".encode()) - 2**31  # PostgreSQL's integers have a sign
    locks = sorted({crc32(f"{person.kind} {person.text}".encode()) % _LOCKS for person in people})
    if locks:
        connection.execute(select(*(take(first, lock).label(None) for lock in locks)))
