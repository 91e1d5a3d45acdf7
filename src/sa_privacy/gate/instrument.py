"""Finds the mapped attributes over personal columns and makes them ask."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from sqlalchemy.orm import Mapper

from sa_privacy.columns.sqlalchemy_private import all_mappers
from sa_privacy.gate.memory import Memory, guard_attribute
from sa_privacy.gate.orm import base_columns, narrow_property
from sa_privacy.gate.quiet import quieten
from sa_privacy.gate.view import View

__all__ = ["Instrumentation"]


class Instrumentation:
    """Keeps the mapped classes of one gate guarded."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._listened: WeakSet[type[Any]] = WeakSet()

    def sweep(self, view: View) -> None:
        """Guards every personal attribute of every class that is mapped by now.

        Called whenever the catalogue was made anew, which happens before a statement is compiled: columns added
        later, new subclasses and automapped copies are met before they are first loaded.
        """
        for mapper in tuple(all_mappers()):
            if mapper.configured:
                self._guard(mapper, view)

    def _guard(self, mapper: Mapper[Any], view: View) -> None:
        personal = set()
        for prop in mapper.column_attrs:
            if view.personal(base_columns(prop)):
                narrow_property(prop)
                personal.add(prop.key)
        if not personal:
            return
        personal |= {composite.key for composite in mapper.composites if personal & {p.key for p in composite.props}}
        manager = mapper.class_manager
        for key in personal:
            attribute = manager.get(key)
            if attribute is not None:
                guard_attribute(attribute)
        if mapper.class_ not in self._listened:
            self._listened.add(mapper.class_)
            self._memory.listen(mapper.class_)
            quieten(mapper.class_)
