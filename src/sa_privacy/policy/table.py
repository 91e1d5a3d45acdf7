"""One table of the document, read key by key. What does not fit becomes a fault, and reading goes on."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TypeVar

from sa_privacy.policy.faults import Faults, cut, listing, nearest
from sa_privacy.policy.places import Path

__all__ = ["Table", "is_name", "kind"]

_Choice = TypeVar("_Choice", bound=str)
_NAME = re.compile(r"\w[\w-]*")
_DURATION = re.compile(r"P(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?", re.ASCII)
_KINDS: tuple[tuple[type, str], ...] = (
    (str, "text"),
    (bool, "true or false"),
    (int, "a number"),
    (float, "a number"),
    (datetime.date, "a date; write it in quotes"),
    (datetime.time, "a time; write it in quotes"),
    (Mapping, "a table"),
    (list, "a list"),
    (tuple, "a list"),
    (set, "a list"),
    (frozenset, "a list"),
)


def kind(value: object) -> str:
    """What the value is, in words for people."""
    return next((words for each, words in _KINDS if isinstance(value, each)), type(value).__name__)


def is_name(text: str) -> bool:
    """Whether the text can name a category, a purpose, a role or a system: letters, digits, ``_`` and ``-``."""
    return _NAME.fullmatch(text) is not None


class Table:
    """A table of the document.

    :param value: what stands at the path; a fault, and an empty table, where it is none.
    :param keys: the keys that may stand in it; None allows any.
    """

    def __init__(self, value: object, path: Path, faults: Faults, keys: Collection[str] | None = None) -> None:
        self.path = path
        self.faults = faults
        self.values: dict[str, object] = {}
        self.is_table = isinstance(value, Mapping)
        if not isinstance(value, Mapping):
            faults.add(path, f"must be a table, and is {kind(value)}.")
            return
        for key, each in value.items():
            if not isinstance(key, str):
                faults.add(path, f"has a key that is {kind(key)}; keys are text.")
            elif keys is not None and key not in keys:
                faults.add((*path, key), f"unknown key. {nearest(key, keys)}")
            else:
                self.values[key] = each

    def fault(self, key: str, what: str) -> None:
        """Note a fault at a key of this table."""
        self.faults.add((*self.path, key), what)

    def text(self, key: str, *, empty: bool = False) -> str | None:
        """Text, or None where it is left out or does not fit."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self.fault(key, f"must be text, and is {kind(value)}.")
            return None
        if not value.strip() and not empty:
            self.fault(key, "is empty.")
            return None
        return value

    def needed(self, key: str, why: str) -> str:
        """Text that may not be left out."""
        if self.values.get(key) is None and self.is_table:
            self.faults.add(self.path, f"has no {key}; {why}.")
        return self.text(key) or ""

    def flag(self, key: str) -> bool:
        """true or false; false where it is left out."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            self.fault(key, f"must be true or false, and is {kind(value)}.")
        return value is True

    def duration(self, key: str) -> int | None:
        """A time in whole seconds, written as in ISO 8601 (``"PT30M"``), or None where it is left out or does not fit."""
        value = self.text(key)
        if value is None:
            return None
        found = _DURATION.fullmatch(value)
        if found is None or found.lastindex is None:
            self.fault(key, f'must be a time as in "PT30M" or "PT2H", and is {cut(value)}.')
            return None
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds

    def choice(self, key: str, choices: tuple[_Choice, ...]) -> _Choice | None:
        """One of the given words, or None where it is left out or does not fit."""
        value = self.text(key)
        if value is None:
            return None
        for choice in choices:
            if value == choice:
                return choice
        near = nearest(value, choices, known_too=False)
        self.fault(key, f"must be one of {listing(choices)}, and is {cut(value)}.{near and f' {near}'}")
        return None

    def names(self, key: str, known: Collection[str] | None = None, what: str = "name") -> tuple[str, ...] | None:
        """A list of different names, or None where it is left out.

        :param known: what each name must be one of; None takes any.
        :param what: what each of them names, e.g. ``"category"``.
        """
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, (list, tuple, set, frozenset)):
            self.fault(key, f"must be a list, and is {kind(value)}.")
            return ()
        if not value:
            self.fault(key, "is empty; name something or leave it out.")
        names: list[str] = []
        members = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        for position, name in enumerate(members):
            path = (*self.path, key, position)
            if not isinstance(name, str):
                self.faults.add(path, f"must be text, and is {kind(name)}.")
            elif not name.strip():
                self.faults.add(path, "is empty.")
            elif name in names:
                self.faults.add(path, f"{cut(name)} is named twice.")
            else:
                names.append(name)
                if known is not None and name not in known:
                    self.faults.add(path, f"there is no {what} {cut(name)}. {nearest(name, known)}")
        return tuple(names)

    def words(self, key: str, languages: tuple[str, ...], default: str | None) -> Mapping[str, str]:
        """Words for people, in every declared language. One text stands for all languages.

        :param default: what stands in where the key is left out; None leaves the words empty.
        """
        value = self.values.get(key)
        if isinstance(value, Mapping):
            return self._by_language(key, value, languages)
        if value is not None and not isinstance(value, str):
            self.fault(key, f'must be text, or a table as in {{en = "..."}}, and is {kind(value)}.')
        text = self.text(key) if isinstance(value, str) else default
        return MappingProxyType(dict.fromkeys(languages, text) if text is not None else {})

    def _by_language(self, key: str, value: object, languages: tuple[str, ...]) -> Mapping[str, str]:
        words = Table(value, (*self.path, key), self.faults, languages or None)
        missing = [language for language in languages if language not in words.values]
        if missing:
            self.fault(key, f"is missing in {listing(missing)}, which policy.languages declares.")
        texts = {language: words.text(language) or "" for language in words.values}
        return MappingProxyType({language: texts[language] for language in languages if language in texts})
