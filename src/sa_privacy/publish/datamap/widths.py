"""How wide text is, without a font: so that the same input gives the same drawing everywhere.

Latin letters as Arial and its metric equivalents have them; East Asian ones are as wide as they are high. What is not known
counts as wide, so that nothing runs over.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["shortened", "width", "wrapped"]

# Thousandths of the size, from the space to the tilde.
_LATIN: Final = (
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556),
    *(1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556),
    *(333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556),
    *(556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584),
)
_BOLD: Final = 1.08
_PART: Final = re.compile(r"[\u0021-\u2e7f]+ ?| |.", re.DOTALL)
_NOT_FIRST: Final = frozenset("、。，．・：；？！）」』】ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ)],.!?")


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of a line of text.

    :param size: of the letters, in the unit of the result.
    """
    return sum(map(_letter, text)) * size / 1000 * (_BOLD if bold else 1)


def _letter(letter: str) -> int:
    code = ord(letter)
    if 32 <= code < 127:
        return _LATIN[code - 32]
    if unicodedata.combining(letter):
        return 0
    if unicodedata.east_asian_width(letter) == "H":
        return 500
    return 1000 if unicodedata.east_asian_width(letter) in "WFA" else 722


def shortened(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """As much of a line as there is room for, with an ellipsis where that is not all."""
    if width(text, size, bold=bold) <= room:
        return text
    while text and width(text + "…", size, bold=bold) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(text: str, room: float, size: float, lines: int, *, bold: bool = False) -> tuple[str, ...]:
    """A text on so many lines at most, the last one shortened; broken between words, or between East Asian letters.

    Several lines are made about equally long.
    """
    found = _broken(text, room, size, lines, bold=bold)
    narrower = room
    while len(found) > 1 and not found[-1].endswith("…") and narrower > size:
        narrower -= size / 2
        tighter = _broken(text, narrower, size, lines, bold=bold)
        if any(line.endswith("…") for line in tighter):
            break
        found = tighter
    return found


def _broken(text: str, room: float, size: float, lines: int, *, bold: bool) -> tuple[str, ...]:
    found: list[str] = []
    line = ""
    parts = _PART.findall(text)
    for at, part in enumerate(parts):
        fits = width((line + part).rstrip(), size, bold=bold) <= room
        if not line or fits:
            line += part
        elif len(found) + 1 == lines:
            line += "".join(parts[at:])
            break
        else:
            kept = len(line) - (part in _NOT_FIRST and len(line) > 1)
            found.append(line[:kept].rstrip())
            line = line[kept:] + part.lstrip()
    return tuple(shortened(one, room, size, bold=bold) for one in (*found, line.rstrip()))
