"""Names taken apart: ``contactEmail``, ``cust_tel_no``, ``HTTPProxyHost2``, ``firstname``."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from sa_privacy.discovery.words import ABOUT, NEUTRAL, PEOPLE, PHRASES, ROMAJI, THINGS

__all__ = ["canonical_romaji", "is_japanese", "singular", "tokens"]

_PARTS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\x00-\x7f]+")
_JAPANESE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff々〒]")
_KNOWN: Final = frozenset(word for phrase in (*PHRASES, *ROMAJI) for word in phrase) | PEOPLE | THINGS | ABOUT | NEUTRAL
_SHORT: Final = frozenset({"no", "id", "cd", "of"})
#: Spellings of the same sound, in the order in which they are replaced.
_SOUNDS: Final = (
    *(("jy", "j"), ("zy", "j"), ("sy", "sh"), ("ty", "ch"), ("si", "shi"), ("hu", "fu"), ("tu", "tsu"), ("nn", "n")),
    *(("ou", "o"), ("oo", "o"), ("uu", "u"), ("oh", "o")),
)


def is_japanese(name: str) -> bool:
    """Whether a name has kanji or kana in it."""
    return _JAPANESE.search(unicodedata.normalize("NFKC", name)) is not None


@lru_cache(maxsize=4096)
def tokens(name: str) -> tuple[str, ...]:
    """The words of a name, in small letters: at ``_``, at a change of case, at digits, and where words that are known stand
    together without any of these.
    """
    found: list[str] = []
    for part in _PARTS.findall(unicodedata.normalize("NFKC", name)):
        word = part.lower()
        found += (word,) if word in _KNOWN or singular(word) in _KNOWN else _divide(word)
    return tuple(str(int(word)) if word.isdecimal() else word for word in found)


@lru_cache(maxsize=4096)
def _divide(word: str) -> tuple[str, ...]:
    """A word as words that are known, the longest first; itself where that cannot be done."""
    if not word.isascii() or len(word) < 5 or len(word) > 40:
        return (word,)
    ways: list[tuple[str, ...] | None] = [(), *[None] * len(word)]
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - 16), end):
            before, piece = ways[start], word[start:end]
            if before is None or not (piece in _SHORT if len(piece) < 3 else piece in _KNOWN):
                continue
            way = (*before, piece)
            best = ways[end]
            if best is None or len(way) < len(best):
                ways[end] = way
    return ways[-1] or (word,)


def singular(word: str) -> str:
    """An English word without the ending of the plural."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3 else word


def canonical_romaji(word: str) -> str:
    """Japanese in Latin letters, whatever the system of spelling: ``jyuusyo`` and ``juusho`` become ``jusho``."""
    for spelling, sound in _SOUNDS:
        word = re.sub(f"(?<![cst]){spelling}", sound, word)
    return word
