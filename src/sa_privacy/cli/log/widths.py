"""How wide the columns of a table may be, so that words stay whole where the terminal is narrow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

__all__ = ["fit", "keeps_words"]

_LONGEST: Final = 24
"""A longer word, a path say, may be broken."""
_WIDE: Final = 14
"""Japanese needs no spaces, and may be broken anywhere; but not after each letter."""


def fit(table: Table, width: int) -> None:
    """Narrows the columns where the table is wider than `width`: each keeps its longest word, as far as there is room for them.

    Rich alone takes the width away from the wide columns evenly, whatever stands in them.
    """
    between = len(table.columns) * 2
    wholes = [_lines(column.header, column.cells) for column in table.columns]
    natural = [max((cell_len(line) for line in lines), default=0) for lines in wholes]
    least = [
        whole if column.no_wrap else max((_least(word) for line in lines for word in line.split()), default=0)
        for column, lines, whole in zip(table.columns, wholes, natural, strict=True)
    ]
    if sum(natural) + between <= width:
        return
    breakable = [number for number, column in enumerate(table.columns) if not column.no_wrap]
    while breakable and sum(least) + between > width:  # no room for all words: the longest are broken
        longest = max(breakable, key=least.__getitem__)
        if least[longest] <= 1:
            return
        least[longest] -= 1
    room = width - between - sum(least)
    wanting = sorted(range(len(least)), key=lambda number: natural[number] - least[number])
    for place, number in enumerate(wanting):  # who wants little gets all of it, the rest is shared
        more = min(natural[number] - least[number], room // (len(wanting) - place))
        table.columns[number].width = least[number] + more
        room -= more


def keeps_words(table: Table, width: int) -> bool:
    """Whether there is room for every word of it, however long: names of columns and call sites stay whole."""
    between = len(table.columns) * 2
    words = ([word for line in _lines(one.header, one.cells) for word in line.split()] for one in table.columns)
    return sum(max(map(cell_len, column), default=0) for column in words) + between <= width


def _lines(header: object, cells: Iterable[object]) -> list[str]:
    texts = [header, *cells]
    return [line for text in texts for line in (text.plain if isinstance(text, Text) else str(text)).split("\n")]


def _least(word: str) -> int:
    whole = cell_len(word)
    return min(whole, _LONGEST if whole == len(word) else _WIDE)
