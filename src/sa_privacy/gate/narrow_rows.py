"""Limits what SQLAlchemy builds to the subject's own rows, for purposes with ``rows = "own"``.

This is the courtesy: ``select(Order)`` gives the customer's own orders, and a flush changes no others. The law is in
:mod:`sa_privacy.gate.own_rows`.

A flush finds rows by their primary key. Its UPDATE and DELETE get the owner's condition too, so that whose the row is
is decided by the very statement that changes it: a row that changed hands a moment ago is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import chain
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Delete, Select, Table, Update, event, inspect
from sqlalchemy.orm import Mapper, ORMExecuteState, Session, with_loader_criteria

from sa_privacy.access import Access
from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.columns.sqlalchemy_private import all_mappers
from sa_privacy.gate.engine import Gate
from sa_privacy.gate.own_conditions import own_condition
from sa_privacy.gate.own_rows import has_own_purpose

__all__ = ["limit_to_own_rows", "own_criteria"]


def limit_to_own_rows(gate: Gate, governs: Callable[[Session, Mapper[Any]], bool]) -> Callable[[], None]:
    """Starts limiting; returns what stops it. Sessions are only known by their class, so the listeners are there."""
    limits = _Limits(gate, governs)
    listeners: list[tuple[str, Callable[..., None]]] = [
        ("do_orm_execute", limits.do_orm_execute),
        ("before_flush", limits.before_flush),
    ]
    for name, listener in listeners:
        event.listen(Session, name, listener)

    def stop() -> None:
        for name, listener in listeners:
            event.remove(Session, name, listener)

    return stop


class _Limits:
    """Listens to sessions, and to the connections on which they change rows under such a purpose."""

    def __init__(self, gate: Gate, governs: Callable[[Session, Mapper[Any]], bool]) -> None:
        self.gate = gate
        self.governs = governs

    def do_orm_execute(self, state: ORMExecuteState) -> None:
        """A session executes a statement."""
        access = _own_access(self.gate)
        if access is None or not (state.is_select or state.is_update or state.is_delete):
            return
        mappers = {*state.all_mappers} | ({state.bind_mapper} if state.bind_mapper is not None else set())
        if not any(self.governs(state.session, mapper) for mapper in mappers):
            return
        if state.is_column_load:
            _limit_refresh(state, self.gate, access)
            return
        if not state.is_select:
            self._watch(state.session, mappers)
        for criterion in own_criteria(self.gate):
            state.statement = state.statement.options(criterion)

    def before_flush(self, session: Session, *_: Any) -> None:
        """A session is about to write what was changed."""
        if _own_access(self.gate) is not None:
            changed = chain(session.dirty, session.deleted, session.new)
            self._watch(session, {inspect(instance).mapper for instance in changed})

    def _watch(self, session: Session, mappers: Collection[Mapper[Any]]) -> None:
        """Only a connection that such a purpose writes on is watched: others pay nothing."""
        for mapper in mappers:
            if self.governs(session, mapper):
                connection = session.connection(bind_arguments={"mapper": mapper})
                if not event.contains(connection, "before_execute", self.before_execute):
                    event.listen(connection, "before_execute", self.before_execute, retval=True)

    def before_execute(self, _: Connection, statement: Any, *said: Any) -> tuple[Any, Any, Any]:
        """An UPDATE or DELETE is about to be compiled: it gets the owner's condition."""
        access = _own_access(self.gate) if isinstance(statement, (Update, Delete)) else None
        if access is not None and isinstance(statement.table, Table):
            catalogue, observed = self.gate.catalogue(), self.gate.observed
            condition = own_condition(statement.table, statement.table, catalogue, access, observed=observed)
            if condition is not None:
                statement = statement.where(condition)
        return statement, said[0], said[1]


def own_criteria(gate: Gate) -> Iterator[Any]:
    """What limits an ORM statement to the rows of the subject of the access in force; nothing where none is."""
    access = _own_access(gate)
    for mapper, condition in _conditions(gate, access) if access is not None else ():
        yield with_loader_criteria(mapper, condition, include_aliases=True, propagate_to_loaders=False)


def _own_access(gate: Gate) -> Access | None:
    """The access in force, where it reaches only one person's rows and says whose."""
    scope = gate.scopes.get()
    if scope is None or not scope.alive or gate.observed.everything:
        return None
    access = scope.access
    return access if access.subject is not None and has_own_purpose(access) else None


def _limit_refresh(state: ORMExecuteState, gate: Gate, access: Access) -> None:
    """A refresh takes no loader criteria."""
    mapper = state.bind_mapper
    if mapper is not None and isinstance(state.statement, Select):
        condition = _mapped_condition(mapper, gate, access)
        if condition is not None:
            state.statement = state.statement.where(condition)


def _conditions(gate: Gate, access: Access) -> list[tuple[Mapper[Any], ColumnElement[bool]]]:
    """What limits the mapped classes, made once for an access; subclasses are limited with their parents."""
    catalogue = gate.catalogue()
    known: tuple[Catalogue, list[tuple[Mapper[Any], ColumnElement[bool]]]] | None = access.notes.get("own conditions")
    if known is not None and known[0] is catalogue:
        return known[1]
    found = []
    complete = True
    for mapper in all_mappers():
        complete = complete and mapper.configured
        condition = _mapped_condition(mapper, gate, access) if mapper.configured else None
        if condition is not None:
            parent = mapper.inherits
            if parent is None or _mapped_condition(parent, gate, access) is None:
                found.append((mapper, condition))
    if complete:
        access.notes["own conditions"] = (catalogue, found)
    return found


def _mapped_condition(mapper: Mapper[Any], gate: Gate, access: Access) -> ColumnElement[bool] | None:
    """What limits one mapped class, in terms of its attributes, so that aliases can be limited too."""
    for table in mapper.tables:
        for prop in mapper.column_attrs if isinstance(table, Table) else ():
            attribute = getattr(mapper.class_, prop.key)
            for column in prop.columns:
                if isinstance(column, Column) and column.table is table:
                    named = {column.name: attribute}
                    condition = own_condition(table, named, gate.catalogue(), access, observed=gate.observed)
                    if condition is not None:
                        return condition
    return None
