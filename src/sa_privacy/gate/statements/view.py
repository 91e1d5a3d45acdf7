"""What one grant may see of one catalogue: worked out once, looked up ever after."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING

from sa_privacy.columns.catalogue import Catalogue, PersonalColumn
from sa_privacy.policy import Grant

if TYPE_CHECKING:
    from sqlalchemy import Column

__all__ = ["View"]


class View:
    """The columns that a grant leaves out of entity loads.

    :param grant: None stands for no access at all.
    :param observed: the tables of which nothing is ever left out.
    """

    __slots__ = ("catalogue", "grant", "uncovered")

    def __init__(self, catalogue: Catalogue, grant: Grant | None, observed: Container[str] = ()) -> None:
        self.catalogue = catalogue
        self.grant = grant
        self.uncovered: frozenset[str] = frozenset(
            column.name
            for column in catalogue.columns.values()
            if column.table not in observed and not self._covers(column)
        )

    def _covers(self, column: PersonalColumn) -> bool:
        return self.grant is not None and self.grant.covers("read", column.category, column.purposes)

    def personal(self, columns: Iterable[Column[object]]) -> tuple[PersonalColumn, ...]:
        """The personal ones among `columns`, by the names of their tables."""
        found = []
        for column in columns:
            table = getattr(column, "table", None)
            name = getattr(table, "name", None)
            if name is None:
                continue
            for known in self.catalogue.find(getattr(table, "schema", None), name):
                personal = known.columns.get(column.name.lower())
                if personal is not None:
                    found.append(personal)
        return tuple(found)
