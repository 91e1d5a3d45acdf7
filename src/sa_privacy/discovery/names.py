"""What the name of a column says about it, and the table that it stands in."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from sa_privacy.discovery.evidence import Evidence
from sa_privacy.discovery.tokens import canonical_romaji, is_japanese, singular, tokens
from sa_privacy.discovery.words import ABOUT, ASKS, NEUTRAL, PEOPLE, PHRASES, PLACES, ROMAJI, THINGS, WEAK
from sa_privacy.discovery.words_ja import ABOUT_JA, NEUTRAL_JA, PEOPLE_JA, PHRASES_JA, THINGS_JA

__all__ = ["Nature", "TableSense", "judge_name", "nature_of", "prefix_of"]

Nature = Literal["people", "places", "things", "unknown"]
_LONGEST: Final = 4
_TABLE_NOISE: Final = frozenset(
    "tb tbl table info master mst data detail record entity m t history list base extra ext".split()
)
_CONTACT: Final = frozenset({"email", "phone", "address"})


@dataclass(frozen=True, slots=True)
class TableSense:
    """What is known of a table when its columns are judged.

    :param nature: what a row of it is.
    :param owned: a row belongs to a person.
    :param beside: kinds of other columns of the table, by what stands in front of their words
        (:func:`prefix_of`).
    """

    name: str
    nature: Nature = "unknown"
    owned: bool = False
    beside: tuple[tuple[str, str], ...] = ()

    def neighbours(self, prefix: str, but: str) -> set[str]:
        """The kinds of other columns whose names begin alike."""
        return {kind for start, kind in self.beside if start == prefix and kind != but}


@dataclass(frozen=True, slots=True)
class _Match:
    kind: str
    points: int
    words: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@lru_cache(maxsize=4096)
def nature_of(table: str) -> Nature:
    """What a row of a table is, by the table's name: its last word that says something."""
    if is_japanese(table):
        return _nature_ja(table)
    words = [singular(word) for word in tokens(table) if not word.isdecimal()]
    while len(words) > 1 and words[-1] in _TABLE_NOISE:
        words.pop()
    head = words[-1] if words else ""
    if head in PEOPLE:
        return "people"
    if head in PLACES:
        return "places"
    return "things" if head in THINGS else "unknown"


def _nature_ja(table: str) -> Nature:
    text = unicodedata.normalize("NFKC", table)
    ends = {text.rfind(word) + len(word): "people" for word in PEOPLE_JA if word in text}
    ends |= {text.rfind(word) + len(word): "places" for word in THINGS_JA if word in text}
    return ends[max(ends)] if ends else "unknown"  # type: ignore[return-value]


def judge_name(column: str, table: TableSense) -> list[Evidence]:
    """What the name of a column says, in its table."""
    matches = _matches_ja(column) if is_japanese(column) else _matches(column)
    found: list[Evidence] = []
    for match in matches:
        found += _judged(match, table)
    return found


def prefix_of(column: str) -> str:
    """What stands in front of the word that tells what a column holds: ``order`` in ``order_tel01``."""
    first = next(iter(_matches_ja(column) if is_japanese(column) else _matches(column)), None)
    return "" if first is None else "_".join(first.before)


def _judged(match: _Match, table: TableSense) -> Iterator[Evidence]:
    kind, bare = match.kind, match.kind == "name" and match.points == 0
    of_person = any(_is(word, PEOPLE, PEOPLE_JA) for word in match.before)
    of_thing = next((word for word in reversed(match.before) if _is(word, THINGS | PLACES, THINGS_JA)), None)
    if of_person:
        of_thing = None
    if not bare:
        yield Evidence(kind, match.points, "word", (match.words,))
    if match.before and match.before[0] in ASKS:
        yield Evidence(kind, -35, "asks", (match.before[0],))
    about = next((word for word in match.after if _is(word, ABOUT, ABOUT_JA)), None)
    if about is not None:
        yield Evidence(kind, -35, "about", (about, match.words))
    elif match.after:
        yield Evidence(kind, -14, "followed", (" ".join(match.after),))
    if bare:
        yield from _bare_name(match, table, of_person=of_person, of_thing=of_thing)
    elif of_thing is not None and kind in {"name", *_CONTACT}:
        yield Evidence(kind, -20 if kind == "email" else -28, "of_thing", (of_thing,))
    elif kind in _CONTACT and not of_person and table.nature == "places":
        yield Evidence(kind, -18 if kind == "email" else -28, "in_places", (table.name,))
    elif table.nature == "things" and kind not in _CONTACT | {"ip_address", "name"} and not of_person:
        yield Evidence(kind, -12, "in_things", (table.name,))
    if kind in WEAK:
        if table.nature == "people" or table.owned or of_person:
            yield Evidence(kind, 8, "of_people", (table.name,))
        else:
            yield Evidence(kind, -8, "weak", (match.words,))
    elif table.nature == "people" and not bare:
        yield Evidence(kind, 6, "of_people", (table.name,))


