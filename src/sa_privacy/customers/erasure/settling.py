"""What the ledger of erasures knows and a database does not: after a restore, or after a process was killed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from sqlalchemy import Connection, Engine, inspect, select

from sa_privacy.customers.destruction.rows import in_batches
from sa_privacy.customers.erasure.entries import ErasureLedger, LedgerEntry, State
from sa_privacy.customers.erasure.tables import ERASURES
from sa_privacy.errors import ErasureRefused, PolicyError
from sa_privacy.ledger import Desk

__all__ = ["known_records", "settle", "standing", "unheard_of", "wait_for_all", "wait_for_none"]

_GIVEN_UP: Final[tuple[State, ...]] = ("undone",)
_LOCK: Final = int.from_bytes(b"erasures", "big")


def wait_for_none(connection: Connection) -> None:
    """An erasure is under way until the transaction ends, beside others."""
    _advisory(connection, "pg_advisory_xact_lock_shared")


def wait_for_all(connection: Connection) -> None:
    """Waits until no erasure is under way, and lets none begin until the transaction ends.

    On SQLite there is one writer at a time anyway: be it, with :meth:`Desk.whole`.
    """
    _advisory(connection, "pg_advisory_xact_lock")


def _advisory(connection: Connection, function: str) -> None:
    if connection.dialect.name == "postgresql":
        cursor = connection.connection.cursor()  # touches no table, so the gate has nothing to say
        try:
            cursor.execute(f"SELECT {function}({_LOCK})")
        finally:
            cursor.close()


def known_records(connection: Connection, records: Iterable[str]) -> set[str]:
    """Those of the records that the database has.

    :param connection: of an open desk.
    """
    found: set[str] = set()
    for some in in_batches(records):
        found.update(connection.scalars(select(ERASURES.c.record).where(ERASURES.c.record.in_(some))))
    return found


def standing(
    desk: Desk, ledger: ErasureLedger, engine: Engine, but: Collection[State] = _GIVEN_UP
) -> tuple[LedgerEntry, ...]:
    """The entries of which the database has no record, oldest first. Erasures that are under way are waited for.

    :param but: entries that ended so are left out.
    """
    entries = ledger.entries(but=but)
    with engine.connect() as connection:
        _must_have_table(connection)
        with connection.begin(), desk.whole(connection), desk.open(connection):
            wait_for_all(connection)
            known = known_records(connection, entries)
    return tuple(sorted((one for record, one in entries.items() if record not in known), key=lambda one: one.at))


def unheard_of(desk: Desk, ledger: ErasureLedger, engine: Engine) -> tuple[int, int]:
    """How many erasures the database knows and the ledger does not, and how many both know."""
    entries = ledger.entries().keys()
    with engine.connect() as connection, desk.open(connection, reading=True):
        known = set(connection.scalars(select(ERASURES.c.record)))
    return len(known - entries), len(known & entries)


def settle(desk: Desk, ledger: ErasureLedger, engine: Engine) -> Mapping[str, State]:
    """Ends the entries that have begun and not ended.

    :raises ErasureRefused: the database was restored from before: what it does not know says nothing.
    """
    settled: dict[str, State] = {}
    with engine.connect() as connection:
        _must_have_table(connection)
        with connection.begin(), desk.whole(connection), desk.open(connection):
            wait_for_all(connection)
            entries = ledger.entries()
            known = known_records(connection, entries)
            missing = sum(one.state == "done" and record not in known for record, one in entries.items())
            if missing:
                raise ErasureRefused(
                    f"the database does not know {missing} erasures that were carried out: a backup was restored.",
                    hint="sa-privacy restore replay, or privacy.erasure.replay(engine), first.",
                )
            for record, one in entries.items():
                if one.state != "done" and record in known:
                    ledger.end(record, "done")
                    settled[record] = "done"
                elif one.state == "begun":
                    ledger.end(record, "undone")
                    settled[record] = "undone"
    return settled


def _must_have_table(connection: Connection) -> None:
    """In a transaction of its own, which is over afterwards."""
    there = inspect(connection).has_table(ERASURES.name)
    connection.rollback()
    if not there:
        raise PolicyError(
            f"the database has no table {ERASURES.name}: it is of an older version.",
            hint="sa-privacy tables upgrade, then again.",
        )
