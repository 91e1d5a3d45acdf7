"""The mapped attributes that hold personal values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import ColumnProperty, InstanceState, Mapper

from sa_privacy.columns.catalogue import PersonalColumn
from sa_privacy.gate.objects.orm import base_columns
from sa_privacy.policy import Grant

if TYPE_CHECKING:
    from sa_privacy.gate.engine import Gate

__all__ = ["Attributes"]

Found = dict[str, tuple[PersonalColumn, ...]]


class Attributes:
    """Knows the personal columns behind attributes, for the catalogue of the moment."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._known: dict[Any, Any] = {}
        self._catalogue: object = None

    def of(self, mapper: Mapper[Any]) -> Found:
        """The personal attributes of a mapper, with the columns behind each."""
        found: Found | None = self._cached("mapper", mapper)
        if found is None:
            found = {prop.key: columns for prop in mapper.column_attrs if (columns := self.behind(prop))}
            self._known[("mapper", mapper)] = found
        return found

    def behind(self, prop: Any) -> tuple[PersonalColumn, ...]:
        """The personal columns behind one mapped property."""
        found: tuple[PersonalColumn, ...] | None = self._cached("prop", prop)
        if found is None:
            found = ()
            if isinstance(prop, ColumnProperty):
                found = tuple(dict.fromkeys(self._gate.view(None).personal(base_columns(prop))))
            self._known[("prop", prop)] = found
        return found

    def behind_key(self, state: InstanceState[Any], key: str) -> tuple[PersonalColumn, ...]:
        """The personal columns behind one attribute of an object."""
        return self.of(state.mapper).get(key, ())

    def over(self, mapper: Mapper[Any], names: frozenset[str]) -> tuple[str, ...]:
        """The personal attributes of a mapper that some of the columns `names` are behind."""
        found: tuple[str, ...] | None = self._cached(names, mapper)
        if found is None:
            found = tuple(key for key, columns in self.of(mapper).items() if any(c.name in names for c in columns))
            self._known[(names, mapper)] = found
        return found

    def loaded(self, state: InstanceState[Any]) -> Found:
        """The personal attributes in memory of an object."""
        values = state.dict
        return {key: columns for key, columns in self.of(state.mapper).items() if key in values}

    def covered_unloaded(self, state: InstanceState[Any], grant: Grant | None) -> list[str]:
        """The personal attributes that `grant` covers and that are not in memory."""
        uncovered, unloaded = self._gate.view(grant).uncovered, state.unloaded
        return [
            key
            for key, columns in self.of(state.mapper).items()
            if key in unloaded and not any(column.name in uncovered for column in columns)
        ]

    def _cached(self, what: str | frozenset[str], of: Any) -> Any:
        catalogue = self._gate.catalogue()
        if catalogue is not self._catalogue:
            self._known.clear()
            self._catalogue = catalogue
        return self._known.get((what, of))
