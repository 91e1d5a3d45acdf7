"""Attempts to log in: counted in the database, so that all processes share the count, and further apart each time.

An attempt is counted before the password is looked at, and in a transaction of its own: neither many at once nor a
rollback gives anybody another one. Names that nobody has are counted like any other, so that the count tells nothing. A day
after the last failure it begins anew.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, case, delete, update
from sqlalchemy.dialects import postgresql, sqlite

from sa_privacy.staff.tables import ATTEMPTS

__all__ = ["delay_after", "forget", "may_try", "tidy"]

_AT_ONCE: Final = 5
_LONGEST: Final = timedelta(minutes=15)
_FORGOTTEN: Final = timedelta(days=1)
_STEPS: Final = 11  # until the delay is the longest


def delay_after(failures: int) -> timedelta:
    """How long nobody may try after so many failures in a row: nothing after four, then 1, 2, 4 ... seconds, and a
    quarter of an hour at most.
    """
    if failures < _AT_ONCE:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(failures - _AT_ONCE, _STEPS)), _LONGEST)


def may_try(connection: Connection, login: str, now: datetime) -> bool:
    """Counts an attempt as failed, unless it is too early for one. At the desk, in a transaction that is committed before
    the password is looked at.
    """
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    failures = case((ATTEMPTS.c.not_before < now - _FORGOTTEN, 1), else_=ATTEMPTS.c.failures + 1)
    later = {count: now + delay_after(count) for count in range(1, _AT_ONCE + _STEPS)}
    statement = insert(ATTEMPTS).values(login=login, failures=1, not_before=later[1])
    counted = statement.on_conflict_do_update(
        index_elements=[ATTEMPTS.c.login],
        set_={"failures": failures, "not_before": case(later, value=failures, else_=now + _LONGEST)},
        where=ATTEMPTS.c.not_before <= now,
    )
    return connection.execute(counted.returning(ATTEMPTS.c.failures)).first() is not None


def forget(connection: Connection, login: str, now: datetime) -> None:
    """Forgets the failures of a login. At the desk."""
    connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.login == login).values(failures=0, not_before=now))


def tidy(connection: Connection, now: datetime) -> int:
    """Removes what counts no more, as it is of more than a day ago. At the desk.

    :returns: how many names that was.
    """
    return connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.not_before < now - _FORGOTTEN)).rowcount