def _bare_name(match: _Match, table: TableSense, *, of_person: bool, of_thing: str | None) -> Iterator[Evidence]:
    """``name`` alone: it depends on whose."""
    prefix = "_".join(match.before)
    beside = table.neighbours(prefix, "name") & (_CONTACT | {"birthday", "gender", "credential", "person_number"})
    if of_person:
        yield Evidence("name", 28, "name_of", (" ".join(match.before),))
    elif of_thing is not None:
        yield Evidence("name", -20, "of_thing", (of_thing,))
    elif table.nature == "people" and not match.before:
        yield Evidence("name", 26, "name_in_people", (table.name,))
    elif table.nature in ("things", "places"):
        yield Evidence("name", -20, "in_things", (table.name,))
    elif beside:
        yield Evidence("name", 14 if len(beside) == 1 else 22, "name_beside", (", ".join(sorted(beside)),))


def _is(word: str, english: frozenset[str], japanese: Sequence[str]) -> bool:
    return singular(word) in english or word in english or any(word == each or word.endswith(each) for each in japanese)


# -- English and romaji -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _matches(column: str) -> tuple[_Match, ...]:
    words = tokens(column)
    plain = tuple(singular(word) for word in words)
    sounds = tuple(canonical_romaji(word) for word in words)
    found: list[tuple[int, int, str, int]] = []
    for start in range(len(words)):
        for end in range(min(len(words), start + _LONGEST), start, -1):
            said = PHRASES.get(words[start:end]) or PHRASES.get(plain[start:end]) or ROMAJI.get(sounds[start:end])
            if said is None and plain[start:end] in (("name",), ("mei",)):
                said = ("name", 0)
            if said is not None:
                found.append((start, end, *said))
                break
    kept = [one for one in found if not any(a <= one[0] and one[1] <= b and (a, b) != one[:2] for a, b, *_ in found)]
    kept.sort(key=lambda one: one[1], reverse=True)  # the last word is what it is
    made = []
    for start, end, kind, points in kept:
        after = tuple(word for word in words[end:] if word not in NEUTRAL and not word.isdecimal())
        made.append(_Match(kind, points, " ".join(words[start:end]), words[:start], after))
    return tuple(made)


# -- Japanese ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _matches_ja(column: str) -> tuple[_Match, ...]:
    text = unicodedata.normalize("NFKC", column)
    low = text.lower()
    best: tuple[int, int, str] | None = None
    for word in PHRASES_JA:
        at = low.rfind(word.lower())
        if at >= 0 and (best is None or (at + len(word), len(word)) > (best[1], best[1] - best[0])):
            best = (at, at + len(word), word)
    if best is not None and best[1] - best[0] == 1 and best[0] > 0:  # 姓 within a longer word
        best = None
    if best is None or (low.endswith("名") and best[1] < len(low)):
        if low.endswith("名") and len(low) > 1:
            return (_Match("name", 0, "名", (low[:-1],), ()),)
        if low in ("名", "名称"):
            return (_Match("name", 0, low, (), ()),)
        if best is None:
            return ()
    start, end, word = best
    kind, points = PHRASES_JA[word]
    after = low[end:].strip("_ ()・0123456789")
    rest = () if not after or any(after == each or after.endswith(each) for each in NEUTRAL_JA) else (after,)
    before = low[:start].strip("_ ")
    return (_Match(kind, points, word, (before,) if before else (), rest),)
