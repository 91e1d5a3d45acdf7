"""The library's own records of what was given away and received: they are kept as long as they say, and no longer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, func, inspect, select

from sa_privacy.customers.disclosure.tables import PROVIDED, PROVISIONS, RECEIPTS, RECEIVED
from sa_privacy.customers.retention.plan import Due
from sa_privacy.ledger import PASSES, let_past

__all__ = ["RECORDS", "Records"]


@dataclass(frozen=True)
class Records:
    """One kind of record.

    :param table: with a row for each.
    :param people: with a row for each person in it.
    :param part: the column there that names the record.
    """

    table: Table
    people: Table
    part: Any
    title: dict[str, str]

    @property
    def name(self) -> str:
        """Of the table: what a schedule's name is for the policy's."""
        return str(self.table.name)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that rows are removed from."""
        return (self.name, str(self.people.name), str(PASSES.name))

    def are_there(self, connection: Connection) -> bool:
        """Whether the database has the tables."""
        there = inspect(connection)
        return all(there.has_table(name) for name in self.tables)

    def count(self, connection: Connection, now: datetime) -> Due:
        """What is past its time."""
        asked = select(func.count(), func.min(self.table.c.keep_until)).where(self.table.c.keep_until <= now)
        over, since = connection.execute(asked).one()
        return Due(self.name, self.title, self.name, "delete", "keep_until", "-", now, since, over, over, 0)

    def end(self, connection: Connection, now: datetime, limit: int) -> int:
        """Removes some of it.

        :returns: how many records went.
        """
        ids = connection.execute(
            select(self.table.c.id).where(self.table.c.keep_until <= now).order_by(self.table.c.id).limit(limit)
        ).scalars()
        going = list(ids)
        if going:
            with let_past(connection, "retention"):
                connection.execute(delete(self.people).where(self.part.in_(going)))
                connection.execute(delete(self.table).where(self.table.c.id.in_(going)))
        return len(going)


RECORDS: Final = (
    Records(PROVISIONS, PROVIDED, PROVIDED.c.provision, {"en": "Records of provision", "ja": "提供の記録"}),
    Records(RECEIPTS, RECEIVED, RECEIVED.c.receipt, {"en": "Records of receipt", "ja": "受領の記録"}),
)
