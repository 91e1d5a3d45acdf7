"""The holds in force, as a plan of destruction asks about them: which rows of a table have to stay, and for which case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, or_, select

from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.customers.holds.guarded import guarded_tables
from sa_privacy.customers.holds.matching import found_by, is_held, of_table
from sa_privacy.customers.holds.tables import HELD, TURN

__all__ = ["InForce"]


class InForce:
    """Those of one plan. They are read when it first asks, in one statement, however many tables it asks about; one that is placed
    later stops it all the same, by the triggers.
    """

    def __init__(self, live: LiveCatalogue) -> None:
        self._live = live
        self._rows: Sequence[Any] | None = None

    def cases(self, connection: Connection, table: Table) -> Mapping[str, ColumnElement[bool]]:
        """By case number, the condition for the rows of a table that must stay as they are.

        :param connection: of an open desk.
        """
        if self._rows is None:
            asked = select(HELD).where(HELD.c.kind != TURN).order_by(HELD.c.case_number, HELD.c.id)
            self._rows = connection.execute(asked).all()
        known = self._live.current().by_name.get(table.fullname)
        kind = known.subject.kind if known is not None and known.subject is not None else None
        rows = [
            row
            for row in self._rows
            if (row.person_kind == kind if row.kind == "subject" else row.table_name == table.fullname)
        ]
        guarded = guarded_tables(self._live).get(table.fullname) if rows else None
        if guarded is None:
            return {}
        found: dict[str, list[ColumnElement[bool]]] = {}
        for row in rows:
            if row.kind == "subject" and guarded.owned is None:
                continue
            if row.kind == "query":
                condition = found_by(guarded, row.condition, None)
            else:
                held = HELD.alias()
                condition = is_held(held, guarded, of_table, held.c.hold == row.hold)
            found.setdefault(row.case_number, []).append(condition)
        return {case: or_(*conditions) for case, conditions in found.items()}
