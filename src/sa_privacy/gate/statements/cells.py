"""The sealed cells in a statement's rows, counted by column as they are handed over."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.footprint import Footprint

__all__ = ["Cells"]


class Cells:
    """Where sealed cells stand in a result row.

    :param at: the positions of each sealed column.
    """

    __slots__ = ("_columns", "_form")

    def __init__(self, at: dict[str, list[int]]) -> None:
        self._columns: list[tuple[Callable[[Any], Any], ...]] = [tuple(map(itemgetter, found)) for found in at.values()]
        names = (json.dumps(name, ensure_ascii=False).replace("%", "%%") for name in at)
        self._form = ',"cells":{' + ",".join(f"{name}:%d" for name in names) + "}"

    @classmethod
    def of(cls, footprint: Footprint, catalogue: Catalogue) -> Cells | None:
        """Those of a statement; None where its rows show none."""
        at: dict[str, list[int]] = {}
        for index, name in enumerate(footprint.outputs):
            if name is not None and name in catalogue.columns and catalogue.columns[name].sealed:
                at.setdefault(name, []).append(index)
        return cls(at) if at else None

    def members(self, rows: Sequence[Any]) -> str:
        """How many of them there are in these rows, as one more member. NULL is no cell."""
        count = len(rows)
        counts = []
        for getters in self._columns:
            found = 0
            for cell in getters:  # most often none is NULL
                found += count if all(map(cell, rows)) else count - list(map(cell, rows)).count(None)
            counts.append(found)
        return self._form % tuple(counts)
