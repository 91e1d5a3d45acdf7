"""Bulk UPDATE and DELETE of the ORM under row rules: the session's objects change with the rows that really change.

Left to itself, a session works out in Python which of its objects a condition means, and knows of no rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Mapper, ORMExecuteState, Session

from sa_privacy.gate.everywhere import ORM_EXECUTE

if TYPE_CHECKING:
    from sa_privacy.gate.engine import Gate

__all__ = ["fetch_what_changes"]


def fetch_what_changes(gate: Gate, governs: Callable[[Session, Mapper[Any]], bool]) -> Callable[[], None]:
    """Lets sessions ask the database which rows a bulk change touched, where rules hold; returns what stops it."""

    def do_orm_execute(state: ORMExecuteState) -> None:
        if not (state.is_update or state.is_delete) or state.is_executemany or gate.limits() is None:
            return  # many rows by their keys are changed as by a flush
        mapper = state.bind_mapper
        if mapper is None or not governs(state.session, mapper):
            return
        if state.execution_options.get("synchronize_session", "auto") in ("auto", "evaluate"):
            state.update_execution_options(synchronize_session="fetch")

    return ORM_EXECUTE.listen(do_orm_execute)
