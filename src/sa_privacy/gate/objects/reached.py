"""Objects in memory under row rules: whether the access in force reaches their rows.

Whose an object is, it tells itself: a rule of one's own rows alone is not looked at here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sqlalchemy import Table, literal, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import InstanceState, Mapper, object_session

from sa_privacy.access import Access
from sa_privacy.columns.catalogue import PersonalColumn
from sa_privacy.errors import NotLoaded, PrivacyError
from sa_privacy.gate.binds import dialect_of
from sa_privacy.gate.objects.mark import is_of_another_row
from sa_privacy.gate.rows.limits import Limit
from sa_privacy.gate.rows.row_law import is_same, refusal_of_object
from sa_privacy.gate.sqlalchemy_private import in_greenlet

if TYPE_CHECKING:
    from sa_privacy.gate.engine import Gate

__all__ = ["Reached"]


class Reached:
    """Asks the database, once for an object and an access, whether its row is among those that the access reaches."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def columns(self, left: Access | None, entered: Access | None) -> frozenset[str]:
        """The personal columns of which values do not go over from one access to the next: their rows may not be reached."""
        rules = self._gate.rules.of(entered.grant) if entered is not None else {}
        ruled = [name for name, one in rules.items() if one.beyond_own]
        if not ruled or entered is None:
            return frozenset()
        if left is not None and self._gate.rules.of(left.grant):
            before, now = self._gate.limits.for_access(left), self._gate.limits.for_access(entered)
            ruled = [name for name in ruled if not is_same(before, now, name)]
        catalogue = self._gate.catalogue()
        return frozenset(column.name for name in ruled for column in catalogue.by_name[name].columns.values())

    def limit(self, access: Access, state: InstanceState[Any], owner: Access | None = None) -> Limit | None:
        """The rule that the row of an object has yet to pass for an access; None where there is none.

        :param owner: the access that its value belongs to.
        """
        limits = self._gate.limits.for_access(access)
        if limits is None or state in self._passed(access):
            return None
        if state.key is None and (owner is None or owner is access):
            return None  # a new object is its maker's, and has no row; one that was made transient has an owner
        before = self._gate.limits.for_access(owner) if owner is not None else None
        found = ((name, limits.of[name]) for name in self._tables(state.mapper) if name in limits.of)
        ruled = (one for name, one in found if one.rules.beyond_own and not is_same(before, limits, name))
        return next(ruled, None)

    def require(
        self, access: Access, state: InstanceState[Any], columns: Sequence[PersonalColumn], owner: Access | None = None
    ) -> PrivacyError | None:
        """The error for an object whose row the access does not reach; None where it does.

        :raises NotLoaded: asyncio cannot ask the database here.
        """
        limit = self.limit(access, state, owner)
        if limit is None:
            return None
        if not self._is_there(state):
            return refusal_of_object(limit, access, columns)
        self._passed(access).add(state)
        return None

    def _is_there(self, state: InstanceState[Any]) -> bool:
        instance, mapper = state.obj(), state.mapper
        session = object_session(instance) if instance is not None else None
        if session is None or state.key is None or is_of_another_row(state):
            return False
        dialect = dialect_of(session, mapper)
        if dialect is not None and dialect.is_async and not in_greenlet():
            raise NotLoaded(
                f"whether this access reaches this {mapper.class_.__name__} has to be asked of the database, and asyncio "
                "cannot do so here.",
                hint="await session.refresh(obj) first, or load the object under this access.",
            )
        keys = zip(mapper.primary_key, state.key[1], strict=True)
        there = select(literal(1)).select_from(mapper).where(*(column == value for column, value in keys))
        with session.no_autoflush:
            try:
                return session.scalar(there, bind_arguments={"mapper": mapper}) is not None
            except InvalidRequestError:  # the session cannot ask any more
                return False

    def _passed(self, access: Access) -> WeakSet[InstanceState[Any]]:
        """The objects of which the access has reached the rows."""
        found: WeakSet[InstanceState[Any]] | None = access.notes.get(self)
        return access.notes.setdefault(self, WeakSet()) if found is None else found

    def _tables(self, mapper: Mapper[Any]) -> list[str]:
        catalogue = self._gate.catalogue()
        tables = [table for table in mapper.tables if isinstance(table, Table)]
        return [known.name for table in tables for known in catalogue.find(table.schema, table.name)]
