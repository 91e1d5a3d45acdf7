"""Finds the mapped attributes over personal columns and makes them ask."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from sqlalchemy import FromClause, inspect
from sqlalchemy.orm import Mapper

from sa_privacy.columns.annotation import annotation_of
from sa_privacy.columns.sqlalchemy_private import all_mappers, forget_compiled
from sa_privacy.gate.everywhere import MAPPER_CONFIGURED
from sa_privacy.gate.objects.guard import guard_attribute, let_go_of_attribute, unwatch_copies, watch_copies
from sa_privacy.gate.objects.memory import Memory
from sa_privacy.gate.objects.orm import base_columns, narrow_property, widen_property
from sa_privacy.gate.objects.quiet import quieten, unquieten
from sa_privacy.gate.sqlalchemy_private import (
    route_flushes,
    unroute_flushes,
    unwrap_expired_loader,
    wrap_expired_loader,
)
from sa_privacy.gate.statements.view import View

__all__ = ["Instrumentation"]


class Instrumentation:
    """Keeps the mapped classes of one gate guarded.

    Classes are met when their mapper is configured, which the first statement over them may bring about in the middle
    of being compiled, and again whenever the catalogue was made anew (a column annotated later).
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._listened: WeakSet[type[Any]] = WeakSet()
        self._view: View | None = None
        self._stop = MAPPER_CONFIGURED.listen(self._configured)
        _open.add(self)

    def close(self) -> None:
        """Takes in no more classes, and lets go of those it has; the last one to go leaves them as they were."""
        self._stop()
        tables = set[FromClause]()
        for class_ in tuple(self._listened):
            self._memory.marking.unlisten(class_)
            mapper = inspect(class_, raiseerr=False)
            tables.update(mapper.tables if mapper is not None else ())
        forget_compiled(tables)  # what flushes have compiled knows this gate
        self._listened.clear()
        _open.discard(self)
        if not _open:
            for mapper in tuple(all_mappers()):
                if mapper in _changed:
                    _changed.discard(mapper)
                    _let_go(mapper)

    def sweep(self, view: View) -> None:
        """Guards every personal attribute of every class that is mapped by now."""
        self._view = view
        for mapper in tuple(all_mappers()):
            if mapper.configured:
                self._guard(mapper)

    def _configured(self, mapper: Mapper[Any], class_: type[Any]) -> None:
        self._guard(mapper)

    def _guard(self, mapper: Mapper[Any]) -> None:
        if self._memory.gate.rules:
            _changed.add(mapper)
            route_flushes(mapper)
        view = self._view
        personal = set()
        ours = view is None  # before the first catalogue nobody knows
        for prop in mapper.column_attrs:
            columns = tuple(base_columns(prop))
            known = view is not None and bool(view.personal(columns))
            if known or any(annotation_of(column) for column in columns):
                narrow_property(prop)
                personal.add(prop.key)
                ours = ours or known
        if not personal:
            return
        _changed.add(mapper)
        personal |= {composite.key for composite in mapper.composites if personal & {p.key for p in composite.props}}
        manager = mapper.class_manager
        for key in personal:
            attribute = manager.get(key)
            if attribute is not None:
                guard_attribute(attribute)
        if ours and mapper.class_ not in self._listened:
            self._listened.add(mapper.class_)
            self._memory.marking.listen(mapper.class_)
            if mapper.inherits is not None:
                wrap_expired_loader(mapper, self._memory.marking.narrow_expired)
            quieten(mapper.class_)
            watch_copies(mapper.class_)


_open: WeakSet[Instrumentation] = WeakSet()
#: Mappers that are not as they were.
_changed: WeakSet[Mapper[Any]] = WeakSet()


def _let_go(mapper: Mapper[Any]) -> None:
    unroute_flushes(mapper)
    for prop in mapper.column_attrs:
        widen_property(prop)
    manager = mapper.class_manager
    for key in manager:
        let_go_of_attribute(manager[key])
    unwrap_expired_loader(mapper)
    unquieten(mapper.class_)
    unwatch_copies(mapper.class_)
