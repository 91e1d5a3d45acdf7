"""Numbers of accounts: each names one person for ever, and nobody whom a ledger knew before there was the account."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any, Final

from sqlalchemy import Connection, insert, select, union

from sa_privacy.staff.tables import ACCOUNTS, GRANTS, SIGNATURES

__all__ = ["ACTOR", "add_account"]

ACTOR: Final = "staff:"
"""How the names of actors with an account begin."""

_NAMING: Final = (GRANTS.c.actor, GRANTS.c.grantor, SIGNATURES.c.actor, ACCOUNTS.c.created_by)


def add_account(connection: Connection, row: Mapping[str, Any]) -> str:
    """Adds an account. The database gives the number, which is passed over where somebody was named so before: grants and
    signatures are for names, and a new account would be handed theirs.

    :param connection: of an open desk.
    :returns: the name of the actor.
    :raises IntegrityError: the login is taken.
    """
    named = set(connection.scalars(union(*(select(each) for each in _NAMING))))
    number: int | None = None
    while True:
        with connection.begin_nested() as savepoint:
            values = dict(row) if number is None else {**row, "id": number}
            key = connection.execute(insert(ACCOUNTS).values(**values)).inserted_primary_key
            given = int(key[0]) if key is not None else 0
            if (actor := f"{ACTOR}{given}") not in named:
                return actor
            savepoint.rollback()
        if connection.dialect.name == "sqlite":  # where a number that was given comes again after a rollback
            number = next(each for each in count(given + 1) if f"{ACTOR}{each}" not in named)
