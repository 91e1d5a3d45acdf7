"""Limits ORM statements to the subject's own rows, for purposes with ``rows = "own"``.

This is the courtesy: ``select(Order)`` gives the customer's own orders. The law is in :mod:`sa_privacy.gate.own_rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Mapper, ORMExecuteState, Session, with_loader_criteria

from sa_privacy.access import Access
from sa_privacy.columns.catalogue import PersonalTable
from sa_privacy.columns.sqlalchemy_private import all_mappers
from sa_privacy.gate.engine import Gate

__all__ = ["limit_to_own_rows", "own_criteria"]


def limit_to_own_rows(gate: Gate, governs: Callable[[Session, Mapper[Any]], bool]) -> Callable[[], None]:
    """Starts limiting; returns what stops it. Sessions are only known by their class, so the listener is there."""

    def do_orm_execute(state: ORMExecuteState) -> None:
        if state.is_column_load or gate.mode != "enforce" or _limiting(gate) is None:
            return
        if not (state.is_select or state.is_update or state.is_delete):
            return
        if not any(governs(state.session, mapper) for mapper in state.all_mappers):
            return
        for criterion in own_criteria(gate):
            state.statement = state.statement.options(criterion)

    event.listen(Session, "do_orm_execute", do_orm_execute)
    return lambda: event.remove(Session, "do_orm_execute", do_orm_execute)


def own_criteria(gate: Gate) -> Iterator[Any]:
    """What limits an ORM statement to the rows of the subject of the access in force; nothing where none is."""
    access = _limiting(gate)
    for mapper, key, subject in _limits(gate, access) if access is not None else ():
        yield with_loader_criteria(
            mapper, getattr(mapper.class_, key) == subject, include_aliases=True, propagate_to_loaders=False
        )


def _limiting(gate: Gate) -> Access | None:
    scope = gate.scopes.get()
    if scope is None or not scope.alive:
        return None
    access = scope.access
    return access if access.subject is not None and _has_own_purpose(access) else None


def _has_own_purpose(access: Access) -> bool:
    policy = access.grant.policy
    return any(policy.purposes[name].rows == "own" for name in access.purposes)


def _limits(gate: Gate, access: Access) -> Iterator[tuple[Mapper[Any], str, Any]]:
    """The mapped classes whose rows are limited: mapper, attribute that holds the subject's key, and the key."""
    catalogue = gate.catalogue()
    for mapper in all_mappers():
        if not mapper.configured:
            continue
        for prop in mapper.column_attrs:
            for column in prop.columns:
                table = getattr(column, "table", None)
                for known in catalogue.find(getattr(table, "schema", None), getattr(table, "name", "")):
                    if _is_limited(known, column.name, access):
                        key = _key(access, known)
                        if key is not None:
                            yield mapper, prop.key, _typed(column, key)


def _is_limited(table: PersonalTable, column: str, access: Access) -> bool:
    if table.subject is None or table.subject.key != column:
        return False
    grant = access.grant
    return any(grant.own_only("read", c.category, c.purposes) for c in table.columns.values())


def _key(access: Access, table: PersonalTable) -> object:
    wanted = access.subject
    if isinstance(wanted, tuple) and len(wanted) == 2:
        return wanted[1] if table.subject is not None and wanted[0] == table.subject.kind else None
    return wanted


def _typed(column: Any, key: object) -> Any:
    """The key as the column's own type, since applications often hold keys as text."""
    try:
        kind = column.type.python_type
    except NotImplementedError:
        return key
    return kind(key) if isinstance(key, str) and kind is int and key.isdigit() else key
