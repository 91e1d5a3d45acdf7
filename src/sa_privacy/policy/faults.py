"""Faults of a policy document, collected so that all are told at once, each in its place."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from sa_privacy.errors import PolicyError
from sa_privacy.policy.places import Path, line_of, lines_of, shown

__all__ = ["Fault", "Faults", "cut", "listing", "nearest"]

_SHOWN = 60
_LISTED = 8


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a document.

    :param place: the dotted path, e.g. ``purposes.shipping.use[2]``; empty for the document as a whole.
    :param line: the line (from 1); None for a policy built in Python.
    """

    place: str
    what: str
    line: int | None = None

    def __str__(self) -> str:
        where = ", ".join(part for part in (f"line {self.line}" if self.line else "", self.place) if part)
        return f"{where}: {self.what}" if where else self.what


class Faults:
    """Collects faults.

    :param text: the TOML text, where there is one. Where things stand in it is looked up once there is a fault.
    """

    def __init__(self, text: str = "") -> None:
        self._text = text
        self._found: list[Fault] = []

    @cached_property
    def _lines(self) -> Mapping[Path, int]:
        return lines_of(self._text)

    def add(self, path: Path, what: str) -> None:
        """Note a fault at the path."""
        self._found.append(Fault(shown(path), what, line_of(path, self._lines)))

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def all(self) -> tuple[Fault, ...]:
        """Every fault, from the top of the document down."""
        return tuple(sorted(self._found, key=lambda fault: fault.line or 0))

    def error(self, source: str) -> PolicyError:
        """All faults as one error."""
        return as_error(self.all, source)


def as_error(faults: Collection[Fault], source: str) -> PolicyError:
    """One error that tells every fault.

    :param source: what people call the document, e.g. its file name.
    """
    told = [str(fault) for fault in faults]
    if len(told) == 1:
        return PolicyError(f"{source}: {told[0]}")
    return PolicyError("\n  ".join((f"{source} has {len(told)} faults:", *told)))


def cut(name: str) -> str:
    """A name in quotes, short enough for a message and on one line."""
    text = name if len(name) <= _SHOWN else name[:_SHOWN] + "…"
    return '"' + "".join(c if c.isprintable() else "�" for c in text) + '"'


def nearest(name: str, known: Collection[str], *, known_too: bool = True) -> str:
    """``Did you mean ...?`` with the nearest known name.

    :param known_too: where no name is near, list the known ones.
    """
    by_fold: dict[str, str] = {}
    for each in sorted(known):
        by_fold.setdefault(each.casefold(), each)
    close = difflib.get_close_matches(name.casefold(), by_fold, n=1)
    if close:
        return f'Did you mean "{by_fold[close[0]]}"?'
    if not known_too:
        return ""
    if not known:
        return "None is defined."
    return f"Known: {listing(sorted(known))}."


def listing(names: Collection[str], cap: int = _LISTED) -> str:
    """The names with commas between; beyond the cap only their number."""
    told = list(names)
    if len(told) <= cap:
        return ", ".join(told)
    return f"{', '.join(told[:cap])} and {len(told) - cap} more"
