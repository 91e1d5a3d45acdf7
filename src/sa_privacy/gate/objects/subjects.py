"""Whose an object in memory is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import InstanceState

from sa_privacy.columns.catalogue import Catalogue, SubjectPath
from sa_privacy.gate.sqlalchemy_private import InstanceKey

__all__ = ["subjects_of"]


def subjects_of(state: InstanceState[Any], catalogue: Catalogue) -> dict[str, Any]:
    """Whose the object is, where the key is in memory, in it or in the objects it leads to: kind and key."""
    found: dict[str, Any] = {}
    for table, values in _stored(state):
        for known in catalogue.find(table.schema, table.name):
            holder = _holder(known.subject, values, state, catalogue) if known.subject is not None else None
            if holder is not None:
                found[holder[0]] = holder[1]
    return found


def _stored(state: InstanceState[Any]) -> Iterator[tuple[Table, dict[str, Any]]]:
    """The unchanged values in memory of an object, by table and column; its primary key is known without them."""
    found: dict[Table, dict[str, Any]] = {}
    for column, value in zip(state.mapper.primary_key, state.identity or (), strict=False):
        found.setdefault(column.table, {})[column.name] = value
    for prop in state.mapper.column_attrs:
        if prop.key in state.dict and prop.key not in state.committed_state:
            for column in prop.columns:
                table = getattr(column, "table", None)
                if isinstance(table, Table):
                    found.setdefault(table, {})[column.name] = state.dict[prop.key]
    yield from found.items()


def _holder(
    subject: SubjectPath, values: Mapping[str, Any], state: InstanceState[Any], catalogue: Catalogue
) -> tuple[str, Any] | None:
    if subject.key is not None:
        return (subject.kind, values[subject.key]) if subject.key in values else None
    here, there, column = subject.steps[0]
    session, after = state.session, catalogue.by_name.get(there)
    if session is None or after is None or after.subject is None or values.get(here) is None:
        return None
    for relation in state.mapper.relationships:
        pairs = [(one.name, str(other)) for one, other in relation.local_remote_pairs or ()]
        if pairs == [(here, f"{there}.{column}")] and len(relation.mapper.primary_key) == 1:
            instance = session.identity_map.get(relation.mapper.identity_key_from_primary_key((values[here],)))
            other: InstanceState[Any] | None = instance and instance.__dict__[InstanceKey]
            for table, held in _stored(other) if other is not None else ():
                if table.fullname == there and held.get(column) == values[here] and other is not None:
                    return _holder(after.subject, held, other, catalogue)
    return None
