"""The database refused a statement because a hold keeps its rows: which table, and for which case."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sa_privacy.access.desk import at_desk
from sa_privacy.columns.own_tables import HOLD_MARK
from sa_privacy.errors import UnderHold
from sa_privacy.gate.scrub import names_in_error

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine import ExceptionContext

    from sa_privacy.access import AccessScopes
    from sa_privacy.columns.catalogue import Catalogue

__all__ = ["Kept", "kept_by_hold"]


_SQLITE: Final = re.compile(r"sa_privacy: a hold keeps rows of (.+)")
_CASES: Final = "SELECT DISTINCT case_number FROM sa_privacy_held WHERE {} ORDER BY 1"


@dataclass(frozen=True)
class Kept:
    """What a hold keeps.

    :param cases: the numbers of the cases that it may be for; SQLite's triggers cannot say which of them.
    """

    table: str
    cases: tuple[str, ...]

    def error(self) -> UnderHold:
        """What the application is told."""
        of = f"case {' or '.join(self.cases)}" if self.cases else "a case"
        error = UnderHold(
            f"the hold of {of} keeps rows of {self.table}.",
            hint="nothing was changed. Who placed the hold can release it: sa-privacy hold list",
        )
        error.case = self.cases[0] if len(self.cases) == 1 else ", ".join(self.cases) or None
        return error

    @property
    def denials(self) -> list[str]:
        """What the log is told."""
        return [f"hold {case}" for case in self.cases] or ["hold"]


def kept_by_hold(context: ExceptionContext, catalogue: Catalogue, scopes: AccessScopes) -> Kept | None:
    """Whether it was a hold that refused a statement. Asked before the error's words are taken out of it."""
    error: Any = context.original_exception
    names = names_in_error(error)
    constraint = names.get("constraint_name", "")
    if constraint.startswith(HOLD_MARK):
        return Kept(names.get("table_name", "a table"), (constraint.removeprefix(HOLD_MARK),))
    said = _SQLITE.fullmatch(str(error.args[0])) if error.args else None
    if said is None:
        return None
    table = said[1]
    _, kind = catalogue.holders.get(table, ("", ""))
    scope = scopes.get()
    if context.connection is None or scope is None or not scope.alive:
        return Kept(table, ())
    of_table = f"table_name = {_text(table)} OR person_kind = {_text(kind)}"
    with at_desk(scopes):
        cases = _ask(context.connection, _CASES.format(of_table))
        return Kept(
            table, cases or _ask(context.connection, _CASES.format("case_number <> ''"))
        )  # for what hangs on it


def _ask(connection: Connection, sql: str) -> tuple[str, ...]:
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql)
        return tuple(row[0] for row in cursor.fetchall())
    finally:
        cursor.close()


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
